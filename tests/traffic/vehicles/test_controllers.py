"""Controllers at a junction, seen from outside: where they refuse to work, whom they let go, that nobody crashes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.params import ParameterError
from marl_envs.traffic.phases import conflict, movements_of
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.vehicles.control.ledger import BROKEN, FORCED
from marl_envs.traffic.vehicles.control.tiles import tile_cover
from marl_envs.traffic.vehicles.layouts import network_of
from marl_envs.traffic.vehicles.policies import (
    ActuatedSignal,
    AllWayStop,
    FixedSignal,
    Reservation,
    TwoWayPriority,
)
from tests.traffic.vehicles.crossing import FLOW, entry, run, watch

ALL = (AllWayStop, TwoWayPriority, Reservation, FixedSignal, ActuatedSignal)


@pytest.mark.parametrize("controller", ALL)
@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"layout": "roundabout"}, "single junction"),
        ({"layout": "grid-2x2"}, "single junction"),
        ({"background": 0.5}, "background must be 0"),
        ({"crosswalks": True, "length": 150.0}, "crosswalks=False"),
        ({"hard_brake": 3.0}, "hard_brake of at least 4.5"),
        ({"length": 40.0}, "length must be at least 6"),
    ],
)
def test_it_says_where_it_cannot_work(controller: Any, chosen: dict[str, Any], says: str):
    vec = intersection_v0.vector_env(2, **chosen)
    obs, _ = vec.reset(seed=1)
    with pytest.raises(ParameterError, match=f"{controller.__name__}.*{says}"):
        controller().act(vec, obs)


@pytest.mark.parametrize("controller", [AllWayStop, TwoWayPriority, Reservation, ActuatedSignal])
def test_only_the_fixed_signal_works_with_the_junctions_own_light(controller: Any):
    vec = intersection_v0.vector_env(2, signals=True)
    obs, _ = vec.reset(seed=1)
    with pytest.raises(ParameterError, match="signals=False"):
        controller().act(vec, obs)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TwoWayPriority(gap=-1.0),
        lambda: Reservation(tile=0.0),
        lambda: Reservation(spare=9.0),
        lambda: FixedSignal(green=0.0),
        lambda: ActuatedSignal(least_green=30.0, most_green=20.0),
    ],
)
def test_numbers_out_of_range_are_refused(make: Any):
    with pytest.raises(ParameterError, match="must be"):
        make()


@pytest.mark.parametrize("actions", ["discrete", "continuous"])
@pytest.mark.parametrize("controller", ALL)
def test_all_come_through_and_asking_changes_nothing(controller: Any, actions: str):
    vec = intersection_v0.vector_env(8, num_vehicles=6, actions=actions, max_cycles=400)
    obs, _ = vec.reset(seed=5)
    policy, finished = controller(), 0
    policy.reset(5)
    for i in range(330):
        before = [array.copy() for array in vec.arrays] if i % 40 == 20 else None
        chosen = policy.act(vec, obs)
        for name, array, was in zip(vec.arrays._fields, vec.arrays, before or [], strict=bool(before)):
            np.testing.assert_array_equal(array, was, err_msg=name)
        obs, *_, info = vec.step(chosen)
        for e in np.flatnonzero(info["ended"]):
            finished += 1
            assert info["metrics"]["collisions"][e] == 0
            assert info["metrics"]["arrived"][e] == 6
    assert finished >= 8


def test_one_environment_does_not_depend_on_the_others():
    tracks = []
    for num_envs in (1, 3):
        vec = intersection_v0.vector_env(num_envs, max_cycles=150, **FLOW)
        obs, _ = vec.reset(seed=2)
        policy = Reservation()
        for _ in range(140):
            obs, *_ = vec.step(policy.act(vec, obs))
        tracks.append(vec.arrays.motion[0].copy())
    np.testing.assert_array_equal(*tracks)


@pytest.mark.parametrize("controller", ALL)
def test_nobody_crashes_in_dense_traffic(controller: Any):
    policy = controller()
    metrics = run(policy, 400, flow=1600, **FLOW)
    assert metrics["created"].min() > 60
    assert metrics["collisions"].sum() == metrics["no_agent"].sum() == metrics["deadlock"].sum() == 0
    assert policy._desk.ledger.counts[:, BROKEN].sum() == policy._desk.ledger.counts[:, FORCED].sum() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("actions", "interval"), [("discrete", 0.5), ("discrete", 1.0), ("continuous", 0.25), ("continuous", 1.0)]
)
@pytest.mark.parametrize("layout", ["cross", "cross-2", "cross-3", "cross-3-turns", "tee-2"])
@pytest.mark.parametrize("controller", ALL)
def test_nobody_crashes_on_any_layout(controller: Any, layout: str, actions: str, interval: float):
    policy = controller()
    lanes = network_of(intersection_v0.parallel_env(layout=layout).params).num_lanes
    chosen: dict[str, Any] = {"layout": layout, "actions": actions, "decision_interval": interval, "flow": 250 * lanes}
    metrics = run(policy, int(400 / interval), 3, arrivals="flow", num_vehicles=400, **chosen)
    assert metrics["created"].min() > 10 * lanes
    assert metrics["collisions"].sum() == metrics["no_agent"].sum() == metrics["deadlock"].sum() == 0
    assert policy._desk.ledger.counts[:, BROKEN].sum() == policy._desk.ledger.counts[:, FORCED].sum() == 0


@pytest.mark.slow
@pytest.mark.parametrize("controller", ALL)
def test_few_agents_mix_with_the_engines_cars(controller: Any):
    """The engine drives those that find no agent; nobody waits for ever."""
    metrics = run(controller(), 2400, 16, arrivals="flow", num_vehicles=6, flow=700)
    assert metrics["no_agent"].sum() > 0
    assert metrics["collisions"].sum() == metrics["deadlock"].sum() == 0


def test_first_come_is_first_served_at_an_all_way_stop():
    """Each stops at its line; of any two whose ways cross, who stood there first goes first."""
    trips = watch(AllWayStop(), 500, flow=1100, **FLOW)
    network = network_of(intersection_v0.parallel_env().params)
    (junction,) = np.flatnonzero(np.diff(network.first_link))
    movements = movements_of(network, int(junction))
    went = []
    for trip in trips:
        at = entry(trip)
        stood = [t for t, way, speed, first in trip["track"] if first and speed < 0.1 and -5.0 <= way <= 0.0]
        if at < np.inf:
            assert stood
            assert stood[0] < at
            went.append((trip["env"], stood[0], at, movements[int(network.link_movement[trip["link"]])]))
    assert len(went) > 150
    together = waited = 0
    for env, came, at, own in went:
        for foe_env, foe_came, foe_at, other in went:
            if env == foe_env and came < foe_came < at and conflict(own, other):
                waited += 1
                assert at < foe_at
            together += env == foe_env and at < foe_at < at + 1.0 and not conflict(own, other)
    assert waited > 50
    assert together > 10


def test_the_major_road_goes_first():
    chosen = {"flow": 900, "turns": (0.1, 0.8, 0.1), **FLOW}
    trips = watch(TwoWayPriority(), 600, num_envs=8, **chosen)
    network = network_of(intersection_v0.parallel_env().params)
    major, stopped = [], {True: 0, False: 0}
    names = [network.road_ids[network.lane_road[network.link_start[k]]] for k in range(network.num_links)]
    for trip in trips:
        straight = network.road_link_kind[network.link_movement[trip["link"]]] == STRAIGHT
        on_major = names[trip["link"]] in ("W-J", "E-J")
        if straight and entry(trip) < np.inf:
            stopped[on_major] += any(speed < 0.1 for _, _, speed, _ in trip["track"])
            major.append(on_major)
    assert sum(major) > 200
    assert len(major) - sum(major) > 200
    assert stopped[True] < 0.05 * sum(major)
    assert stopped[False] > 0.3 * (len(major) - sum(major))


@pytest.mark.parametrize(("layout", "phases"), [("cross", 2), ("cross-1-turns", 4)])
def test_nobody_enters_against_the_light(layout: str, phases: int):
    trips = watch(FixedSignal(green=20.0), 480, layout=layout, flow=1400, **FLOW)
    network = network_of(intersection_v0.parallel_env(layout=layout).params)
    (junction,) = np.flatnonzero(np.diff(network.first_link))
    movements = movements_of(network, int(junction))
    begin = {e: min(trip["track"][0][0] for trip in trips if trip["env"] == e) for e in range(4)}
    entered: dict[int, list[Any]] = {p: [] for p in range(phases)}
    for trip in trips:
        at = entry(trip)
        if at < np.inf:
            phase, since = divmod((at - begin[trip["env"]]) % (25.0 * phases), 25.0)
            movement = movements[int(network.link_movement[trip["link"]])]
            assert since <= 23.0 or movement.kind == TURN_LEFT  # green and yellow; left turns set off at the end of it
            entered[int(phase)].append(movement)
    for found in entered.values():
        assert len(found) > 20
        arms = {movement.start for movement in found}
        assert len(arms) == 2
        if phases == 4:  # lanes of their own: nothing that crosses
            assert not any(
                conflict(a, b) for a in set(found) for b in set(found) if a != b and a.kind != TURN_RIGHT != b.kind
            )


def test_an_actuated_light_stays_where_vehicles_come():
    """All from one road: its green never ends, and nobody is held up but by its start."""
    quick = run(ActuatedSignal(), 600, 8, demand=None, flow=500, turns=(0, 1, 0), platoon=1, **FLOW)
    fixed = run(FixedSignal(), 600, 8, demand=None, flow=500, turns=(0, 1, 0), platoon=1, **FLOW)
    assert quick["delay"].mean() < 0.6 * fixed["delay"].mean()


def test_vehicles_obey_the_junctions_own_light():
    chosen = {"signals": True, "flow": 800, "background": 0.5, **FLOW}
    metrics = run(FixedSignal(), 480, **chosen)
    assert metrics["collisions"].sum() == 0
    assert 8.0 < metrics["delay"].mean() < 40.0
    trips = watch(FixedSignal(), 400, **chosen)
    network = network_of(intersection_v0.parallel_env(signals=True).params)
    for trip in trips:
        at = entry(trip)
        since = at % 70.0
        way = int(network.link_movement[trip["link"]])
        if at < np.inf and network.road_link_kind[way] != TURN_RIGHT:
            row = 0 if since < 33.5 else 2 if 35.0 <= since < 68.5 else 1  # who cannot stop comfortably goes on
            assert row != 1, since
            assert network.green[row, way], (at, network.road_ids[network.road_link_roads[way][0]])


@pytest.mark.parametrize(("layout", "size"), [("cross", 1.0), ("cross-2-turns", 1.7)])
def test_tiles_cover_the_vehicle_and_little_more(layout: str, size: float):
    """Places drawn in a vehicle's rectangle lie on its tiles; each of its tiles is near the rectangle."""
    vec = intersection_v0.vector_env(1, layout=layout)
    rules, network = vec.simulation.settings, network_of(vec.params)
    lengths = network.length[network.num_lanes :]
    cover = tile_cover(rules, lengths, 5.5, 2.3, size)
    half = float(np.abs(network.xy[network.first_point[network.link_start + 1] - 1]).max())  # stop lines
    side = int(np.ceil(2.0 * half / size - 1e-9))
    assert cover.shape[1] == -(-side * side // 64)
    rng = np.random.default_rng(3)
    for k in rng.integers(0, len(lengths), 60):
        first, begin = int(rules.path_first[k]), round(rules.before / 0.5)
        i = first + begin + int(rng.integers(0, int((lengths[k] + 5.0) / 0.5)))
        front, rear = (np.array([rules.path_x[q], rules.path_y[q]]) for q in (i, i - 10))
        along = (front - rear) / np.linalg.norm(front - rear)
        spots = rng.uniform(-0.5, 0.5, (400, 2)) * (5.5, 2.3)
        places = (front + rear) / 2.0 + spots[:, :1] * along + spots[:, 1:] * (-along[1], along[0])
        places = places[(np.abs(places) < half - 1e-6).all(axis=1)]
        columns, rows = ((places + half) / size).astype(int).T
        bits = np.unpackbits(cover[i].view(np.uint8), bitorder="little")[: side * side].reshape(side, side)
        assert bits[rows, columns].all()
        for row, column in np.argwhere(bits):
            middle = (np.array([column, row]) + 0.5) * size - half - (front + rear) / 2.0
            near = abs(middle @ along) <= 2.75 + size * 0.75, abs(middle @ (-along[1], along[0])) <= 1.15 + size * 0.75
            assert all(near)
