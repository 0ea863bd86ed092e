"""The learners on sums of tables: what they learn, what they refuse, and that they travel through files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import MultiDiscrete

from agents import (
    CheckpointError,
    EpsilonGreedy,
    IndependentLinearQLearning,
    IndependentQLearning,
    SharedRewardLinearQLearning,
    evaluate,
    train,
)
from marl_envs import traffic_signals_v0
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor


class TiledCorridor(Corridor):
    """The corridor, whose cell is shown by several numbers: `tiles(cell)`."""

    def __init__(self, num_envs: int = 4, sizes: tuple[int, ...] = (6,), **params: Any) -> None:
        super().__init__(num_envs, **params)
        self.sizes = sizes
        self.observation_space: Any = MultiDiscrete(np.array(sizes))

    def tiles(self, cell: Any) -> Any:
        """Return rows: the cell itself, then pairs of cells from another cell on for each further table."""
        return np.stack([(cell + k) // (k + 1) for k in range(len(self.sizes))], -1).astype(np.int32)

    def reset(self, seed: int | None = None) -> Any:
        obs, info = super().reset(seed)
        return self.tiles(obs), info

    def step(self, actions: Any) -> Any:
        obs, *rest, info = super().step(actions)
        return self.tiles(obs), *rest, {**info, "final_obs": self.tiles(info["final_obs"])}


SETTINGS: dict[str, Any] = {"alpha": 0.5, "gamma": 0.9, "exploration": EpsilonGreedy(0.3), "seed": 3}


def test_one_table_trains_to_the_bits_of_the_table_learner():
    one, other = TiledCorridor(), Corridor()
    tiled = IndependentLinearQLearning(one, **SETTINGS, initial=0.5)
    plain = IndependentQLearning(other, **SETTINGS, initial=0.5)
    settings: dict[str, Any] = {"seed": 5, "eval_every": 400, "progress": False}
    histories = train(tiled, one, 2000, **settings), train(plain, other, 2000, **settings)
    np.testing.assert_array_equal(tiled.q, plain.q)
    np.testing.assert_array_equal(tiled.rng, plain.rng)
    assert histories[0] == histories[1]


def test_several_tables_learn_the_shortest_way():
    vec = TiledCorridor(sizes=(6, 4, 3))
    learner = IndependentLinearQLearning(vec, **SETTINGS, initial=1.5)
    assert learner.layout == [6, 4, 3]
    assert learner.q.shape == (1, 13, 3)
    assert learner.q[0, 0, 0] == 0.5  # three of them make 1.5
    train(learner, vec, 20_000, seed=5, progress=False)
    table = learner.greedy()
    for cell in range(1, 5):
        obs = vec.tiles(np.full((1, 2), cell))
        assert (table.choose(obs, None) == 2).all(), cell  # to the right, where the goal is
    rows = vec.tiles(np.array(4)) + np.array([0, 6, 10])
    assert learner.q[0, rows, 2].sum() == pytest.approx(1.0, abs=0.02)  # one step from the goal, which pays 1


def test_the_shared_reward_is_the_teams():
    with pytest.raises(ParameterError, match=r'SharedRewardLinearQLearning needs .*reward="team"'):
        SharedRewardLinearQLearning(TiledCorridor())
    with pytest.raises(ParameterError, match="each agent's own reward"):
        IndependentLinearQLearning(TiledCorridor(reward="team"))
    vec = TiledCorridor(reward="team", sizes=(6, 4))
    learner = SharedRewardLinearQLearning(vec, **SETTINGS)
    train(learner, vec, 400, seed=1, progress=False)
    assert learner.q.any()


def test_other_observations_are_refused():
    with pytest.raises(ParameterError, match=r'MultiDiscrete observations .*observation="tiles"'):
        IndependentLinearQLearning(Corridor())
    vec = TiledCorridor()
    vec.observation_space = MultiDiscrete([6, 4], start=[0, 1])
    with pytest.raises(ParameterError, match="MultiDiscrete observations from 0"):
        IndependentLinearQLearning(vec)
    learner = IndependentLinearQLearning(TiledCorridor(sizes=(6, 4)))
    obs = np.zeros((4, 2, 2), np.int32)
    obs[3, 1] = [5, 4]
    with pytest.raises(ValueError, match=r"environment 3, agent 1: obs \[5, 4\].*must be in \[0, 6\), \[0, 4\)"):
        learner.act(obs)
    with pytest.raises(ValueError, match=r"obs must have shape \(4, 2, 2\)"):
        learner.act(obs[..., 0])
    with pytest.raises(ValueError, match=r"environment 3, agent 1: obs"):
        learner.greedy().choose(obs, None)


def test_a_saved_learner_continues_with_the_same_bits(tmp_path):
    vec = TiledCorridor(sizes=(6, 4))
    learner = IndependentLinearQLearning(vec, **SETTINGS)
    train(learner, vec, 400, seed=1, progress=False)
    learner.save(tmp_path / "a.npz")
    other = IndependentLinearQLearning.load(tmp_path / "a.npz", vec)
    np.testing.assert_array_equal(other.q, learner.q)
    train(learner, TiledCorridor(sizes=(6, 4)), 400, seed=2, progress=False)
    train(other, TiledCorridor(sizes=(6, 4)), 400, seed=2, progress=False)
    np.testing.assert_array_equal(other.q, learner.q)


def test_tables_that_only_add_up_to_the_same_size_are_refused(tmp_path):
    IndependentLinearQLearning(TiledCorridor(sizes=(6, 4))).save(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="layout of tables"):
        IndependentLinearQLearning.load(tmp_path / "a.npz", TiledCorridor(sizes=(7, 3)))
    with pytest.raises(CheckpointError, match="'IndependentLinearQLearning' there, 'IndependentQLearning' here"):
        IndependentQLearning.load(tmp_path / "a.npz", Corridor())


def test_signals_learn_on_tiles():
    """A trained learner is better than an untrained one, which acts at random where all values are alike."""
    settings = {"network": "cross", "demand": "uniform-300", "demand_sets": 2, "max_cycles": 60}
    vec = traffic_signals_v0.vector_env(4, observation="tiles", actions="fullest", **settings)
    learner = IndependentLinearQLearning(vec, alpha=0.2, gamma=0.95, exploration=EpsilonGreedy(0.1))
    before = np.mean([e["travel_time"] for e in evaluate(learner, vec, 4, 0)])
    train(learner, vec, 4 * 60 * 20, seed=0, progress=False)
    after = np.mean([e["travel_time"] for e in evaluate(learner, vec, 4, 0)])
    assert after < 0.92 * before
    assert len(evaluate(learner.greedy(), vec, 1, 0)) == 1  # the PettingZoo way in, too
