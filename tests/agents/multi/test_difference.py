"""Difference rewards: measured against a team reward that is known, and as what other learners train on."""

import numpy as np
import pytest

from agents import IndependentQLearning, train
from agents.multi import DifferenceRewards
from marl_envs import matrix_v0
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
        self.action_mask = None

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


def test_the_first_allowed_action_stands_in_for_a_forbidden_default():
    plain, wrapped = Sum(3), DifferenceRewards(Sum(3), default_action=2)
    wrapped.vec.action_mask = np.array(
        [[[1, 1, 1, 1], [0, 1, 0, 1]], [[0, 0, 0, 1], [1, 1, 0, 1]], [[1] * 4] * 2], np.int8
    )
    a, b = np.array([3, 3, 0]), np.array([1, 3, 2])
    first, second = np.array([2, 3, 2]), np.array([1, 0, 2])  # instead of 2 where the mask forbids it
    expected = plain.paid(a, b)[:, None] - np.stack([plain.paid(first, b), plain.paid(a, second)], axis=1)
    np.testing.assert_array_equal(wrapped.step(np.stack([a, b], axis=1))[1], expected)


def test_all_but_the_reward_is_as_without_and_stays_valid_until_the_step_after_the_next():
    """Measuring what else might have happened must not touch the arrays that a learner still reads."""
    game = {"game": "boutilier", "reward": "team"}
    plain, wrapped = matrix_v0.vector_env(4, copy=True, **game), DifferenceRewards(matrix_v0.vector_env(4, **game))
    found, expected = wrapped.reset(seed=1), plain.reset(seed=1)
    seen = set()
    rng = np.random.default_rng(0)
    for _ in range(30):
        actions = rng.integers(0, 2, (4, 2))
        later, planned = wrapped.step(actions), plain.step(actions)
        np.testing.assert_array_equal(found[0], expected[0])  # what the call before returned, after this one
        np.testing.assert_array_equal(found[-1]["action_mask"], expected[-1]["action_mask"])
        np.testing.assert_array_equal(later[2], planned[2])
        seen |= set(planned[0].ravel().tolist())
        found, expected = later, planned
    assert len(seen) > 1  # several states were seen


def test_an_interrupted_training_on_difference_rewards_goes_on(tmp_path):
    """A checkpoint names the wrapper's parameters, the environment's snapshot its own."""

    def trained(path, stops):
        vec = DifferenceRewards(matrix_v0.vector_env(4, game="boutilier", reward="team"))
        learner = IndependentQLearning(vec, share_table=False, seed=0)
        steps = iter(range(1000))
        train(
            *(learner, vec, 400),
            seed=0,
            checkpoint=path,
            resume=True,
            progress=False,
            stop=lambda: stops and next(steps) == 20,
        )
        return learner

    whole = trained(tmp_path / "whole.npz", False)
    assert trained(tmp_path / "part.npz", True).steps < whole.steps
    resumed = trained(tmp_path / "part.npz", False)
    assert resumed.steps == whole.steps
    np.testing.assert_array_equal(resumed.q, whole.q)


def test_a_snapshot_put_back_gives_what_the_environment_gives():
    vec = DifferenceRewards(matrix_v0.vector_env(4, game="boutilier", reward="team"))
    vec.reset(seed=1)
    obs, *_ = vec.step(np.zeros((4, 2), np.int64))
    taken, shown = vec.get_state(), obs.copy()
    vec.step(np.zeros((4, 2), np.int64))
    again, info = vec.set_state(taken)
    np.testing.assert_array_equal(again, shown)
    assert info["alive"].all()
