"""Which trips come, whose they are, and that nobody is dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.traffic.engine.trips import NEVER
from marl_envs.traffic.vehicles.layouts import network_of
from marl_envs.traffic.vehicles.types import ANYONE, ARRIVED, CRASHED, DRIVING, IDLE, NONE, WAITING


def test_once_every_agent_has_one_trip_within_the_window():
    vec = intersection_v0.vector_env(200, num_vehicles=4, within=6.0, background=0.5)
    _, info = vec.reset(seed=0)
    step, owner = vec.arrays.fresh_step, vec.arrays.owner
    assert step.shape == (200, 8)
    assert (np.diff(step, axis=1) >= 0).all()
    assert step.min() == 0
    assert step.max() == 24
    for row in owner:
        assert sorted(row[row >= 0].tolist()) == [0, 1, 2, 3]
        assert (row[row < 0] == NONE).all()
    assert len(np.unique((owner >= 0).argmax(axis=1))) > 2  # any of them may be an agent's
    trips = np.argsort(np.where(owner >= 0, owner, 99), axis=1, kind="stable")[:, :4]
    np.testing.assert_array_equal(info["trip"], trips)
    np.testing.assert_array_equal(info["due"], np.take_along_axis(step, trips, axis=1))
    counts = np.bincount(step.ravel(), minlength=25)  # evenly over the window: 64 each
    assert counts.min() > 30


def test_movements_have_their_shares_and_entries_are_alike():
    vec = intersection_v0.vector_env(2000, num_vehicles=4, turns=(0.1, 0.6, 0.3))
    vec.reset(seed=1)
    layout = vec.simulation.settings
    network = network_of(vec.params)
    shares = np.diff(layout.stream_sum, prepend=0.0)
    drawn = np.bincount(vec.arrays.fresh_route.ravel(), minlength=len(shares)) / vec.arrays.fresh_route.size
    np.testing.assert_allclose(drawn, shares[np.argsort(layout.stream_route)], atol=0.02)
    entries = vec.simulation.settings.route_first
    assert len(entries) == 12
    assert network.num_links == 12
    np.testing.assert_allclose(np.sort(shares), np.sort(np.tile([0.025, 0.15, 0.075], 4)), atol=1e-9)


def test_a_flow_is_a_poisson_process():
    vec = intersection_v0.vector_env(300, arrivals="flow", flow=720.0, max_cycles=600, background=0.25)
    vec.reset(seed=2)
    step, owner = vec.arrays.fresh_step, vec.arrays.owner
    used = step != NEVER
    mine = (owner == ANYONE).argmax(axis=1)  # the first trip of an agent, with which the episode begins
    first = step[np.arange(300), mine]
    after = (used & (step > first[:, None])).sum(axis=1)
    assert after.mean() == pytest.approx(60.0, abs=2.0)
    assert after.var() == pytest.approx(60.0, rel=0.3)
    assert (np.where(used, step, 0) <= first[:, None] + 1200).all()
    assert first.mean() == pytest.approx(20.0 / 0.75, rel=0.25)
    assert (owner[used] == NONE).mean() == pytest.approx(0.25, abs=0.02)
    assert set(np.unique(owner[used])) == {ANYONE, NONE}
    assert (~used[:, -1]).all()  # there was room for more


def test_platoons_come_together():
    vec = intersection_v0.vector_env(50, arrivals="flow", flow=720.0, max_cycles=600, platoon=4)
    vec.reset(seed=2)
    step, route = vec.arrays.fresh_step, vec.arrays.fresh_route
    used = step != NEVER
    assert (used.sum(axis=1) % 4 == 0).all()
    for array in (step, route):
        groups = array.reshape(50, -1, 4)
        np.testing.assert_array_equal(groups, groups[:, :, :1].repeat(4, axis=2))


def test_statuses_follow_one_another():
    vec = intersection_v0.vector_env(40, num_vehicles=4, within=10.0)
    _, info = vec.reset(seed=0)
    allowed = {(WAITING, DRIVING), (DRIVING, ARRIVED), (DRIVING, CRASHED), (WAITING, CRASHED)}
    before = info["status"].copy()
    assert set(np.unique(before)) == {WAITING, DRIVING}  # an episode begins when the first agent drives
    assert (before == DRIVING).any(axis=1).all()
    seen = set()
    for _ in range(150):
        *_, info = vec.step(np.ones((40, 4), int))
        going = ~info["ended"]
        changed = (before != info["status"]) & going[:, None]
        seen |= set(zip(before[changed].tolist(), info["status"][changed].tolist(), strict=True))
        before = np.where(going[:, None], info["status"], vec.arrays.status)
    assert seen <= allowed
    assert {(WAITING, DRIVING), (DRIVING, ARRIVED), (DRIVING, CRASHED)} <= seen


def test_in_a_flow_slots_are_used_again_and_nobody_is_dropped():
    vec = intersection_v0.vector_env(
        20, arrivals="flow", num_vehicles=3, flow=900.0, max_cycles=500, observation="tabular", layout="cross"
    )
    vec.reset(seed=0)
    trips: list[set[int]] = [set() for _ in range(20)]
    for _ in range(400):
        _, _, terminated, _, info = vec.step(np.ones((20, 3), int))
        assert not terminated.any()
        assert (info["alive"]).all()
        assert ((info["trip"] == NONE) == (info["status"] == IDLE)).all()
        for e in range(20):
            trips[e] |= set(info["trip"][e][info["trip"][e] >= 0].tolist())
    metrics = vec.metrics()
    assert min(map(len, trips)) > 5
    rest = metrics["arrived"] + metrics["driving"] + metrics["outside"] + metrics["removed"]
    np.testing.assert_array_equal(metrics["created"], rest)
    assert metrics["no_agent"].sum() > 0  # three agents are not enough: the engine drives the others
    created = (vec.arrays.fresh_step <= vec.arrays.step[:, None] - 1).sum(axis=1)
    np.testing.assert_array_equal(metrics["created"], created)
    inserted = (vec.arrays.trip_inserted != NONE) & (np.arange(vec.arrays.owner.shape[1]) < created[:, None])
    np.testing.assert_array_equal(inserted.sum(axis=1), metrics["no_agent"] + np.array([len(own) for own in trips]))


@pytest.mark.parametrize("hard_brake", [4.5, 3.0])
def test_an_agent_can_stop_wherever_it_comes(hard_brake: float):
    """All brake hard from the first decision on: nobody touches the one ahead, however dense they come."""
    chosen: dict[str, Any] = {"arrivals": "flow", "flow": 3000, "num_vehicles": 60, "hard_brake": hard_brake}
    vec = intersection_v0.vector_env(8, max_cycles=150, **chosen)
    vec.reset(seed=2)
    for _ in range(120):
        vec.step(np.full((8, 60), 3))
    metrics = vec.metrics()
    assert metrics["collisions"].sum() == 0
    assert metrics["driving"].min() >= 16


def test_a_full_entry_queues_outside_and_its_delay_counts():
    vec = intersection_v0.vector_env(1, num_vehicles=60, within=0.0, length=40.0, max_cycles=400)
    vec.reset(seed=0)
    assert vec.metrics()["outside"][0] > 20
    terms = vec.reward_terms.index("delay")
    *_, info = vec.step(np.full((1, 60), 3))
    waits = info["status"][0] == WAITING
    np.testing.assert_allclose(info["reward_terms"][0, waits, terms], -0.1 * 0.5, rtol=1e-6)
    assert vec.metrics()["insertion_delay"][0] > 0.0
    assert vec.metrics()["delay"][0] >= vec.metrics()["insertion_delay"][0]
    assert vec.metrics()["created"][0] == 60
