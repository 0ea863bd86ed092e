"""TTC, PET, DRAC, delay and jerk against what they are by definition, for vehicles put on the road by hand."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import PLACE, SPEED
from marl_envs.traffic.vehicles.types import DIS, DRAC, DRIVING, NONE, PET, TTC


def _place_of(vec, a: int) -> tuple[float, float]:
    v = int(vec.arrays.slot[0, a])
    return float(vec.arrays.motion[0, v, DIS]), float(vec.arrays.motion[0, v, SPEED])


def test_time_to_collision_and_needed_braking_behind_another():
    """On one lane: gap / closing speed, and closing speed squared / twice the gap."""
    for seed in range(300):
        simulation = intersection_v0.vector_env(1, num_vehicles=2, within=2.0).simulation
        vec = VectorEnv(simulation, autoreset=False)
        vec.reset(seed=seed)
        if vec.arrays.fresh_route[0, 0] != vec.arrays.fresh_route[0, 1]:
            continue
        while not (vec.arrays.status[0] == DRIVING).all():
            vec.step(np.array([[3, 3]]))
        first = int(vec.arrays.agent_trip[0].argmin())
        worst, hardest = np.inf, 0.0
        for _ in range(12):
            vec.step(np.array([[3 if a == first else 1 for a in range(2)]]))
            if not (vec.arrays.status[0] == DRIVING).all():
                break
            (ahead, lead), (own, speed) = (_place_of(vec, a) for a in (first, 1 - first))
            gap = ahead - 5.0 - own
            if speed > lead and gap > 0:
                worst, hardest = min(worst, gap / (speed - lead)), max(hardest, (speed - lead) ** 2 / 2 / gap)
        trip = int(vec.arrays.agent_trip[0, 1 - first])
        assert hardest > 0.0
        assert vec.arrays.trip_worst[0, trip, TTC] == pytest.approx(min(worst, 1e9), rel=1e-4)
        assert vec.arrays.trip_worst[0, trip, DRAC] == pytest.approx(hardest, rel=1e-4)
        return
    raise AssertionError("no two vehicles came on one lane")


def test_post_encroachment_time_is_between_leaving_and_entering():
    """Two vehicles cross straight on at constant speed: PET follows from when they came, their places and lengths."""
    found = 0
    for seed in range(400):
        vec = intersection_v0.vector_env(
            1, num_vehicles=2, within=5.0, turns=(0, 1, 0), dt=0.05, decision_interval=0.5, right_of_way="none"
        )
        vec.reset(seed=seed)
        settings, state = vec.simulation.settings, vec.arrays
        due = state.fresh_step[0, :2] * 0.05
        if not 1.2 < due[1] - due[0] < 3.0:
            continue
        for _ in range(40):
            vec.step(np.zeros((1, 2), int))
            if state.trip_worst[0, 1, PET] < 1e8:
                break
        if state.trip_worst[0, 1, PET] > 1e8:
            continue
        # Both drive 13.89 m/s on mirror-symmetrical ways
        zone = settings.pair_zone[settings.pair_kind == 1]
        straight = zone[np.isclose(zone[:, 1] - zone[:, 0], np.median(zone[:, 1] - zone[:, 0]), atol=6.0)]
        expected = due[1] - due[0] + (straight[:, 2] - straight[:, 1]) / 13.89
        assert np.abs(expected - state.trip_worst[0, 1, PET]).min() < 0.06
        found += 1
        if found == 5:
            return
    raise AssertionError(f"only {found} encounters")


def test_a_vehicle_alone_has_no_delay_and_one_that_waits_has_all_of_it():
    vec = intersection_v0.vector_env(30, num_vehicles=1, turns=(0, 1, 0))
    vec.reset(seed=0)
    while not (vec.arrays.cycle >= 10).all():
        vec.step(np.zeros((30, 1), int))
    np.testing.assert_allclose(vec.metrics()["delay"], 0.0, atol=1e-4)
    for _ in range(8):
        vec.step(np.full((30, 1), 3))
    before = vec.metrics()["delay"]
    slots = vec.arrays.slot[:, 0]
    speeds = vec.arrays.motion[np.arange(30), slots, SPEED]
    assert (vec.arrays.vehicle[np.arange(30), slots, PLACE] != NONE).all()
    np.testing.assert_allclose(speeds, 0.0, atol=1e-9)
    vec.step(np.full((30, 1), 3))
    np.testing.assert_allclose(vec.metrics()["delay"] - before, 0.5, rtol=1e-5)


def test_a_left_turn_alone_loses_next_to_nothing():
    """The free speed knows of the turn: braking for it and accelerating after it are no delay."""
    vec = intersection_v0.vector_env(30, num_vehicles=1, turns=(1, 0, 0), max_cycles=400)
    vec.reset(seed=0)
    found = []
    for _ in range(60):
        *_, info = vec.step(np.ones((30, 1), int))
        found += info["metrics"]["delay"][info["ended"]].tolist()
    assert len(found) >= 30
    assert max(found) < 0.3
