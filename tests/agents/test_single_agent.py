"""Gymnasium's environments as batches, against Gymnasium itself."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from agents import EpsilonGreedy, IndependentQLearning, evaluate, train
from agents.linear.coding import TileCoder
from agents.linear.sarsa_lambda import LinearSarsaLambda
from agents.single_agent import GymnasiumEnv
from marl_envs.core.params import ParameterError

CODER = TileCoder([-2.4, -2.5, -0.21, -3.0], [2.4, 2.5, 0.21, 3.0], bins=4, tilings=4)


def test_a_stepped_batch_equals_its_environments():
    """FrozenLake on random actions: every result of every copy, the last observation of an episode included."""
    vec = GymnasiumEnv("FrozenLake-v1", 3, max_episode_steps=12)
    alone = [gymnasium.make("FrozenLake-v1", max_episode_steps=12) for _ in range(3)]
    assert vec.observation_space.n == 16
    obs, info = vec.reset(seed=5)
    assert obs[:, 0].tolist() == [env.reset(seed=5 + e)[0] for e, env in enumerate(alone)]
    assert info["alive"].all()
    returns, draws, ends = np.zeros(3), np.random.default_rng(0), set()
    for _ in range(200):
        actions = draws.integers(0, 4, (3, 1))
        obs, reward, terminated, truncated, info = vec.step(actions)
        assert (obs.dtype, obs.shape, reward.dtype) == (np.int32, (3, 1), np.float32)
        for e, env in enumerate(alone):
            now, pay, over, cut, _ = env.step(int(actions[e, 0]))
            returns[e] += pay
            assert (pay, over, cut) == (reward[e, 0], terminated[e, 0], truncated[e, 0])
            assert info["final_obs"][e, 0] == now
            assert info["ended"][e] == (over or cut)
            if over or cut:
                ends.add((over, cut))
                assert info["metrics"]["return"][e] == returns[e]
                returns[e], now = 0.0, env.reset()[0]
            assert obs[e, 0] == now
    assert {(True, False), (False, True)} <= ends


def test_gymnasiums_own_batch_resets_a_step_later_and_nobody_learns_from_that():
    vec, twin = GymnasiumEnv("CartPole-v1", 4), gymnasium.make_vec("CartPole-v1", 4, "vector_entry_point")
    assert not isinstance(vec.envs, SyncVectorEnv)
    obs, info = vec.reset(seed=1)
    np.testing.assert_array_equal(obs[:, 0], twin.reset(seed=1)[0])
    ended, lengths = np.zeros(4, bool), np.zeros(4)
    for _ in range(120):
        assert info["alive"][:, 0].tolist() == (~ended).tolist()
        lengths = np.where(ended, 0, lengths + 1)
        actions = np.ones((4, 1), np.int64)
        obs, reward, terminated, truncated, info = vec.step(actions)
        now, pay, over, cut, _ = twin.step(actions[:, 0])
        np.testing.assert_array_equal(obs[:, 0], now)
        np.testing.assert_array_equal(reward[:, 0], pay)
        ended = over | cut
        np.testing.assert_array_equal(info["ended"], ended)
        np.testing.assert_array_equal((terminated | truncated)[:, 0], ended)
        np.testing.assert_array_equal(info["metrics"]["episode_length"][ended], lengths[ended])
        np.testing.assert_array_equal(info["metrics"]["return"][ended], lengths[ended])
    assert lengths.max() < 60


def test_tiles_are_the_code_of_what_gymnasium_shows():
    plain, coded = GymnasiumEnv("CartPole-v1", 2), GymnasiumEnv("CartPole-v1", 2, CODER)
    for seed in range(3):
        vector, tiles = plain.reset(seed=seed)[0], coded.reset(seed=seed)[0]
        assert (vector.shape, tiles.shape, tiles.dtype) == ((2, 1, 4), (2, 1, 4), np.int32)
        np.testing.assert_array_equal(tiles, CODER.code(vector))
    assert coded.observation_space.nvec.tolist() == [625] * 4
    assert coded.fingerprint != plain.fingerprint


def test_training_and_evaluation_work_and_repeat():
    tables = []
    for _ in range(2):
        vec = GymnasiumEnv("CartPole-v1", 4, CODER)
        learner = LinearSarsaLambda(vec, alpha=0.3, exploration=EpsilonGreedy(0.1), seed=1)
        train(learner, vec, 4000, seed=2, progress=False)
        tables.append(learner.q)
        assert np.mean([episode["return"] for episode in evaluate(learner, vec, 10, 3)]) > 60  # at random: 22
    np.testing.assert_array_equal(*tables)


def test_a_checkpoint_of_a_training_is_refused_before_it_starts(tmp_path):
    vec = GymnasiumEnv("FrozenLake-v1", 2)
    learner = IndependentQLearning(vec)
    with pytest.raises(ParameterError, match="has no snapshots, so no checkpoint"):
        train(learner, vec, 100, seed=0, checkpoint=tmp_path / "a.npz", progress=False)
    learner.save(tmp_path / "b.npz")
    assert IndependentQLearning.load(tmp_path / "b.npz", vec).settings() == learner.settings()


class Odd(gymnasium.Env):
    """An environment whose spaces are given."""

    def __init__(self, shown, action):
        self.observation_space, self.action_space = shown, action

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GymnasiumEnv("Pendulum-v1"), "actions must be Discrete from 0"),
        (lambda: GymnasiumEnv(Odd(Discrete(3, start=1), Discrete(2))), "observations must be Discrete from 0 or a Box"),
        (lambda: GymnasiumEnv(Odd(Box(0, 1, (2, 2)), Discrete(2))), "or a Box of one axis"),
        (lambda: GymnasiumEnv("FrozenLake-v1", tiles=CODER), "observations must be a Box of one axis"),
        (lambda: GymnasiumEnv("MountainCar-v0", tiles=CODER), "tiles are for 4 numbers"),
        (lambda: GymnasiumEnv("FrozenLake-v1", 0), "num_envs must be an integer at least 1"),
        (lambda: GymnasiumEnv(Odd(Discrete(3), Discrete(2)), 4), "need the id of a registered environment"),
        (
            lambda: GymnasiumEnv(
                SyncVectorEnv([lambda: Odd(Discrete(3), Discrete(2))], autoreset_mode=AutoresetMode.DISABLED)
            ),
            "must reset by themselves",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
