"""SARSA(lambda) on sums of tables, against the rule written out with dense traces over all weights."""

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete

from agents import EpsilonGreedy, LinearSarsaLambda
from marl_envs.core import jit
from tests.agents.values.oracles import mixed

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

SIZES, FIRST = np.array([3, 5]), np.array([0, 3])
ALPHA, GAMMA, LAM, EPSILON = 0.4, 0.9, 0.8, 0.3


class Spaces:
    """As much of an environment as a learner looks at: two tables, two actions, one agent."""

    num_envs = num_agents = 1
    params = None
    observation_space, action_space = MultiDiscrete(SIZES), Discrete(2)

    def __init__(self):
        self.fingerprint = {"env": "spaces", "params": {}}


@pytest.mark.parametrize("traces", ["accumulating", "replacing"])
def test_the_rule_over_all_weights(traces):
    """Random transitions, ended by termination or cut off, with masks at the cut."""
    draws = np.random.default_rng(4)
    exploration = EpsilonGreedy(EPSILON)
    learner = LinearSarsaLambda(
        Spaces(), lam=LAM, traces=traces, alpha=ALPHA, gamma=GAMMA, exploration=exploration, initial=1.0
    )
    w, e = np.full((8, 2), 0.5), np.zeros((8, 2))
    np.testing.assert_array_equal(learner.q[0], w)
    waiting = None

    def features(obs):
        return FIRST + obs

    def move(obs, action, target):
        nonlocal e
        error = target - w[features(obs), action].sum()
        for row in features(obs):
            e[row, action] = 1.0 if traces == "replacing" else e[row, action] + 1.0
        w[:] += ALPHA / 2 * error * e
        e *= GAMMA * LAM

    obs = draws.integers(0, SIZES)
    for _ in range(300):
        action, reward, after = int(draws.integers(2)), float(draws.normal()), draws.integers(0, SIZES)
        end = draws.choice(["no", "no", "no", "terminated", "cut"])
        mask = np.array([1, int(draws.integers(2))], np.int8)
        if waiting is not None:
            move(waiting[0], waiting[1], waiting[2] + GAMMA * w[features(obs), action].sum())
        waiting = (obs, action, np.float32(reward))
        if end != "no":
            value = 0.0 if end == "terminated" else mixed(w[features(after)].sum(axis=0), mask, EPSILON)
            move(obs, action, np.float32(reward) + GAMMA * value)
            waiting, e = None, np.zeros((8, 2))
        over = np.full((1, 1), end == "terminated")
        shown = [np.asarray(vector, np.int32)[None, None] for vector in (obs, after)]
        paid = np.full((1, 1), reward, np.float32)
        rows = shown[0], np.full((1, 1), action), paid, shown[1], shown[1], np.array([end != "no"]), over
        learner.update(*rows, np.ones((1, 1), bool), next_mask=mask[None, None], final_mask=mask[None, None])
        obs = draws.integers(0, SIZES) if end != "no" else after
        np.testing.assert_allclose(learner.q[0], w, rtol=1e-4, atol=1e-4)
