"""Signals on networks: what they are shown everywhere, and what is gained by knowledge from elsewhere."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents import Evaluation, History
from benchmarks.deep import driven, signals, table

pytestmark = pytest.mark.deep
PAIRS = signals.UNSEEN["cross, pairs"]


def course_of(*times):
    """Return a training whose evaluations, 100 steps apart, found these travel times."""
    evaluations = [Evaluation(100 * k, [{"travel_time": time}]) for k, time in enumerate(times)]
    return History(100 * (len(times) - 1), evaluations=evaluations)


def test_the_groups_are_played_by_the_command():
    assert driven.GROUPS.items() <= table.GROUPS.items()


def test_summaries_are_scaled_and_lose_the_names_of_phases():
    plain = signals.batch(PAIRS, 2, 2, observation="summary", actions="fullest", max_cycles=5)
    shown = signals.Scaled(signals.batch(PAIRS, 2, 2, observation="summary", actions="fullest", max_cycles=5))
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


@pytest.mark.parametrize(("values", "most"), [((1.0, 0.0), 0.0), ((0.0, 1.0), 360.0)])
def test_a_training_elsewhere_begins_with_what_is_known(values, most):
    """Who knows nothing but one action, to stay or to change, plays it in the first evaluation."""
    start = signals.network(signals.world(PAIRS, envs=2, sets=2), seed=7)
    knowledge = start.knowledge()
    for array in knowledge.values():
        array[...] = 0.0
    (bias,) = (array for array in knowledge.values() if array.shape == (2,))
    bias[...] = values
    history = signals.course(PAIRS, seed=1, steps=64, every=64, start=start)
    switches = [one["switches"] for one in history.evaluations[0].episodes]
    assert min(switches) == max(switches) == pytest.approx(most, abs=1)


@pytest.mark.parametrize(
    ("scratch", "transfer", "jump", "steps", "share"),
    [
        ((300.0, 200.0, 102.0, 100.0), (150.0, 101.0, 99.0, 98.0), 150.0, (200, 100), 1 / 3),
        ((300.0, 200.0, 100.0), (90.0, 200.0, 80.0), 210.0, (200, 0), 1.0),
        ((300.0, 100.0, 100.0), (400.0, 300.0, 200.0), -100.0, (100, None), -0.5),
        ((300.0, 200.0, 200.0), (400.0, 90.0, 90.0), -100.0, (None, 100), 0.5),
        ((100.0, 100.0, 100.0), (90.0, 90.0, 90.0), 10.0, (0, 0), 0.0),
    ],
)
def test_gains_of_a_start_with_knowledge(scratch, transfer, jump, steps, share):
    found = signals.adapted(course_of(*scratch), course_of(*transfer), level=102.0)
    assert found.jump_start == pytest.approx(jump)
    assert (found.scratch_steps, found.transfer_steps) == steps
    assert signals.saved(found, 100 * (len(scratch) - 1)) == pytest.approx(share)
