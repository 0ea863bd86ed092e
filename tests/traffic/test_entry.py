"""Which lane drivers take and how fast they begin, against plain readings of the state before and after each step."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import FlowPlan, build_demand
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import (
    BEHIND,
    COUNT,
    DIS,
    DRIVEN,
    EXIT,
    HEAD,
    KIND,
    LENGTH,
    LIMIT,
    MODE,
    NONE,
    PLACE,
    RED_RUNS,
    SPEED,
)
from marl_envs.traffic.network import Network
from tests.traffic.grids import CAR, crowd, grid

needs_compilation = pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
ENTRY, LEFT, AHEAD_OF_IT = "(0, 1)>(1, 1)", "(1, 1)>(1, 2)", "(1, 1)>(2, 1)"


def outside(traffic: Traffic, lane: int) -> list[int]:
    """Return the trips that wait for room on `lane`."""
    found, trip = [], int(traffic.state.first_waiting[0, lane])
    while trip != NONE:
        found.append(trip)
        trip = int(traffic.state.next_waiting[0, trip])
    return found


def loads(traffic: Traffic) -> list[int]:
    """Return how many vehicles are on each lane and wait for it."""
    lanes = range(traffic.network.num_lanes)
    return [int(traffic.state.on[0, lane, COUNT]) + len(outside(traffic, lane)) for lane in lanes]


def lane_of(traffic: Traffic, trip: int) -> int:
    """Return the lane that a trip which has just been created waits for or has begun on."""
    for v in traffic.vehicles():
        if traffic.state.trip[0, v] == trip:
            return int(traffic.state.vehicle[0, v, PLACE])
    return next(lane for lane in range(traffic.network.num_lanes) if trip in outside(traffic, lane))


def surplus_of(lane_choice: str, seed: int, interval: float) -> list[int]:
    """Return by how many vehicles the first lane of each trip was fuller than the emptiest one."""
    network = grid(1, 60.0, 3)
    demand = build_demand(network, [FlowPlan(CAR, (ENTRY, LEFT), interval)], "one flow")
    traffic = Traffic(demand, 60, lane_choice=lane_choice, seed=seed, program=True)
    road = network.road_index[ENTRY]
    lanes = range(network.first_lane[road], network.first_lane[road + 1])
    found = []
    for _ in range(60):
        before, first = loads(traffic), int(traffic.state.next_trip[0])
        traffic.step()
        for trip in range(first, int(traffic.state.next_trip[0])):
            lane = lane_of(traffic, trip)
            found.append(before[lane] - min(before[k] for k in lanes))
            before[lane] += 1
    return found


@needs_compilation
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), interval=st.sampled_from([1.0, 2.0]))
def test_the_first_lane_is_the_emptiest(seed, interval):
    assert set(surplus_of("emptiest", seed, interval)) == {0}


@needs_compilation
def test_the_first_lane_is_drawn_by_default():
    assert max(surplus_of("random", 0, 1.0)) > 1


def ways(network: Network, lane: int, route: tuple[int, ...]) -> list[int]:
    """Return the links from `lane` to the second road of `route`, onto lanes that lead to the third, if any."""
    found = []
    for k in network.links_from[lane]:
        end = network.link_end[k]
        after = [network.lane_road[network.link_end[m]] for m in network.links_from[end]]
        if network.lane_road[end] == route[1] and (len(route) < 3 or route[2] in after):
            found.append(network.num_lanes + k)
    return found


@needs_compilation
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_first_before_a_junction_goes_to_the_emptiest_lane(seed):
    network = grid(2, 80.0, 2)
    demand = crowd(network, 8, seed % 1000)
    traffic = Traffic(demand, 90, lane_choice="emptiest", seed=seed, program=True)
    state, nearest, others = traffic.state, 0, 0
    number = state.on[0, :, COUNT]
    for _ in range(90):
        wanted = {int(v): int(state.vehicle[0, v, EXIT]) for v in traffic.vehicles()}
        trip, place = state.trip[0].copy(), state.vehicle[0, :, PLACE].copy()
        traffic.step()
        for v, link in wanted.items():
            now = int(state.vehicle[0, v, PLACE])
            if state.trip[0, v] == trip[v] and now != place[v] and now >= network.num_lanes > place[v]:
                assert now == link
                ahead = network.link_end[link - network.num_lanes]
                others += network.lane_index[ahead] != network.lane_index[place[v]]
        for lane in range(network.num_lanes):
            v = state.on[0, lane, HEAD]
            if v == NONE:
                continue
            flow = traffic.trips[0].flow[state.trip[0, v]]
            w = demand.flow_route[flow]
            route = demand.routes[w][state.route_at[0, v] - traffic.settings.route_first[w] :]
            if len(route) == 1:
                continue
            load = {k: number[k] + number[network.link_end[k - network.num_lanes]] for k in ways(network, lane, route)}
            taken = state.vehicle[0, v, EXIT]
            assert load[taken] == min(load.values())
            nearest += network.lane_index[network.link_end[taken - network.num_lanes]] == network.lane_index[lane]
    assert nearest > 0
    assert others > 0


def begun(pace: str, speed: float, others: tuple[float, ...] = ()) -> float:
    """Return how fast [m/s] a car that begins behind `others`, from the first on, is after a step of 1 s."""
    network = grid(1, 300.0, 1)
    flows = [FlowPlan(CAR, (ENTRY, AHEAD_OF_IT), 1e6, 20.0 * k, 20.0 * k) for k in range(len(others))]
    last = FlowPlan(CAR, (ENTRY, AHEAD_OF_IT), 1e6, 60.0, 60.0, speed, pace)
    traffic = Traffic(build_demand(network, [*flows, last], "some"), 61)
    state = traffic.state
    traffic.step(60)
    for k, v in enumerate(traffic.vehicles()):
        state.motion[0, v, [DIS, SPEED]] = 200.0 - 60.0 * k, others[k]
        state.vehicle[0, v, MODE], state.told[0, v] = DRIVEN, others[k]
    traffic.step()
    return float(state.motion[0, traffic.vehicles()[-1], SPEED])


BOOST = CAR.max_acceleration


@pytest.mark.parametrize(
    ("pace", "speed", "others", "expected"),
    [
        ("given", 0.0, (), BOOST),
        ("bounded", 5.0, (), 5.0 + BOOST),
        ("bounded", 1000.0, (), CAR.max_speed),
        ("average", 1000.0, (), CAR.max_speed),
        ("average", 1000.0, (2.0, 6.0), 4.0 + BOOST),
        ("average", 3.0, (2.0, 6.0), 3.0 + BOOST),
        ("last", 1000.0, (2.0, 6.0), 6.0 + BOOST),
        ("last", 1000.0, (6.0, 2.0), 2.0 + BOOST),
    ],
)
def test_vehicles_begin_as_fast_as_they_are_to(pace, speed, others, expected):
    assert begun(pace, speed, others) == pytest.approx(expected)


@needs_compilation
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    pace=st.sampled_from(["bounded", "average", "last", "any"]),
    spacing=st.sampled_from([30.0, 60.0, 150.0]),
    dt=st.sampled_from([0.5, 1.0]),
    program=st.booleans(),
)
def test_nobody_begins_too_fast(seed, pace, spacing, dt, program):
    """However fast they want to begin: on their first lanes nobody touches the one before, or passes lasting red."""
    network = grid(1, spacing, 2)
    demand = crowd(network, 6, seed)
    wish = replace(
        demand,
        flow_speed=np.full(len(demand.flow_kind), 50.0),
        flow_pace=np.full_like(demand.flow_kind, ["given", "bounded", "average", "last", "any"].index(pace)),
    )
    traffic = Traffic(wish, 90, dt=dt, program=program, seed=seed, lane_choice="emptiest")
    state, tables = traffic.state, traffic.settings
    first_lanes = [lane for lane in range(network.num_lanes) if tables.in_first[lane] == tables.in_first[lane + 1]]
    inserted = 0
    for _ in range(90):
        traffic.step()
        for lane in first_lanes:
            ahead, v = NONE, state.on[0, lane, HEAD]
            while v != NONE:
                inserted += 1
                assert state.motion[0, v, SPEED] <= tables.measure[lane, LIMIT]
                assert state.motion[0, v, DIS] <= tables.measure[lane, LENGTH]
                if ahead != NONE:
                    rear = state.motion[0, ahead, DIS] - tables.body[state.vehicle[0, ahead, KIND]]
                    assert rear >= state.motion[0, v, DIS]
                ahead, v = v, state.vehicle[0, v, BEHIND]
    assert inserted > 0
    assert program or state.tally[0, RED_RUNS] == 0  # without it all is red, always


def test_an_unknown_pace_is_refused():
    network = grid(1, 60.0, 1)
    with pytest.raises(ParameterError, match="some: flow 0: pace"):
        build_demand(network, [FlowPlan(CAR, (ENTRY, LEFT), 1.0, pace="fast")], "some")


def test_an_unknown_choice_of_lanes_is_refused():
    demand = crowd(grid(1, 60.0, 1), 1, 0)
    with pytest.raises(ParameterError, match="lane_choice"):
        Traffic(demand, 1, lane_choice="best")
