"""Signals on networks: what they are shown everywhere."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from benchmarks.deep import driven, signals, table

pytestmark = pytest.mark.deep
PAIRS = signals.UNSEEN["cross, pairs"]


def test_the_groups_are_played_by_the_command():
    assert driven.GROUPS.items() <= table.GROUPS.items()


def test_summaries_are_scaled_and_lose_the_names_of_phases():
    plain = signals.batch(PAIRS, 2, 2, observation="summary", actions="fullest", max_cycles=5)
    shown = signals.seen(signals.batch(PAIRS, 2, 2, observation="summary", actions="fullest", max_cycles=5))
    scale = np.array([20, 20, 40, 10, 10, 60, 1])
    (first, _), (seen, _) = plain.reset(seed=3), shown.reset(seed=3)
    assert np.allclose(seen * scale, first[..., :7])
    vehicles = 0.0
    for k in range(6):
        actions = np.full((2, 1), k % 2)
        obs, _, _, _, info = plain.step(actions)
        seen, _, _, _, told = shown.step(actions)
        assert np.allclose(seen * scale, obs[..., :7])
        assert np.allclose(told["final_obs"] * scale, info["final_obs"][..., :7])
        assert shown.observation_space.contains(seen[0, 0])
        vehicles += obs[..., 2].sum()
    assert vehicles > 0


@pytest.mark.parametrize("name", signals.UNSEEN)
def test_a_network_fits_every_junction(name):
    home, there = (signals.world(place, envs=2, sets=2) for place in (signals.MANY, signals.UNSEEN[name]))
    learner = signals.network(home, seed=0)
    obs, info = there.reset(seed=0)
    assert learner.greedy().choose(obs, info["action_mask"]).shape == (2, 1)
