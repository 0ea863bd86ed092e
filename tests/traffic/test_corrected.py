"""The corrected rules: vehicles that obey never touch, nobody passes a red light who could stop, and traffic flows."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marl_envs.core.jit import ENABLED
from marl_envs.traffic.arrivals import CAR as DATA_CAR
from marl_envs.traffic.arrivals import Arrivals, draw
from marl_envs.traffic.demand import URBAN_IDM, FlowPlan, build_demand
from marl_envs.traffic.engine import simulate
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.tables import LANE_CHOICES
from marl_envs.traffic.engine.types import (
    CAPPED,
    CREATED,
    DIS,
    DRIVEN,
    EXIT,
    FINISHED,
    KIND,
    LENGTH,
    MERGE_OVERLAPS,
    MODE,
    NONE,
    OPEN,
    PLACE,
    RED_RUNS,
    SPEED,
)
from marl_envs.traffic.names import network_named
from marl_envs.traffic.rilsa import rilsa, rilsa_counts
from marl_envs.traffic.sources import arrivals_named
from tests.traffic.collisions import Observer
from tests.traffic.grids import CAR, TRUCK, crowd, grid
from tests.traffic.test_engine import check

pytestmark = pytest.mark.skipif(not ENABLED, reason="too slow without compilation")

# Layouts, with arrivals [veh/h] of each entry that they can serve
LAYOUTS = {
    "cross": 400,
    "cross-open": 200,
    "cross-1-shared": 250,
    "cross-1-shared-open": 200,
    "cross-2": 400,
    "tee": 300,
    "tee-open": 250,
    "grid-2x2": 250,
    "grid-2x2-open": 200,
    "arterial-2-open": 200,
    "roundabout": 200,
    "roundabout-3": 250,
    "rilsa": 0,
}
LAWS = [("krauss", 1.0), ("krauss", 0.25), ("idm", 1.0), ("idm", 0.25)]
YELLOW = 4.0  # the clearance of the networks by name and of the RiLSA junction is longer [s]


def arrivals_of(layout: str, rate: int, model: str) -> Arrivals:
    if layout == "rilsa":
        return rilsa_counts(rilsa())
    return arrivals_named(f"uniform-{rate}", network_named(layout), kind=URBAN_IDM if model == "idm" else DATA_CAR)


def begin(layout: str, rate: int, model: str, dt: float, seconds: float, seed: int, **options) -> Traffic:
    """Return a simulation before its first step; vehicles come for so many seconds."""
    arrivals = arrivals_of(layout, rate, model)
    options = {"program": True, "parity": False, "yellow": YELLOW} | options
    steps = round(seconds / dt)
    with patch.object(simulate, "expand", lambda *_: draw(arrivals, seed, dt, steps)):
        return Traffic(arrivals.demand, steps, dt=dt, model=model, seed=seed, **options)


def step_and_check(traffic: Traffic, observer: Observer) -> int:
    """Do a step; whoever stands before a closed link and could stop has not entered it. Return how many drive."""
    state = traffic.state
    slots = np.flatnonzero(state.vehicle[0, :, PLACE] != NONE)
    place, link = state.vehicle[0, slots, PLACE].copy(), state.vehicle[0, slots, EXIT].copy()
    trip, speed = state.trip[0, slots].copy(), state.motion[0, slots, SPEED].copy()
    rest = traffic.settings.measure[place, LENGTH] - state.motion[0, slots, DIS]
    brake = traffic.settings.hard[state.vehicle[0, slots, KIND]]
    could = (link != NONE) & (speed**2 / (2 * brake) <= rest)
    traffic.step()
    waits = could & (state.on[0, link, OPEN] == 0)
    still = (state.vehicle[0, slots, PLACE] == place) & (state.trip[0, slots] == trip)
    assert still[waits].all()
    assert observer.touching() == []
    return len(slots)


def play(traffic: Traffic, seconds: float, signals: np.random.Generator | None = None) -> int:
    """Check every step; return how many steps vehicles drove. Signals change at random if asked for."""
    observer, total = Observer(traffic), 0
    for k in range(round(seconds / traffic.settings.dt)):
        if signals is not None and k % round(5 / traffic.settings.dt) == 0:
            for j in traffic.network.signals:
                traffic.set_phase(j, int(signals.integers(traffic.network.num_phases(j))))
        total += step_and_check(traffic, observer)
    check(traffic, 0)
    assert traffic.state.tally[0, MERGE_OVERLAPS] == 0
    return total


@settings(max_examples=10, deadline=None)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    law=st.sampled_from(LAWS),
    rate=st.sampled_from([150, 400, 900]),
    seed=st.integers(0, 10**6),
    lane_choice=st.sampled_from(LANE_CHOICES),
)
@example(layout="rilsa", law=("idm", 1.0), rate=150, seed=24823, lane_choice="random")  # passes a whole link in a step
def test_vehicles_never_touch(layout, law, rate, seed, lane_choice):
    traffic = begin(layout, rate, *law, 100.0, seed, lane_choice=lane_choice)
    assert play(traffic, 100.0) > 100
    assert traffic.state.tally[0, RED_RUNS] == 0  # the yellow is long enough


@settings(max_examples=5, deadline=None)
@given(
    law=st.sampled_from(LAWS),
    shape=st.sampled_from([(1, 60.0, 2), (2, 45.0, 1), (2, 90.0, 2), (3, 60.0, 1)]),
    seed=st.integers(0, 10**6),
    lane_choice=st.sampled_from(LANE_CHOICES),
)
def test_cars_and_trucks_in_a_crowd_never_touch(law, shape, seed, lane_choice):
    """Short roads with lanes that cross and join in all ways, far too many vehicles, and signals without any yellow."""
    model, dt = law
    demand = crowd(grid(*shape), 15, seed % 1000, end=60.0)
    options = {"parity": False, "seed": seed, "lane_choice": lane_choice}
    traffic = Traffic(demand, round(80 / dt), dt=dt, model=model, **options)
    assert play(traffic, 80.0, np.random.default_rng(seed)) > 300


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS, ids=str)
@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_vehicles_never_touch_in_millions_of_steps(layout, law):
    total = 0
    for seed, factor in enumerate((1.0, 2.0, 3.0)):
        traffic = begin(layout, round(LAYOUTS[layout] * factor), *law, 600.0, seed)
        total += play(traffic, 700.0)
        assert traffic.state.tally[0, RED_RUNS] == 0
    assert total * traffic.settings.dt > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS, ids=str)
@pytest.mark.parametrize("shape", [(1, 60.0, 2), (2, 45.0, 1), (2, 90.0, 2), (3, 60.0, 1)], ids=str)
def test_crowds_never_touch_in_millions_of_steps(shape, law):
    model, dt = law
    for seed in range(3):
        demand = crowd(grid(*shape), 15, seed, end=120.0)
        traffic = Traffic(demand, round(150 / dt), dt=dt, model=model, parity=False, seed=seed, program=seed == 0)
        play(traffic, 300.0, np.random.default_rng(seed) if seed else None)


def test_the_references_rules_let_vehicles_touch():
    """So the observer can see it."""
    traffic = begin("roundabout", 300, "krauss", 1.0, 600.0, 0, parity=True)
    observer, kinds = Observer(traffic), set()
    for _ in range(600):
        traffic.step()
        kinds |= {contact[0] for contact in observer.touching()}
    assert kinds == {"line", "plane"}
    assert traffic.state.tally[0, MERGE_OVERLAPS] > 0


@pytest.mark.parametrize("law", LAWS, ids=str)
@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - {"rilsa"}))  # whose counts are more than it can carry
def test_demand_is_served(layout, law):
    """An hour of moderate demand, and a quarter of an hour later all have arrived: no gridlock."""
    model, dt = law
    traffic = begin(layout, LAYOUTS[layout], model, dt, 3600.0, 1)
    traffic.step(round(4500 / dt))
    assert traffic.state.tally[0, FINISHED] == traffic.state.tally[0, CREATED] > 500
    assert traffic.average_travel_time()[0] < 200.0


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_crowds_dissolve(law):
    """Where the reference's rules end in a gridlock for good."""
    model, dt = law
    demand = crowd(grid(3, 60.0, 1), 15, 1, end=60.0)
    traffic = Traffic(demand, round(100 / dt), dt=dt, model=model, parity=False, program=True)
    traffic.step(round(3000 / dt))
    assert traffic.running()[0] == 0 < traffic.state.tally[0, FINISHED]


def one_by_one(flows, layout="cross-1-shared-open", dt=0.25) -> Traffic:
    network = network_named(layout)
    plans = [FlowPlan(URBAN_IDM, route, 1e6, when, when, speed) for route, when, speed in flows]
    return Traffic(build_demand(network, plans, "some"), round(60 / dt), dt=dt, model="idm", parity=False)


def test_who_turns_left_lets_those_ahead_go_first():
    """Without a signal; and goes at once where the other is far enough away."""
    passed = {}
    for late in (0.0, 12.0):
        traffic = one_by_one([(("W-J", "J-N"), 0.0, 10.0), (("E-J", "J-W"), late, 10.0)])
        finished = {}
        observer = Observer(traffic)
        for k in range(600):
            traffic.step()
            assert observer.touching() == []
            for trip in (0, 1):
                if traffic.state.trip_finished[0, trip] > 0:
                    finished.setdefault(trip, k)
        passed[late] = finished[0] * 0.25, finished[1] * 0.25 - late
    assert passed[0.0][0] > passed[12.0][0] + 2.0  # it waited for the other
    assert passed[0.0][1] == pytest.approx(passed[12.0][1], abs=0.5)  # which never had to brake


@pytest.mark.parametrize("model", ["krauss", "idm"])
def test_who_passes_a_whole_link_in_one_step_still_has_its_rear_there(model):
    """The link is 4 m long; the next vehicle takes another one from that lane, and must not drive into the rear."""
    network, kind = rilsa().network, URBAN_IDM if model == "idm" else DATA_CAR
    ways = ("emp", "em", "mw"), ("emp", "em", "ms")
    flows = [FlowPlan(kind, way, 1e6, 3.0 * k, 3.0 * k, 10.0) for k, way in enumerate(ways)]
    traffic = Traffic(build_demand(network, flows, "two"), 60, model=model, parity=False, program=True)
    traffic.step(8)
    state = traffic.state
    first, second = sorted(traffic.vehicles(), key=lambda v: state.trip[0, v])
    lane = state.vehicle[0, first, PLACE]
    end = traffic.settings.measure[lane, LENGTH]
    state.motion[0, first, [DIS, SPEED]] = end, 7.0
    state.motion[0, second, [DIS, SPEED]] = end - 30.0, 7.0
    observer = Observer(traffic)
    for _ in range(20):
        state.vehicle[0, first, MODE], state.told[0, first] = CAPPED, 0.0
        traffic.step()
        assert lane != state.vehicle[0, first, PLACE] < network.num_lanes  # never on the link at the end of a step
        assert observer.touching() == []
        assert state.vehicle[0, second, PLACE] == lane  # where it waits behind the first
    traffic.step(200)
    assert traffic.state.tally[0, FINISHED] == 2


def test_nobody_enters_behind_a_vehicle_that_blocks_the_junction():
    """One driven from outside stands in the middle: those who cross wait, and go on when it is gone."""
    traffic = one_by_one([(("W-J", "J-E"), 0.0, 5.0), (("S-J", "J-N"), 40.0, 10.0)])
    observer = Observer(traffic)
    for k in range(600):
        for v in traffic.vehicles():
            if traffic.state.trip[0, v] == 0:
                inside = traffic.state.vehicle[0, v, PLACE] >= traffic.network.num_lanes
                stands = inside and k < 500 and traffic.state.motion[0, v, DIS] > 6.0
                traffic.state.vehicle[0, v, MODE] = DRIVEN
                traffic.state.told[0, v] = 0.0 if stands else 5.0
        traffic.step()
        assert observer.touching() == []
        if k == 499:
            assert traffic.running()[0] == 2
            assert traffic.state.tally[0, FINISHED] == 0
    traffic.step(400)
    assert traffic.state.tally[0, FINISHED] == 2


def test_a_driven_vehicle_that_stands_at_its_line_holds_up_nobody():
    """It has the right of way, but does not use it."""
    traffic = one_by_one([(("E-J", "J-W"), 0.0, 10.0), (("W-J", "J-N"), 4.0, 10.0)])
    for _ in range(600):
        if traffic.running()[0]:
            v = next(v for v in traffic.vehicles() if traffic.state.trip[0, v] == 0)
            rest = (
                traffic.settings.measure[traffic.state.vehicle[0, v, PLACE], LENGTH] - traffic.state.motion[0, v, DIS]
            )
            traffic.state.vehicle[0, v, MODE] = DRIVEN
            traffic.state.told[0, v] = min(10.0, max(0.0, (rest - 2.0) / 2))
        traffic.step()
    assert traffic.state.trip_finished[0, 1] != NONE
    assert traffic.running()[0] == 1


@settings(max_examples=8, deadline=None)
@given(
    law=st.sampled_from(LAWS),
    layout=st.sampled_from(["cross", "cross-1-shared-open", "tee-open", "roundabout"]),
    seed=st.integers(0, 10**6),
)
def test_vehicles_that_obey_do_not_touch_each_other_where_some_do_not(law, layout, seed):
    """Driven ones go through red and never give way; up to the first contact nobody else has one."""
    traffic = begin(layout, 300, *law, 120.0, seed)
    random, observer = np.random.default_rng(seed), Observer(traffic)
    state, dt = traffic.state, traffic.settings.dt
    wild = random.random(state.trip_finished.shape[1]) < 0.1
    for _ in range(round(120 / dt)):
        for v in traffic.vehicles():
            if wild[state.trip[0, v]]:
                state.vehicle[0, v, MODE] = DRIVEN
                if random.random() < dt / 3:
                    state.told[0, v] = random.choice([0.0, 4.0, 8.0, 12.0])
        traffic.step()
        contacts = observer.touching()
        assert all(wild[state.trip[0, list(pair)]].any() for _, *pair in contacts)
        if contacts:
            break


def test_a_signal_without_yellow_is_passed_by_those_who_cannot_stop():
    """They are counted, but not where the time after the closing is given as yellow."""
    counts = []
    for yellow in (0.0, 3.0):
        traffic = begin("cross", 400, "idm", 0.25, 600.0, 3, program=False, yellow=yellow)
        play(traffic, 300.0, np.random.default_rng(1))
        counts.append(int(traffic.state.tally[0, RED_RUNS]))
    assert counts[0] > 0 == counts[1]


def test_vehicles_begin_only_where_nobody_is_coming():
    """On a road in the middle of the network, at speed, and with trucks."""
    network = grid(2, 90.0, 1)
    through = ("(0, 1)>(1, 1)", "(1, 1)>(2, 1)", "(2, 1)>(3, 1)")
    flows = [FlowPlan(CAR, through, 3.0, 0.0, 200.0, 11.0), FlowPlan(TRUCK, through[1:], 15.0, 5.0, 200.0, 11.0)]
    demand = build_demand(network, flows, "inside")
    traffic = Traffic(demand, 250, parity=False, program=True)
    play(traffic, 400.0)
    assert traffic.state.tally[0, FINISHED] > 20
    inserted = traffic.state.trip_inserted[0]
    assert (inserted[traffic.trips[0].flow == 1] != NONE).sum() > 3
