"""Metrics of one episode so far, by the definitions that are usual in the field."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.out import Out
from marl_envs.traffic.engine.types import CREATED, DEPARTED, FINISHED, NO_SLOT, TRAVELLED
from marl_envs.traffic.quantiles import select
from marl_envs.traffic.signals.types import NONE, Control, EngineSettings, EngineState, Rules

METRICS: dict[str, tuple[str, str]] = {
    "travel_time": (
        "s",
        "mean time since creation, over all vehicles created: to the end of the trip, or to now; waiting outside "
        "included (CityFlow's average travel time); NaN without vehicles",
    ),
    "delay": (
        "s",
        "mean over all vehicles created of the time lost below the ideal speed (the lesser of the lane's limit and the "
        "vehicle's own) and the time waited outside; NaN without vehicles",
    ),
    "delay_p95": ("s", "the delay that 95 % of the vehicles do not exceed (nearest rank); NaN without vehicles"),
    "jain_fairness": ("1", "Jain index of the vehicles' delays, from 1/vehicles to 1; NaN without delay"),
    "insertion_delay": ("s", "mean time waited outside for room on the first lane; NaN without vehicles"),
    "waiting": ("s", "mean time slower than 0.1 m/s on the road, over all vehicles created; NaN without vehicles"),
    "stops": ("stops/vehicle", "how often a vehicle fell below 0.1 m/s, mean over all created; NaN without vehicles"),
    "queue": ("vehicles", "vehicles slower than 0.1 m/s on a signal's incoming lanes, mean over signals and decisions"),
    "queue_max": ("vehicles", "the longest such queue of any signal at any decision"),
    "throughput": ("vehicles", "trips finished"),
    "created": ("vehicles", "trips that began, those that wait outside included"),
    "driving": ("vehicles", "vehicles on the road at the end"),
    "outside": ("vehicles", "vehicles that wait outside at the end"),
    "speed": ("m/s", "mean speed over vehicles and time; NaN without vehicles"),
    "co2": ("g/km", "CO2 a vehicle-kilometre by Int Panis et al. (2006), petrol car; NaN without way"),
    "switches": ("1/h", "changes of phase that were decided, an hour and signal"),
    "gridlock": ("s", "time in which no vehicle had moved for 300 s although there were some"),
    "refused_slots": ("vehicle-steps", "insertions put off because `capacity` was reached: should be 0"),
    "masked_actions": ("actions", "actions that the mask forbade, taken as keeping the phase where that is possible"),
    "episode_length": ("decisions", "decisions of the episode"),
    "return": ("reward", "reward summed over signals and decisions"),
}
"""Name -> (unit, definition), in the order of Out.metrics."""


@jit(inline=True)
def outside_time(state: EngineState, settings: EngineSettings, e: Int, trip: Int) -> Real:
    """Return how long a created trip has waited outside [s]."""
    row = settings.trip_first[state.demand[e]] + trip
    until = state.trip_inserted[e, trip]
    if until == NONE:
        until = state.step[e]
    return (until - settings.trip_step[row]) * settings.dt


@jit(inner=True)
def _sum_trips(state: EngineState, control: Control, settings: EngineSettings, e: Int) -> Any:
    """Write each trip's delay into `scratch`; return the number of trips and their sums.

    Delay [s], its square [s2], time outside [s], time waited [s], stops.
    """
    first, count = settings.trip_first[state.demand[e]], 0
    delay = squares = outside = waited = stops = 0.0
    for trip in range(state.next_trip[e]):
        if settings.trip_route[first + trip] == NONE:  # vanished at once
            continue
        apart = outside_time(state, settings, e, trip)
        own = apart + control.trip_lost[e, trip]
        control.scratch[e, count] = np.float32(own)
        count += 1
        delay += own
        squares += own * own
        outside += apart
        waited += control.trip_waited[e, trip] * settings.dt
        stops += control.trip_stops[e, trip]
    return count, delay, squares, outside, waited, stops


@jit(inner=True)
def _late(control: Control, e: Int, count: Int) -> Real:
    """Return the delay [s] that 95 % of the `count` trips in `scratch` do not exceed, and clear it."""
    found = select(control.scratch, e, count, (95 * count + 99) // 100 - 1) if count > 0 else np.nan
    for i in range(count):  # reading metrics leaves no trace in the state
        control.scratch[e, i] = np.float32(0.0)
    return found


@jit(inner=True)
def measure_one(state: EngineState, control: Control, settings: EngineSettings, rules: Rules, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    count, delay, squares, outside, waited, stops = _sum_trips(state, control, settings, e)
    dt = settings.dt
    signals, tally = rules.junction.shape[0], state.tally
    switches = np.int64(0)
    for a in range(signals):
        switches += control.switches[e, a]
    created, finished = tally[e, CREATED], tally[e, FINISHED]
    driving = state.free.shape[1] - state.num_free[e]
    travelled = tally[e, TRAVELLED] + (created - finished) * np.int64(state.step[e]) - tally[e, DEPARTED]
    n, decisions = np.float64(count), np.float64(control.cycle[e])
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    values = (
        travelled * dt / n,
        delay / n,
        _late(control, e, count),
        delay * delay / (n * squares),
        outside / n,
        waited / n,
        stops / n,
        control.queue_sum[e] / (decisions * signals),
        np.float64(control.queue_max[e]),
        np.float64(finished),
        np.float64(created),
        np.float64(driving),
        np.float64(created - finished - driving),
        control.driven[e] / (control.vehicle_steps[e] * dt),
        1000.0 * control.co2[e] / control.driven[e],
        np.float64(switches) * 3600.0 / (decisions * rules.interval * dt * signals),
        control.gridlock[e] * dt,
        np.float64(tally[e, NO_SLOT]),
        np.float64(control.masked[e]),
        decisions,
        control.total[e],
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
