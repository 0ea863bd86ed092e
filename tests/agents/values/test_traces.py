"""Traces in a list that is full: what is forgotten, against a dictionary that follows the same words."""

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete

from agents import LinearSarsaLambda, SarsaLambda
from agents.values.traces import ACCUMULATING, REPLACING, fade, make_traces, mark
from marl_envs.core import jit


@jit.jit
def play(traces, places, kind, factor):
    """Visit the places of each step, int64 [steps, K], and fade after it."""
    for step in range(places.shape[0]):
        for k in range(places.shape[1]):
            mark(traces, 0, 0, places[step, k], 1, kind)
        fade(traces, 0, 0, factor)


@pytest.mark.parametrize("kind", [ACCUMULATING, REPLACING])
@pytest.mark.parametrize("factor", [1.0, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_the_faintest_place_is_forgotten_but_none_of_this_step(kind, factor, seed):
    """Of equally faint ones the oldest; of equally old ones, which one step visited, either."""
    draws, longest = np.random.default_rng(seed), 4
    places = np.stack([draws.permutation(9)[:2] for _ in range(60)])
    for steps in range(1, 61):
        traces = make_traces(1, 1, longest)
        play(traces, places[:steps], kind, factor)
        count = traces.length[0, 0]
        held = dict(zip(traces.rows[0, 0, :count].tolist(), traces.weights[0, 0, :count].tolist(), strict=True))
        assert len(held) == min(longest, len(set(places[:steps].ravel().tolist())))
        newest = places[steps - 1].tolist()
        assert set(newest) <= set(held)
        if kind == REPLACING:  # so what is held is what was visited last
            last = {place: int(np.flatnonzero((places[:steps] == place).any(axis=1))[-1]) for place in held}
            gone = set(places[:steps].ravel().tolist()) - set(held)
            for place in gone:
                assert np.flatnonzero((places[:steps] == place).any(axis=1))[-1] <= min(last.values())
            for place, weight in held.items():
                assert weight == factor ** (steps - last[place])


class Spaces:
    """As much of an environment as a learner looks at: sums of three tables, or one table."""

    num_envs = num_agents = 1
    params = None
    action_space = Discrete(2)

    def __init__(self, tables):
        self.observation_space = MultiDiscrete([4] * tables) if tables else Discrete(4)
        self.fingerprint = {"env": "spaces", "params": {}}


@pytest.mark.parametrize("tables", [0, 3])
def test_a_list_of_one_step_makes_lambda_nothing(tables):
    """With room for the active weights alone every lambda is lambda 0, bit for bit: the newest is never lost."""
    cls, shape = (LinearSarsaLambda, (1, 1, 3)) if tables else (SarsaLambda, (1, 1))
    found = []
    for lam in (0.0, 1.0):
        draws = np.random.default_rng(2)
        learner = cls(Spaces(tables), lam=lam, longest_trace=1, alpha=0.3, gamma=1.0)
        obs, no = draws.integers(0, 4, shape).astype(np.int32), np.zeros((1, 1), bool)
        for _ in range(200):
            after = draws.integers(0, 4, shape).astype(np.int32)
            action, reward = draws.integers(0, 2, (1, 1)), draws.normal(size=(1, 1)).astype(np.float32)
            learner.update(obs, action, reward, after, after, no[0], no, ~no)
            obs = after
        found.append(learner.q)
    assert found[0].any()
    np.testing.assert_array_equal(*found)
