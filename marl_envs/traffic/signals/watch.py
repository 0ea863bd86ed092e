"""What is counted of vehicles: after each step of the engine for each of them, at decisions for each lane."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.sumo_follow import wished_speed
from marl_envs.traffic.engine.types import BEHIND, COUNT, DIS, HEAD, KIND, LANE_INDEX, LENGTH, LIMIT, SPEED
from marl_envs.traffic.signals.types import GRIDLOCK, NONE, STANDING, Control, EngineSettings, EngineState, Rules

# Grams of CO2 a second of a petrol car at speed v [m/s] and acceleration a [m/s2], never below 0. Source: table 2 of
# L. Int Panis, S. Broekx and R. Liu, "Modelling instantaneous traffic emission and the influence of traffic speed
# limits", Science of the Total Environment 371 (2006) 270-285, doi:10.1016/j.scitotenv.2006.08.017. For CO2 it has one
# row for all accelerations. The paper itself was not at hand: the row is as several public programs have it.
CO2 = (0.553, 0.161, -0.00289, 0.266, 0.511, 0.183)  # 1, v, v^2, a, a^2, v a


@jit(inline=True)
def co2_rate(v: Real, a: Real) -> Real:
    """Return the CO2 of a petrol car [g/s] at speed `v` [m/s] and acceleration `a` [m/s2]."""
    rate = CO2[0] + CO2[1] * v + CO2[2] * v * v + CO2[3] * a + CO2[4] * a * a + CO2[5] * v * a
    return max(rate, 0.0)


@jit(inline=True)
def meet(control: Control, e: Int, v: Int, trip: Int, place: Int) -> None:
    """Begin to watch a vehicle that has just begun to drive."""
    control.seen_trip[e, v] = trip
    control.seen_place[e, v] = place
    control.seen_speed[e, v] = 0.0
    control.waited_here[e, v] = 0


@jit(inline=True)
def _on_one_road(settings: EngineSettings, a: Int, b: Int) -> Bool:
    """Return whether two lanes belong to one road: its lanes have consecutive numbers."""
    return a - settings.drivable[a, LANE_INDEX] == b - settings.drivable[b, LANE_INDEX]


@jit(inline=True)
def note_vehicle(
    state: EngineState, control: Control, settings: EngineSettings, e: Int, v: Int, d: Int, ideal: Real
) -> Real:
    """Count what vehicle `v` on drivable `d` did in the last step; return its CO2 [g].

    `ideal` is the speed below which it loses time [m/s].
    """
    trip, speed, lanes = state.trip[e, v], state.motion[e, v, SPEED], control.standing.shape[1]
    if control.seen_trip[e, v] != trip:
        meet(control, e, v, trip, d)
    before = control.seen_place[e, v]
    if before != d and settings.sumo and before < lanes and d < lanes and _on_one_road(settings, before, d):
        control.seen_place[e, v] = d  # it has only changed the lane
        before = d
    if before != d:
        control.seen_place[e, v] = d
        if before < lanes:
            control.passed[e, before] += 1
        if d < lanes:
            control.waited_here[e, v] = 0
    lost = settings.dt * max(0.0, 1.0 - speed / ideal)
    control.trip_lost[e, trip] += np.float32(lost)
    if d < lanes:
        control.lost[e, d] += lost
    last = control.seen_speed[e, v]
    if speed < STANDING:
        control.trip_waited[e, trip] += 1
        control.waited_here[e, v] += 1
        control.trip_stops[e, trip] += last >= STANDING
    control.seen_speed[e, v] = speed
    return co2_rate(speed, (speed - last) / settings.dt) * settings.dt


@jit(inline=True)
def note_step(
    control: Control, settings: EngineSettings, e: Int, driving: Int, moving: Int, gas: Real, distance: Real
) -> None:
    """Count the last step: vehicles that drive, those that move, all their CO2 [g] and the sum of speeds [m/s]."""
    control.co2[e] += gas
    control.vehicle_steps[e] += driving
    control.driven[e] += distance * settings.dt
    control.motionless[e] = control.motionless[e] + 1 if driving > 0 and moving == 0 else 0
    control.gridlock[e] += control.motionless[e] * settings.dt > GRIDLOCK


@jit(inner=True)
def watch(state: EngineState, control: Control, settings: EngineSettings, e: Int) -> None:
    """Count what all vehicles did in the last step."""
    driving, moving = np.int64(0), np.int64(0)
    gas = distance = 0.0
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        v = state.on[e, d, HEAD]
        while v != NONE:
            ideal = min(settings.measure[d, LIMIT], settings.top_speed[state.vehicle[e, v, KIND]])
            if settings.sumo:
                ideal = wished_speed(state, settings, e, v, d)
            gas += note_vehicle(state, control, settings, e, v, d, ideal)
            driving += 1
            moving += state.motion[e, v, SPEED] >= STANDING
            distance += state.motion[e, v, SPEED]
            v = state.vehicle[e, v, BEHIND]
    note_step(control, settings, e, driving, moving, gas, distance)


@jit(inner=True)
def _survey_lane(
    state: EngineState, control: Control, settings: EngineSettings, rules: Rules, e: Int, lane: Int
) -> None:
    standing = near = near_standing = 0
    waited, near_waited = np.int64(0), np.int64(0)
    pace = near_speed = 0.0
    v = state.on[e, lane, HEAD]
    while v != NONE:
        speed = state.motion[e, v, SPEED]
        stands = speed < STANDING
        standing += stands
        waited += control.waited_here[e, v]
        pace += min(1.0, speed / min(settings.measure[lane, LIMIT], settings.top_speed[state.vehicle[e, v, KIND]]))
        if settings.measure[lane, LENGTH] - state.motion[e, v, DIS] <= rules.detector_range:
            near += 1
            near_standing += stands
            near_waited += control.waited_here[e, v]
            near_speed += speed
        v = state.vehicle[e, v, BEHIND]
    control.standing[e, lane] = standing
    control.near[e, lane] = near
    control.near_standing[e, lane] = near_standing
    control.waited[e, lane] = waited
    control.near_waited[e, lane] = near_waited
    control.pace[e, lane] = pace
    control.near_speed[e, lane] = near_speed


@jit(inner=True)
def survey(state: EngineState, control: Control, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Read the lanes that lead to signals as they stand, and find each signal's fullest other phase."""
    for a in range(rules.junction.shape[0]):
        for i in range(rules.num_in[a]):
            _survey_lane(state, control, settings, rules, e, rules.in_lane[a, i])
    for i in range(settings.doors.shape[0]):
        lane = settings.doors[i]
        trip, number = state.first_waiting[e, lane], 0
        while trip != NONE:
            number += 1
            trip = state.next_waiting[e, trip]
        control.outside[e, lane] = number
    for a in range(rules.junction.shape[0]):
        control.fullest[e, a] = fullest_other(control, rules, e, a)


@jit(inline=True)
def near_in_phase(control: Control, rules: Rules, e: Int, a: Int, phase: Int) -> Int:
    """Return how many vehicles are near on lanes that a phase serves, without lanes that every phase serves."""
    total: Int = np.int64(0)
    for i in range(rules.num_in[a]):
        if rules.counted[a, phase, i]:
            total += control.near[e, rules.in_lane[a, i]]
    return total


@jit(inner=True)
def fullest_other(control: Control, rules: Rules, e: Int, a: Int) -> Int:
    """Return the phase with the most vehicles near, other than the present one; of equal ones the first."""
    best: Int = np.int64(NONE)
    most: Int = np.int64(-1)
    for p in range(rules.num_phases[a]):
        if p != control.pending[e, a]:
            number = near_in_phase(control, rules, e, a, p)
            if number > most:
                best, most = p, number
    return best


@jit(inner=True)
def vehicles_at(state: EngineState, control: Control, rules: Rules, e: Int, a: Int) -> Int:
    """Return how many vehicles are on the lanes that lead to signal `a`, or wait for room on them."""
    total: Int = np.int64(0)
    for i in range(rules.num_in[a]):
        lane = rules.in_lane[a, i]
        total += state.on[e, lane, COUNT] + control.outside[e, lane]
    return total


@jit(inner=True)
def forget(control: Control, e: Int) -> None:
    """Begin to count anew, for an episode."""
    for v in range(control.seen_trip.shape[1]):
        control.seen_trip[e, v] = NONE
    for t in range(control.trip_lost.shape[1]):
        control.trip_lost[e, t] = np.float32(0.0)
        control.trip_waited[e, t] = 0
        control.trip_stops[e, t] = 0
    for lane in range(control.passed.shape[1]):
        control.lost[e, lane] = 0.0
        control.passed[e, lane] = 0
        control.outside[e, lane] = 0
    control.cycle[e] = control.queue_max[e] = control.motionless[e] = 0
    control.queue_sum[e] = control.gridlock[e] = control.vehicle_steps[e] = 0
    control.co2[e] = control.driven[e] = control.total[e] = 0.0
