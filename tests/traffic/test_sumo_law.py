"""SUMO's law: its closed forms, who may go first, and vehicles that keep to both."""

import numpy as np
import pytest

from marl_envs.core.jit import ENABLED, jit
from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import FlowPlan, Kind, build_demand
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.sumo_law import (
    SLACK,
    arrival_after,
    brake_gap,
    draw_factor,
    gap_speed,
    is_blocked,
    passing_time,
    slowing_speed,
    stop_speed,
)
from marl_envs.traffic.engine.sumo_tables import Changes
from marl_envs.traffic.engine.types import (
    CREATED,
    DIS,
    END_LANE,
    FINISHED,
    HEAD,
    MAJOR,
    NONE,
    OPEN,
    PLACE,
    SPEED,
)
from marl_envs.traffic.generate import junction
from marl_envs.traffic.rilsa import rilsa

BRAKE, TAU, SIGMA = 4.5, 1.0, 0.5
PULL = 2.6 * (1.0 - SIGMA / 2.0)  # of which a driver that dawdles by 0.5 has 2.6 m/s2
CAR = Kind(
    max_acceleration=PULL,
    max_deceleration=BRAKE,
    usual_deceleration=BRAKE,
    min_gap=2.5,
    max_speed=50.0,
    imperfection=SIGMA,
)
PERFECT = Kind(max_acceleration=2.6, max_deceleration=BRAKE, usual_deceleration=BRAKE, min_gap=2.5, max_speed=50.0)
LIMIT = 50.0 / 3.6 + 1e-3  # of RiLSA's roads, and what rounding in the file may add [m/s]


@jit
def stop_all(rows, values):
    for i in range(rows.shape[0]):
        values[i] = stop_speed(rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3])


@jit
def follow_all(rows, values):
    for i in range(rows.shape[0]):
        values[i] = gap_speed(rows[i, 0], rows[i, 1], 4.5, 4.5, 1.0, rows[i, 2])


@jit
def slow_all(rows, values):
    for i in range(rows.shape[0]):
        values[i] = slowing_speed(rows[i, 0], rows[i, 1], 4.5, rows[i, 2])


@jit
def judge_all(rows, values):
    for i in range(rows.shape[0]):
        mine = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3]
        foe = rows[i, 4], rows[i, 5], rows[i, 6], rows[i, 7], rows[i, 8], rows[i, 9]
        values[i] = is_blocked(mine, foe, (4.5, 4.5), rows[i, 10] > 0.0, rows[i, 11], 1.0)


@jit
def times_all(rows, values):
    for i in range(rows.shape[0]):
        comes = arrival_after(rows[i, 0], rows[i, 1], rows[i, 2], 2.6, 4.5)
        values[i] = comes + passing_time(rows[i, 3], rows[i, 2], rows[i, 4]) * rows[i, 5]


@jit
def gap_all(rows, values):
    for i in range(rows.shape[0]):
        values[i] = brake_gap(rows[i, 0], rows[i, 1], rows[i, 2])


@jit
def draw_all(rng, values):
    for i in range(values.shape[0]):
        values[i] = draw_factor(rng, 0, 0.1)


def called(kernel, rows):
    values = np.zeros(len(rows))
    kernel(np.array(rows, np.float64), values)
    return values


def way_of(speed, brake, tau, dt):
    """Return how far one gets that keeps `speed` for `tau` and then brakes in whole steps, added up step by step."""
    way = speed * tau
    while speed > 0.0:
        speed = max(0.0, speed - brake * dt)
        way += speed * dt
    return way


def test_stopping_takes_just_the_gap():
    random = np.random.default_rng(1)
    rows = np.column_stack(
        [random.uniform(5.0, 120.0, (60, 1)), random.uniform([2.0, 0.5, 0.2], [6.0, 2.0, 1.0], (60, 3))]
    )
    for row, speed in zip(rows, called(stop_all, rows), strict=True):
        assert way_of(speed, *row[1:]) == pytest.approx(row[0] - SLACK, abs=1e-6)
    assert called(stop_all, [[0.0, 4.5, 1.0, 1.0], [3.0, 4.5, 1.0, 1.0]]).tolist() == [0.0, 3.0 - SLACK]


def test_braking_goes_by_whole_steps():
    """From 10 m/s by 4.5 m/s2: 5.5 m and 1 m; in steps of 0.5 s: (7.75 + 5.5 + 3.25 + 1) / 2 m."""
    assert called(gap_all, [[10.0, 4.5, 1.0], [10.0, 4.5, 0.5]]) == pytest.approx([6.5, 8.75])


def test_the_saturation_headway():
    """Those who follow at speed v stay tau v behind: in a platoon 3600 v / (v tau + length + gap) pass in an hour."""
    speeds = np.linspace(5.0, 20.0, 31)
    rows = [[TAU * v + SLACK, v, 1.0] for v in speeds]
    assert called(follow_all, rows) == pytest.approx(speeds)
    v = 13.89
    assert 3600.0 * v / (v * TAU + 7.5) == pytest.approx(2337.0, abs=1.0)


def test_nobody_runs_into_one_that_brakes():
    random = np.random.default_rng(2)
    for _ in range(30):
        dt = float(random.choice([0.25, 0.5, 1.0]))
        own = lead = float(random.uniform(0.0, 20.0))
        gap = way_of(own, BRAKE, TAU, dt) - way_of(lead, BRAKE, 0.0, dt) + 0.01
        for _ in range(60):
            lead = max(0.0, lead - BRAKE * dt)
            own = called(follow_all, [[gap, lead, dt]])[0] if gap > 0.0 else 0.0
            own = min(own, 20.0)
            gap += (lead - own) * dt
            assert gap > -1e-9


def test_slowing_down_in_time():
    """For a limit of 5 m/s after 40 m, in steps of 1 s: braking by 4.5 from then on, one is down to it there."""
    speed = called(slow_all, [[40.0, 5.0, 1.0]])[0]
    room = 40.0
    while speed > 5.0 + 1e-9:
        room -= speed
        speed = max(5.0, speed - BRAKE)
    assert -1e-9 < room <= 5.0 + 1e-9


def test_arrival_by_hand():
    """From 5 m/s, 20 m before the line, where it will drive 7.6 m/s: 1 s and 6.3 m, then 13.7 m at 7.6 m/s.

    Over 15 m from 7.6 to 12.4 m/s it takes 1.5 s more.
    """
    rows = [[20.0, 5.0, 7.6, 15.0, 12.4, 0.0], [20.0, 5.0, 7.6, 15.0, 12.4, 1.0]]
    assert called(times_all, rows) == pytest.approx([1.0 + 13.7 / 7.6, 2.5 + 13.7 / 7.6])


def test_gaps_that_are_taken():
    """A minor vehicle is at its line after 2 s and has left after 5 s; who has the right of way comes as given."""
    mine = [2.0, 5.0, 6.0, 8.0]

    def blocked(comes, leaves, merges=0.0, impatience=0.0, gone_at=10.0, braking=0.0, room=50.0):
        return bool(called(judge_all, [[*mine, comes, leaves, 10.0, gone_at, braking, room, merges, impatience]])[0])

    assert blocked(5.5, 7.0)  # half a second behind it
    assert not blocked(6.1, 7.0)  # more than the second that is asked for
    assert blocked(1.0, 2.5)  # still there
    assert not blocked(0.5, 1.5)  # gone before
    assert blocked(0.5, 1.5, merges=1.0)  # onto the same lane, half a second are too little
    assert not blocked(0.1, 0.9, merges=1.0)
    assert blocked(0.1, 0.9, merges=1.0, gone_at=5.0)  # and slower: 5 m/s before one at 6
    assert blocked(6.1, 7.0, merges=1.0, braking=9.0)  # it would have to brake from 9 m/s behind one at 8
    assert blocked(4.0, 5.0, room=30.0)
    assert not blocked(4.0, 5.0, room=30.0, impatience=1.0)  # the impatient count on it to stop, which it can
    assert blocked(2.5, 4.0, room=15.0, impatience=1.0)  # in the same step


def test_wishes_are_spread():
    wishes = np.zeros(4000)
    draw_all(np.array([3], np.uint64), wishes)
    assert wishes.mean() == pytest.approx(1.0, abs=0.005)
    assert wishes.std() == pytest.approx(0.1, abs=0.005)
    assert wishes.min() > 0.2


def on_rilsa(plans, steps, **options):
    network = rilsa().network
    demand = build_demand(network, plans, "some")
    return Traffic(demand, steps, model="sumo", lane_choice="emptiest", **options)


def test_dawdling_on_a_free_road():
    """On a free road a driver falls short of its wish by sigma a at most, by half of that on average."""
    steps = 600 if ENABLED else 90
    traffic = on_rilsa([FlowPlan(CAR, ("emp", "em"), 8.0)], steps)
    network = traffic.network
    lane = network.first_lane[network.road_index["emp"]]
    speeds = []
    for _ in range(steps):
        traffic.step()
        slots = traffic.vehicles()
        dis, speed = traffic.state.motion[0, slots, DIS], traffic.state.motion[0, slots, SPEED]
        free = (traffic.state.vehicle[0, slots, PLACE] == lane) & (dis > 150.0) & (dis < 330.0)
        speeds += speed[free].tolist()
    wish, pull = float(network.limit[lane]), 2.6
    assert len(speeds) > (500 if ENABLED else 20)
    assert np.mean(speeds) == pytest.approx(wish - SIGMA * pull / 2.0, abs=0.1 if ENABLED else 0.4)
    assert wish - SIGMA * pull - 1e-9 <= min(speeds) <= max(speeds) <= wish


def test_a_left_turner_waits_inside_for_one_gap():
    """It enters, stands before its waiting place while one comes straight on, and drives when that has passed."""
    plans = [FlowPlan(PERFECT, ("sm", "mw"), 1e6, 0.0, 0.0, 10.0), FlowPlan(PERFECT, ("nm", "ms"), 1e6, 1.0, 1.0, 10.0)]
    traffic = on_rilsa(plans, 5)
    network, state, rules = traffic.network, traffic.state, traffic.settings
    link = next(
        network.num_lanes + k
        for k in range(network.num_links)
        if network.road_ids[network.lane_road[network.link_start[k]]] == "sm"
        and network.road_ids[network.lane_road[network.link_end[k]]] == "mw"
    )
    assert rules.wait_at[link] > 5.0
    traffic.set_phase(network.signals[0], 7)  # north and south are green
    waited, crossed, passed = 0, None, None
    for step in range(60):
        traffic.step()
        slots = {int(state.trip[0, v]): v for v in traffic.vehicles()}
        if 0 in slots and state.vehicle[0, slots[0], PLACE] == link:
            dis = state.motion[0, slots[0], DIS]
            waited += state.motion[0, slots[0], SPEED] < 0.1 and rules.wait_at[link] - 1.0 < dis <= rules.wait_at[link]
            if dis > rules.wait_at[link] and crossed is None:
                crossed = step
        place = state.vehicle[0, slots[1], PLACE] if 1 in slots else NONE
        if 1 in slots and place >= network.num_lanes and passed is None:
            passed = step
    assert rules.green.max() == MAJOR
    assert passed is not None
    assert crossed is not None
    assert crossed > passed
    assert state.tally[0, FINISHED] == 2


def test_who_goes_first_by_the_phase():
    """Open ways that give way to no other open one are MAJOR: straight on with the lights, not the left turns."""
    traffic = on_rilsa([FlowPlan(PERFECT, ("sm", "mw"), 1e6, 0.0, 0.0)], 1)
    network = traffic.network
    traffic.set_phase(network.signals[0], 7)
    traffic.step()
    shown = traffic.state.on[0, network.num_lanes :, OPEN]
    assert shown[3:9].tolist() == [MAJOR, MAJOR, 1, MAJOR, MAJOR, 1]
    assert not shown[:3].any()


@pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
def test_nobody_gets_lost_and_batches_play_the_same():
    plans = [
        FlowPlan(CAR, route, 9.0 + k)
        for k, route in enumerate((("emp", "em", "mw"), ("smp", "sm", "mn"), ("nmp", "nm", "me"), ("wmp", "wm", "ms")))
    ]
    batch, single = (on_rilsa(plans, 900, num_envs=n, program=True, seed=5) for n in (3, 1))
    for traffic in (batch, single):
        traffic.step(900)
    for e in range(3):
        tally = batch.state.tally[e]
        waiting = int(batch.state.num_waiting[e].sum())
        assert tally[CREATED] == tally[FINISHED] + len(batch.vehicles(e)) + waiting
        assert tally[FINISHED] > 200
    np.testing.assert_array_equal(batch.state.motion[0], single.state.motion[0])
    assert not np.array_equal(batch.state.motion[0], batch.state.motion[1])


@pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
def test_on_one_lane_vehicles_never_touch():
    traffic = on_rilsa(
        [FlowPlan(CAR, ("emp", "em", "mw"), 2.0), FlowPlan(CAR, ("emp", "em", "mn"), 5.0)], 600, program=True
    )
    state, rules = traffic.state, traffic.settings
    for _ in range(600):
        traffic.step()
        for d in range(len(rules.measure)):
            if rules.drivable[d, END_LANE] == NONE and state.on[0, d, HEAD] != NONE:
                places = sorted(state.motion[0, v, DIS] for v in traffic.vehicles() if state.vehicle[0, v, PLACE] == d)
                assert (np.diff(places) >= CAR.length - 1e-9).all()


def test_lanes_that_need_no_change():
    network = rilsa().network
    changes = Changes(network)
    roads = tuple(network.road_index[name] for name in ("emp", "em", "ms"))
    left = changes.entries(roads[1:])
    assert [int(network.lane_index[lane]) for lane in left] == [0]
    links = changes.links(changes.entries(roads)[0], roads)
    assert {int(network.lane_index[network.link_end[k]]) for k in links} == {0}


def test_bad_input():
    network = junction()
    demand = build_demand(network, [FlowPlan(CAR, ("W-J", "J-E"), 5.0)], "some")
    with pytest.raises(ParameterError, match='model "sumo" needs the right of way of a network from one of SUMO'):
        Traffic(demand, 10, model="sumo")
    with pytest.raises(ParameterError, match="parity must be True with it, not False"):
        on_rilsa([FlowPlan(CAR, ("sm", "mn"), 5.0)], 10, parity=False)
    with pytest.raises(ParameterError, match="flow 0: route must be a tuple of road ids, not "):
        build_demand(network, [FlowPlan(CAR, ["W-J", "J-E"], 5.0)], "some")
    with pytest.raises(ParameterError, match="imperfection of its vehicles must be from 0 to 1"):
        build_demand(network, [FlowPlan(Kind(imperfection=1.5), ("W-J", "J-E"), 5.0)], "some")
