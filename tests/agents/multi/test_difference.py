"""Difference rewards: measured against a team reward that is known, and as what other learners train on."""

import numpy as np
import pytest

from agents import IndependentQLearning, train
from agents.multi import DifferenceRewards
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor
from tests.agents.multi.worlds import Sizes

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


class Sum:
    """A team of two that is paid 10 * a + b - a * b, sometimes less 1; for difference rewards."""

    def __init__(self, num_envs):
        sizes = Sizes(num_envs, 2, 1, 4)
        self.__dict__.update(sizes.__dict__)
        self.noise, self.at = np.arange(100) % 7 % 2, np.zeros(num_envs, int)

    def get_state(self):
        return self.at.copy()

    def set_state(self, state):
        self.at[:] = state

    def paid(self, a, b):
        return 10 * a + b - a * b - self.noise[self.at]

    def step(self, actions):
        if actions.max() > 3:
            raise ValueError("no such action")
        reward = self.paid(actions[:, 0], actions[:, 1]).astype(np.float32)
        self.at += 1
        return None, np.repeat(reward[:, None], 2, axis=1), None, None, {}


@pytest.mark.parametrize("default", [0, 2])
def test_difference_rewards_replace_one_action_and_keep_the_rest(default):
    plain, wrapped = Sum(5), DifferenceRewards(Sum(5), default_action=default)
    rng = np.random.default_rng(0)
    for _ in range(20):
        actions = rng.integers(0, 4, (5, 2))
        a, b = actions.T
        team, without = plain.paid(a, b), (plain.paid(default, b), plain.paid(a, default))
        reward = wrapped.step(actions)[1]
        np.testing.assert_array_equal(reward, np.stack([team - without[0], team - without[1]], axis=1))
        plain.step(actions)
        assert wrapped.at.tolist() == plain.at.tolist()
    with pytest.raises(ValueError, match="no such action"):
        wrapped.step(np.array([[4, 0]] * 5))
    assert wrapped.at.tolist() == plain.at.tolist()


def test_learners_of_own_rewards_train_on_difference_rewards():
    vec = DifferenceRewards(Corridor(num_envs=3, reward="team", num_agents=2))
    learner = IndependentQLearning(vec, seed=0)
    assert "difference_rewards" in learner.fingerprint
    train(learner, vec, 600, seed=0, eval_every=300, progress=False)
    assert np.abs(learner.q).max() > 0
    with pytest.raises(ParameterError, match='need an environment built with reward="team"'):
        DifferenceRewards(Corridor())
    with pytest.raises(ParameterError, match="default_action must be an integer from 0 to 2"):
        DifferenceRewards(Corridor(num_envs=3, reward="team", num_agents=2), default_action=3)
