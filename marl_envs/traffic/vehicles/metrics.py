"""Metrics of episodes: units, definitions and sources, and the kernel that computes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.out import Out
from marl_envs.traffic.engine.trips import trip_due, trip_route
from marl_envs.traffic.engine.types import CREATED, FINISHED, NO_SLOT
from marl_envs.traffic.quantiles import select
from marl_envs.traffic.vehicles.types import (
    AGENT_STEPS,
    BACKGROUND,
    CO2,
    COLLISIONS,
    DEADLOCK_AT,
    DEADLOCK_SIZE,
    DRIVEN_METRES,
    JERK,
    JERKY,
    LOST,
    MASKED,
    NEAR_DRAC,
    NEAR_PET,
    NEAR_TTC,
    NO_AGENT,
    NONE,
    OWN,
    PET,
    REMOVED,
    RETURN,
    STANDSTILL,
    STOPS,
    TTC,
    VEHICLE_STEPS,
    WAITED,
    WALK_CLOSE,
    WALK_HIT,
    WALK_WAIT,
    WALKED,
    WRECKS,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

METRICS: dict[str, tuple[str, str]] = {
    "delay": (
        "s",
        "mean over all vehicles created of the time lost below the speed of a vehicle alone (limits; comfortable "
        "braking before turns and acceleration after them) and time outside; unfinished trips and wrecks included",
    ),
    "delay_p95": ("s", "the delay that 95 % of the vehicles do not exceed (nearest rank); NaN without vehicles"),
    "delay_max": ("s", "the greatest delay of a vehicle; NaN without vehicles"),
    "jain_fairness": ("1", "Jain index of the vehicles' delays, from 1/vehicles to 1; NaN without delay"),
    "insertion_delay": ("s", "mean time waited outside for room on the first lane; NaN without vehicles"),
    "travel_time": ("s", "mean time since creation of all vehicles, to the end of the trip, the removal, or to now"),
    "waiting": ("s", "mean time slower than 0.1 m/s on the road (SUMO's waitingTime); NaN without vehicles"),
    "stops": ("stops/vehicle", "how often a vehicle fell below 0.1 m/s, mean over all created; NaN without vehicles"),
    "level_of_service": (
        "grade",
        "HCM 2000, unsignalised, of the mean delay: 0 A (10 s), B (15), C (25), D (35), E (50), 5 F",
    ),
    "throughput": ("veh/h", "trips finished, an hour"),
    "arrived": ("vehicles", "trips finished"),
    "created": ("vehicles", "trips that began, those that wait outside included"),
    "driving": ("vehicles", "vehicles on the road at the end, wrecks included"),
    "outside": ("vehicles", "vehicles that wait outside at the end"),
    "background": ("vehicles", "vehicles that the engine drives by choice"),
    "no_agent": ("vehicles", "vehicles meant for agents that the engine drives since no agent was free"),
    "collisions": ("collisions", "two vehicles touched, at least one of which had not crashed before"),
    "collisions_per_1000": ("collisions", "the same for 1000 vehicles created; NaN without vehicles"),
    "collisions_per_step": ("1/step", "the same for one agent and one step of the engine in which it drives"),
    "background_collisions": ("collisions", "those between two vehicles of the engine, neither a wreck: should be 0"),
    "wrecks": ("vehicles", "vehicles that crashed"),
    "removed": ("vehicles", "crashed vehicles that were removed after clear_time"),
    "near_ttc": ("vehicles", "trips whose time to collision fell below 3.0 s at any step (SUMO's SSM device)"),
    "near_pet": ("vehicles", "trips that came into a zone within 2.0 s after another had left it (SUMO's SSM device)"),
    "near_drac": ("vehicles", "trips that had to brake by more than 3.0 m/s2 to avoid a crash (SUMO's SSM device)"),
    "ttc_p5": ("s", "5 % of the trips that came near anyone had a smallest TTC of at most this; NaN if none"),
    "pet_p5": ("s", "5 % of the trips that followed anyone through a zone had a smallest PET of at most this"),
    "jerk": ("m/s3", "mean absolute jerk over vehicles and steps"),
    "jerk_share": ("1", "share of vehicle-steps with more than 0.9 m/s3 (Bae et al. 2019)"),
    "fuel": ("l/100km", "petrol, from CO2 at 2310 g/l"),
    "co2": ("g/km", "CO2 a vehicle-kilometre by Int Panis et al. (2006), petrol car; NaN without way"),
    "deadlock": ("s", "time beyond 20 s in which no vehicle moved although there was no wreck"),
    "deadlock_at": ("s", "when the first deadlock began; NaN if there was none"),
    "deadlock_size": ("vehicles", "how many vehicles stood in it"),
    "queue": ("vehicles", "standing vehicles on the lanes that lead to junctions, mean over decisions"),
    "queue_max": ("vehicles", "the longest queue of a lane at any decision"),
    "refused_slots": ("vehicle-steps", "insertions put off because `capacity` was reached: should be 0"),
    "masked_actions": ("actions", "actions that the mask forbade"),
    "episode_length": ("decisions", "decisions of the episode"),
    "return": ("reward", "reward summed over agents and decisions"),
    "pedestrians": ("pedestrians", "pedestrians who have crossed; 0 without crosswalks, as are the next two"),
    "pedestrian_collisions": ("collisions", "pedestrians who were hit"),
    "pedestrian_conflicts": (
        "conflicts",
        "cars that came onto a crosswalk with someone in their way or within 1 s of it",
    ),
    "pedestrian_wait": ("s", "mean time that a pedestrian stood; NaN without any"),
}
"""Name -> (unit, definition), in the order of Out.metrics."""

OF_TRIPS, OF_SAFETY = 16, 11  # metrics of each kind, which come in this order
PETROL = 2310.0  # CO2 of a litre of petrol [g/l]
GRADES = (10.0, 15.0, 25.0, 35.0, 50.0)  # [s]


@jit(inline=True)
def _outside_time(state: EngineState, settings: EngineSettings, e: Int, trip: Int) -> Real:
    """Return how long a created trip has waited outside [s]."""
    until = state.trip_inserted[e, trip]
    if until == NONE:
        until = state.step[e]
    return (until - trip_due(state, settings, e, trip)) * settings.dt


@jit(inner=True)
def _sum_trips(state: EngineState, fleet: Fleet, settings: EngineSettings, e: Int) -> Any:
    """Write each trip's delay into `scratch`; return how many there are and their sums.

    Delay [s], its square [s2], the greatest delay [s], time outside [s], travel time [s], time waited [s], stops.
    """
    count = np.int64(0)
    delay = squares = apart = travelled = waited = stops = 0.0
    most = np.nan
    for trip in range(state.next_trip[e]):
        if trip_route(state, settings, e, trip) == NONE:  # vanished at once
            continue
        outside = _outside_time(state, settings, e, trip)
        own = outside + fleet.trip_sum[e, trip, LOST]
        fleet.scratch[e, count] = np.float32(own)
        count += 1
        delay += own
        squares += own * own
        most = own if not most > own else most
        apart += outside
        end = state.trip_finished[e, trip] if state.trip_finished[e, trip] != NONE else state.step[e]
        travelled += (end - trip_due(state, settings, e, trip)) * settings.dt
        waited += fleet.trip_sum[e, trip, WAITED]
        stops += fleet.trip_sum[e, trip, STOPS]
    return count, delay, squares, most, apart, travelled, waited, stops


@jit(inner=True)
def _quantile(fleet: Fleet, e: Int, count: Int, percent: Int) -> Real:
    """Return the number that `percent` of the `count` ones in `scratch` do not exceed (nearest rank); clear it."""
    found = select(fleet.scratch, e, count, max(0, (percent * count + 99) // 100 - 1)) if count > 0 else np.nan
    for i in range(count):  # reading metrics leaves no trace in the state
        fleet.scratch[e, i] = np.float32(0.0)
    return found


@jit(inner=True)
def _worst(state: EngineState, fleet: Fleet, e: Int, what: Int) -> Real:
    """Return what 5 % of the trips have at most, of those with a finite number."""
    count = np.int64(0)
    for trip in range(state.next_trip[e]):
        value = fleet.trip_worst[e, trip, what]
        if value < np.float32(1e8):
            fleet.scratch[e, count] = value
            count += 1
    return _quantile(fleet, e, count, 5)


@jit(inline=True)
def _grade(delay: Real) -> Real:
    grade = 0.0
    for limit in GRADES:
        grade += delay > limit
    return grade


@jit(inner=True)
def measure_one(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    trips = _measure_trips(state, fleet, settings, out, e)
    _measure_safety(state, fleet, out, e, trips)
    _measure_rest(state, fleet, settings, out, e)


@jit(inner=True)
def _measure_trips(state: EngineState, fleet: Fleet, settings: EngineSettings, out: Out, e: Int) -> Real:
    """Write what is known of trips; return how many there are."""
    trips, delay, squares, most, apart, travelled, waited, stops = _sum_trips(state, fleet, settings, e)
    late = _quantile(fleet, e, trips, 95)
    created, finished = np.float64(state.tally[e, CREATED]), np.float64(state.tally[e, FINISHED])
    driving = np.float64(state.free.shape[1] - state.num_free[e])
    n = np.float64(trips)
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    values = (
        delay / n,
        late,
        most,
        delay * delay / (n * squares),
        apart / n,
        travelled / n,
        waited / n,
        stops / n,
        _grade(delay / n),
        finished * 3600.0 / (state.step[e] * settings.dt),
        finished,
        created,
        driving,
        created - finished - driving - fleet.counts[e, REMOVED],
        np.float64(fleet.counts[e, BACKGROUND]),
        np.float64(fleet.counts[e, NO_AGENT]),
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
    return n


@jit(inner=True)
def _measure_safety(state: EngineState, fleet: Fleet, out: Out, e: Int, trips: Real) -> None:
    ttc, pet = _worst(state, fleet, e, TTC), _worst(state, fleet, e, PET)
    count = fleet.counts
    collisions = np.float64(count[e, COLLISIONS])
    values = (
        collisions,
        1000.0 * collisions / trips,
        collisions / np.float64(count[e, AGENT_STEPS]),
        np.float64(count[e, OWN]),
        np.float64(count[e, WRECKS]),
        np.float64(count[e, REMOVED]),
        np.float64(count[e, NEAR_TTC]),
        np.float64(count[e, NEAR_PET]),
        np.float64(count[e, NEAR_DRAC]),
        ttc,
        pet,
    )
    for m in range(len(values)):
        out.metrics[e, OF_TRIPS + m] = values[m]


@jit(inner=True)
def _measure_rest(state: EngineState, fleet: Fleet, settings: EngineSettings, out: Out, e: Int) -> None:
    count, total = fleet.counts, fleet.total
    steps, kilometres = np.float64(count[e, VEHICLE_STEPS]), total[e, DRIVEN_METRES] / 1000.0
    values = (
        total[e, JERK] / steps,
        count[e, JERKY] / steps,
        100.0 * total[e, CO2] / PETROL / kilometres,
        total[e, CO2] / kilometres,
        count[e, STANDSTILL] * settings.dt,
        count[e, DEADLOCK_AT] * settings.dt if count[e, DEADLOCK_SIZE] > 0 else np.nan,
        np.float64(count[e, DEADLOCK_SIZE]),
        fleet.queue_sum[e] / np.float64(fleet.cycle[e]),
        np.float64(fleet.queue_max[e]),
        np.float64(state.tally[e, NO_SLOT]),
        np.float64(count[e, MASKED]),
        np.float64(fleet.cycle[e]),
        total[e, RETURN],
        np.float64(count[e, WALKED]),
        np.float64(count[e, WALK_HIT]),
        np.float64(count[e, WALK_CLOSE]),
        total[e, WALK_WAIT] / np.float64(count[e, WALKED]),
    )
    for m in range(len(values)):
        out.metrics[e, OF_TRIPS + OF_SAFETY + m] = values[m]
