"""What every example measures by: the task, the bound of random behaviour, and the curve."""

import json
from pathlib import Path

import numpy as np
import pytest

from examples import task
from marl_envs.core.registry import SPECS
from marl_envs.warehouse.planner import GreedyPolicy, RandomPolicy


def test_the_figures_in_the_task_are_the_environments():
    vec = task.vector_env(3)
    assert vec.agents == task.AGENTS == task.parallel_env().possible_agents
    assert vec.observation_space.shape == (task.OBSERVATION_LENGTH,)
    assert vec.action_space.n == task.NUM_ACTIONS
    assert task.ID in SPECS


def played(policy: RandomPolicy | GreedyPolicy, episodes: int) -> np.ndarray:
    """Return deliveries of whole episodes under one of our policies."""
    vec = task.vector_env(episodes)
    obs, info = vec.reset(seed=5)
    policy.reset(0)
    while not info["ended"].all():
        obs, *_, info = vec.step(policy.act(vec, obs))
    return info["metrics"]["deliveries"]


def test_the_bound_is_that_of_our_random_policy():
    episodes = played(RandomPolicy(), 2000)
    bound = task.random_bound()
    assert (episodes <= bound).mean() >= 0.94
    assert (episodes <= bound - 1).mean() < 0.95
    assert played(GreedyPolicy(sidestep=True), 50).mean() > 20 * bound


def test_deliveries_counts_whole_episodes():
    def stay(obs: np.ndarray, masks: np.ndarray) -> np.ndarray:
        assert obs.shape == (6, 2, task.OBSERVATION_LENGTH)
        assert masks.shape == (6, 2, task.NUM_ACTIONS)
        return np.zeros((6, 2), int)

    np.testing.assert_array_equal(task.deliveries(stay, episodes=6), np.zeros(6))


def test_the_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "results" / "out.jsonl"
    monkeypatch.setattr("sys.argv", ["example", "--seed", "4", "--out", str(path)])
    chosen = task.arguments(steps=100)
    assert (chosen.seed, chosen.steps) == (4, 100)
    curve = task.Curve("nothing", chosen)
    curve.point(50, lambda obs, masks: np.zeros(masks.shape[:2], int))
    curve.finish(share=3.0)
    result = json.loads(path.read_text())
    assert (result["seed"], result["deliveries"], result["rises"], result["share"]) == (4, 0.0, False, 3.0)
    assert result["curve"] == [[50, 0.0]]
    assert "DOES NOT RISE" in capsys.readouterr().out
