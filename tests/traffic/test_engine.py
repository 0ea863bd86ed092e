"""What holds for any traffic: the same bits however it is run, vehicles neither lost nor made, readings that agree."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import FlowPlan, build_demand, expand
from marl_envs.traffic.engine.editing import add_vehicle, set_route, set_speed
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import (
    ASLEEP,
    AWAKE,
    BEHIND,
    COUNT,
    CREATED,
    CROSSING,
    DIS,
    DRIVEN,
    FINISHED,
    HEAD,
    KIND,
    LENGTH,
    MODE,
    NO_SLOT,
    NONE,
    PLACE,
    RED_RUNS,
    SPEED,
)
from tests.traffic.cases import demand_of, positions, start
from tests.traffic.grids import CAR, crowd, grid

pytestmark = [] if ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

STEPS = 150 if ENABLED else 15


def lists_of(traffic: Traffic, e: int) -> dict[int, list[int]]:
    """Return the vehicles of each drivable from the front to the back."""
    found = {}
    for d in range(len(traffic.settings.measure)):
        vehicles, v = [], traffic.state.on[e, d, HEAD]
        while v != NONE:
            vehicles.append(int(v))
            v = traffic.state.vehicle[e, v, BEHIND]
        found[d] = vehicles
    return found


def check(traffic: Traffic, e: int) -> None:
    """Whatever happens: every vehicle is in one list, counted, on its drivable, and not backwards."""
    state, tables = traffic.state, traffic.settings
    lists = lists_of(traffic, e)
    driving = [v for vehicles in lists.values() for v in vehicles]
    assert sorted(driving) == np.flatnonzero(state.vehicle[e, :, PLACE] != NONE).tolist()
    free = state.free[e, : state.num_free[e]].tolist()
    assert sorted(driving + free) == list(range(traffic.capacity))
    for d, vehicles in lists.items():
        assert state.on[e, d, COUNT] == len(vehicles)
        assert all(state.vehicle[e, v, PLACE] == d for v in vehicles)
    for lane in range(traffic.network.num_lanes):
        links = [traffic.network.num_lanes + k for k in traffic.network.links_from[lane]]
        assert state.on[e, lane, CROSSING] == sum(len(lists[link]) for link in links)
    dis, speed = state.motion[e, driving, DIS], state.motion[e, driving, SPEED]
    assert (dis >= 0).all()
    assert (dis <= tables.measure[state.vehicle[e, driving, PLACE], LENGTH]).all()
    assert (speed >= 0).all()
    assert (speed <= tables.top_speed[state.vehicle[e, driving, KIND]]).all()
    created = state.next_trip[e]
    waiting = (state.trip_inserted[e, :created] == NONE).sum()
    assert state.tally[e, CREATED] == created == state.tally[e, FINISHED] + len(driving) + waiting
    assert state.tally[e, FINISHED] == (state.trip_finished[e, :created] != NONE).sum()


@settings(max_examples=12 if ENABLED else 2, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from([(1, 60.0, 2), (2, 45.0, 1), (2, 90.0, 2), (3, 60.0, 1)]),
    flows=st.integers(1, 25),
    dt=st.sampled_from([1.0, 0.5, 0.1]),
    parity=st.booleans(),
    program=st.booleans(),
)
def test_vehicles_are_conserved(seed, shape, flows, dt, parity, program):
    network = grid(*shape)
    traffic = Traffic(crowd(network, flows, seed), STEPS, dt=dt, parity=parity, program=program, seed=seed)
    rnd = np.random.default_rng(seed)
    for _ in range(10):
        if not program:
            traffic.phase[:, list(network.signals)] = rnd.integers(0, 4, len(network.signals))
        traffic.step(STEPS // 10 + 1)
        check(traffic, 0)


def test_empties_when_the_demand_has_ended():
    traffic = Traffic(crowd(grid(2, 90.0, 2), 10, 1), 1000, program=True)
    traffic.step(1000)
    assert traffic.running()[0] == 0
    assert traffic.state.tally[0, FINISHED] == len(traffic.trips[0])
    inserted, finished = traffic.state.trip_inserted[0], traffic.state.trip_finished[0]
    assert (traffic.trips[0].step <= inserted).all()
    assert (inserted < finished).all()
    assert traffic.average_travel_time()[0] == (finished - traffic.trips[0].step).mean()


@pytest.mark.parametrize("rng", ["splitmix", "mt19937"])
@pytest.mark.parametrize("threads", [1, 2])
def test_batch_threads_and_substeps_change_no_bit(rng, threads):
    demands = [crowd(grid(2, 60.0, 2), 12, seed) for seed in (1, 2)]
    options = {"rng": rng, "program": True, "dt": 0.5}
    batch = Traffic(demands, 100, num_envs=5, num_threads=threads, seed=7, **options)
    batch.step(STEPS)
    for e in range(5):
        alone = Traffic(demands, 100, **options)
        alone.state.demand[0] = e % 2
        alone.state.rng[0] = 0
        alone.reset(7)
        if e:  # the stream of the batch's environment
            fresh = Traffic(demands, 100, num_envs=5, seed=7, **options)
            alone.state.rng[0], alone.state.mersenne[0] = fresh.state.rng[e], fresh.state.mersenne[e]
        for _ in range(STEPS):
            alone.step()
        assert positions(alone) == positions(batch, e=e)
        assert alone.average_travel_time()[0] == batch.average_travel_time()[e]


def test_a_reset_forgets_everything():
    demand = crowd(grid(2, 60.0, 1), 12, 3)
    traffic, fresh = (Traffic(demand, 100, program=True, seed=5) for _ in range(2))
    traffic.step(STEPS)
    traffic.reset(5)
    assert traffic.running()[0] == 0
    for _ in range(3):
        traffic.step(STEPS // 3)
        fresh.step(STEPS // 3)
        assert positions(traffic) == positions(fresh)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda traffic: pickle.loads(pickle.dumps(traffic))])
def test_a_copy_goes_on_by_itself(copied):
    traffic = Traffic(crowd(grid(2, 60.0, 1), 12, 3), 100, program=True)
    traffic.step(STEPS // 2)
    other, before = copied(traffic), positions(traffic)
    other.step(5)
    assert positions(traffic) == before != positions(other)
    traffic.step(5)
    assert positions(traffic) == positions(other)


@pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
def test_sleeping_vehicles_change_nothing():
    """Who stands behind one that stands is not looked at; waking everyone at every step gives the same bits."""
    demand = crowd(grid(3, 60.0, 1), 25, 8, end=200.0)
    lazy, busy = (Traffic(demand, 300, program=True) for _ in range(2))
    slept = 0
    for _ in range(300):
        lazy.step()
        mode = busy.state.vehicle[0, :, MODE]
        mode[mode == ASLEEP] = AWAKE
        busy.step()
        slept += int((lazy.state.vehicle[0, lazy.vehicles(), MODE] == ASLEEP).sum())
        assert positions(lazy) == positions(busy)
    assert slept > 1000


def test_readings_agree_with_the_vehicles():
    traffic = Traffic(crowd(grid(2, 45.0, 2), 20, 4), STEPS, num_envs=2, program=True)
    traffic.step(STEPS)
    for e in range(2):
        place, speed = traffic.state.vehicle[e, :, PLACE], traffic.state.motion[e, :, SPEED]
        for lane in range(traffic.network.num_lanes):
            assert traffic.lane_counts[e, lane] == (place == lane).sum()
            assert traffic.waiting_counts()[e, lane] == ((place == lane) & (speed < 0.1)).sum()


def test_without_a_free_slot_vehicles_wait_outside():
    demand = demand_of("h03_queue")
    small, large = Traffic(demand, 160, capacity=2), Traffic(demand, 160)
    most = 0
    for _ in range(400):
        small.step()
        large.step()
        most = max(most, small.running()[0])
        check(small, 0)
    assert most == 2
    assert small.state.tally[0, NO_SLOT] > 0 == large.state.tally[0, NO_SLOT]


def test_vehicles_pass_red_only_if_they_cannot_stop():
    """In the case made for it one does, and is counted."""
    traffic = start("h04_dilemma")
    signal = traffic.network.signals[0]
    for k in range(75):
        traffic.set_phase(signal, 1 if k < 28 else 0)
        traffic.step()
    assert traffic.state.tally[0, RED_RUNS] == 1


def test_a_driven_vehicle_goes_as_it_is_told():
    """Through red, and into whoever stands there; only its engine and brakes hold it."""
    traffic = start("h03_queue")
    traffic.set_phase(traffic.network.signals[0], 0)
    traffic.step()
    (vehicle,) = traffic.vehicles()
    traffic.state.vehicle[0, vehicle, MODE] = DRIVEN
    speeds = []
    for told in [9.0] * 10 + [0.0] * 5:
        traffic.state.told[0, vehicle] = told
        traffic.step()
        speeds.append(float(traffic.state.motion[0, vehicle, SPEED]))
    assert speeds == [4.0, 6.0, 8.0, *[9.0] * 7, 4.5, *[0.0] * 4]


def test_a_speed_told_holds_for_one_step():
    traffic = start("h01_free")
    traffic.step(10)
    (vehicle,) = traffic.vehicles()
    set_speed(traffic, vehicle, 8.0)
    traffic.step()
    assert traffic.state.motion[0, vehicle, SPEED] == 8.0
    traffic.step()
    assert traffic.state.motion[0, vehicle, SPEED] == 10.0


def test_standing_exactly_at_the_line():
    """The reference lets such a vehicle jump, as it divides 0 by 0; without its slips it stays."""
    speeds = []
    for parity in (True, False):
        traffic = start("h03_queue", parity=parity)
        traffic.set_phase(traffic.network.signals[0], 0)
        traffic.step()
        (vehicle,) = traffic.vehicles()
        traffic.state.motion[0, vehicle, [DIS, SPEED]] = traffic.settings.measure[0, LENGTH], 0.0
        traffic.step()
        speeds.append(float(traffic.state.motion[0, traffic.vehicles()[0], SPEED]))
    assert speeds == [100.0, 0.0]


def test_calls_that_are_refused():
    traffic = start("h14_routes")
    with pytest.raises(ParameterError, match="phase must be an integer from 0 to 1"):
        traffic.set_phase(traffic.network.signals[0], 2)
    with pytest.raises(ParameterError, match="vehicle 0 does not drive"):
        set_speed(traffic, 0, 5.0)
    traffic.step()
    vehicle = int(traffic.vehicles()[0])
    with pytest.raises(ParameterError, match="speed must be a number from 0"):
        set_speed(traffic, vehicle, -1.0)
    with pytest.raises(ParameterError, match="there is no road 'off'"):
        set_route(traffic, vehicle, ["off"])
    with pytest.raises(ParameterError, match="there is no road 'off'"):
        add_vehicle(traffic, ["off"])
    with pytest.raises(ParameterError, match="must be one of 'splitmix', 'mt19937'"):
        start("h01_free", rng="dice")
    with pytest.raises(ParameterError, match="on the same network"):
        Traffic([demand_of("h01_free"), demand_of("h02_follow")], 10)


def test_routes_may_pass_a_road_twice():
    """The reference mistakes the second visit for the first; here a route is followed by position."""
    network = grid(2, 90.0, 1)
    around = ["(0, 1)>(1, 1)", "(1, 1)>(1, 2)", "(1, 2)>(2, 2)", "(2, 2)>(2, 1)", "(2, 1)>(1, 1)", "(1, 1)>(1, 2)"]
    demand = build_demand(network, [FlowPlan(CAR, (*around, "(1, 2)>(0, 2)"), 1.0, 0.0, 0.0)], "loop")
    assert len(expand(demand, 1.0, 10)) == 1
    traffic = Traffic(demand, 400, program=True)
    passed = []
    while not traffic.state.tally[0, FINISHED]:
        traffic.step()
        for v in traffic.vehicles():
            road = network.drivable_ids[traffic.state.vehicle[0, v, PLACE]].rsplit("_", 1)[0]
            if road in network.road_ids and (not passed or passed[-1] != road):
                passed.append(road)
    assert passed == [*around, "(1, 2)>(0, 2)"]
