"""Batches put together are the same batches, and one learner learns in all of them."""

import numpy as np
import pytest

from agents import EpsilonGreedy, IndependentQLearning, evaluate, train
from agents.together import SEEDS, Together
from marl_envs import gridworld_v0, warehouse_v0
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor


def floors():
    return [warehouse_v0.vector_env(num_envs=n, layout=name, max_cycles=7) for n, name in ((2, "5x5"), (3, "6x7"))]


def test_parts_play_as_they_would_alone():
    whole, alone, rng = Together(floors()), floors(), np.random.default_rng(1)
    seeds = np.random.default_rng(5).integers(SEEDS, size=2).tolist()
    began, info = whole.reset(seed=5)
    others = [part.reset(seed=seed) for part, seed in zip(alone, seeds, strict=True)]
    assert np.array_equal(began, np.concatenate([obs for obs, _ in others]))
    assert np.array_equal(info["action_mask"], whole.action_mask)
    assert (whole.num_envs, whole.num_agents) == (5, 2)
    ended = 0
    for _ in range(16):
        actions = rng.integers(5, size=(5, 2))
        obs, reward, terminated, truncated, info = whole.step(actions)
        one, two = alone[0].step(actions[:2]), alone[1].step(actions[2:])
        for ours, theirs in zip((obs, reward, terminated, truncated), zip(one[:4], two[:4], strict=True), strict=True):
            assert np.array_equal(ours, np.concatenate(theirs))
        for name in ("alive", "ended", "final_obs", "action_mask", "reward_terms"):
            assert np.array_equal(info[name], np.concatenate([one[4][name], two[4][name]])), name
        metrics = [part[4]["metrics"]["deliveries"] for part in (one, two)]
        assert np.array_equal(info["metrics"]["deliveries"], np.concatenate(metrics))
        ended += info["ended"].sum()
    assert ended == 2 * 5


def test_one_table_learns_in_two_worlds_at_once():
    """A dry floor and a slippery one; the ways are the same."""
    pay = {"step_reward": -1.0, "goal_reward": -1.0, "max_cycles": 200}
    parts = [gridworld_v0.vector_env(num_envs=8, world="dyna_maze", slip=slip, **pay) for slip in (0.0, 0.2)]
    whole = Together(parts)
    learner = IndependentQLearning(whole, alpha=0.1, gamma=1.0, exploration=EpsilonGreedy(0.1), seed=0)
    train(learner, whole, 100_000, seed=0, progress=False)
    for part in parts:
        played = evaluate(learner, part, 8, seed=1, transfer=True)
        assert np.mean([episode["success"] for episode in played]) == 1.0


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ParameterError, match="at least one batch"):
        Together([])
    with pytest.raises(ParameterError, match=r"parts\[1\] does not go with parts\[0\].*agents is 3 there, 2 here"):
        Together([Corridor(), Corridor(num_agents=3)])
    with pytest.raises(ParameterError, match="reward is 'team' there, 'individual' here"):
        Together([Corridor(), Corridor(reward="team")])
    first, other = (Together([Corridor(length=6), Corridor(max_cycles=n)]).fingerprint for n in (20, 30))
    assert first != other
