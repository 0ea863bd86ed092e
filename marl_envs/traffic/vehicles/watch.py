"""What is counted of vehicles after each step of the engine: time lost, stops, jerk, fuel, what they cover."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.types import BEHIND, DIS, DRIVEN, END_LANE, HEAD, JUNCTION, LENGTH, MODE
from marl_envs.traffic.vehicles.collisions import ROUNDING, first_leader, gap_to
from marl_envs.traffic.vehicles.motion import free_speed
from marl_envs.traffic.vehicles.poses import pair_of
from marl_envs.traffic.vehicles.safety import horizon
from marl_envs.traffic.vehicles.types import (
    AGENT_STEPS,
    CO2,
    CROSSING,
    DEADLOCK,
    DEADLOCK_AT,
    DEADLOCK_SIZE,
    DELAY,
    DRIVEN_METRES,
    JERK,
    JERK_LIMIT,
    JERK_TERM,
    JERKY,
    KIND,
    LOST,
    MERGING,
    NEAR_MISS,
    NEAR_PET,
    NONE,
    OUT,
    PET,
    PET_LIMIT,
    PROGRESS,
    SPEED,
    STANDING,
    STANDSTILL,
    STOPS,
    VEHICLE_STEPS,
    WAITED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

# Grams of CO2 a second of a petrol car at speed v [m/s] and acceleration a [m/s2]: Int Panis, Broekx and Liu (2006),
# "Modelling instantaneous traffic emission and the influence of traffic speed limits": never below 0.
CO2_RATE = (0.553, 0.161, -0.00289, 0.266, 0.511, 0.183)  # 1, v, v^2, a, a^2, v a


@jit(inline=True)
def _co2_rate(v: Real, a: Real) -> Real:
    """Return the CO2 of a petrol car [g/s] at speed `v` [m/s] and acceleration `a` [m/s2]."""
    r = CO2_RATE
    return max(0.0, r[0] + r[1] * v + r[2] * v * v + r[3] * a + r[4] * a * a + r[5] * v * a)


@jit(inline=True)
def _watch_one(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, d: Int) -> Any:
    """Count what `v` on drivable `d` did in the last step; return its CO2 [g], metres and jerk [m/s3]."""
    dt, trip, speed, before = settings.dt, state.trip[e, v], state.motion[e, v, SPEED], fleet.old_speed[e, v]
    metres = (speed + before) / 2.0 * dt
    gone = metres / free_speed(state, settings, rules, e, v, 0.0) if metres > 0.0 else 0.0  # what it takes alone [s]
    lost: Real = max(0.0, dt - gone)
    fleet.trip_sum[e, trip, LOST] += np.float32(lost)
    if speed < STANDING:
        fleet.trip_sum[e, trip, WAITED] += np.float32(dt)
        fleet.trip_sum[e, trip, STOPS] += np.float32(before >= STANDING)
    pull = (speed - before) / dt
    jerk = abs(pull - fleet.old_pull[e, v]) / dt
    fleet.old_speed[e, v], fleet.old_pull[e, v] = speed, pull
    a = fleet.agent[e, v]
    if a != NONE:
        fleet.counts[e, AGENT_STEPS] += 1
        fleet.term[e, a, PROGRESS] += gone
        fleet.term[e, a, DELAY] -= lost
        fleet.term[e, a, JERK_TERM] -= max(0.0, jerk - JERK_LIMIT) * dt
    return _co2_rate(speed, pull) * dt, metres, jerk


@jit(inline=True)
def _locate(state: EngineState, fleet: Fleet, settings: EngineSettings, e: Int, v: Int, d: Int) -> Real:
    """Note the link that `v` is on or whose end it still covers, and the way on it; return the way before."""
    lanes = state.first_waiting.shape[1]
    before: Real = fleet.way[e, v]
    old: Int = fleet.link[e, v]
    if d >= lanes:
        fleet.link[e, v] = d - lanes
        fleet.way[e, v] = state.motion[e, v, DIS]
        if old != d - lanes:
            fleet.entered_at[e, v] = state.step[e]
    else:
        came = state.came[e, v]
        if came >= lanes and state.motion[e, v, DIS] < settings.body[state.vehicle[e, v, KIND]]:
            if old != came - lanes:  # it has passed the whole link in this step
                fleet.entered_at[e, v] = state.step[e]
                old = NONE
            fleet.link[e, v] = came - lanes
            fleet.way[e, v] = settings.measure[came, LENGTH] + state.motion[e, v, DIS]
        elif old != NONE:
            fleet.way[e, v] = settings.measure[old + lanes, LENGTH] + state.motion[e, v, DIS]
            fleet.link[e, v] = NONE
    return before if old == fleet.link[e, v] or fleet.link[e, v] == NONE else -1.0


@jit(inner=True)
def _note_passage(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, link: Int, before: Real
) -> None:
    """Note when `v` leaves zones on `link`, and the time since another one left that which it enters (PET)."""
    j = settings.drivable[link + state.first_waiting.shape[1], JUNCTION]
    first = settings.link_first[j] - state.first_waiting.shape[1]
    way, speed = fleet.way[e, v], state.motion[e, v, SPEED]
    now = state.step[e] * settings.dt
    if not way > before:
        return
    for k in range(rules.pair_size[j]):
        z = pair_of(settings, rules, j, link, first + k)
        if rules.pair_kind[z] != CROSSING and rules.pair_kind[z] != MERGING:
            continue
        if before <= rules.pair_zone[z, OUT] < way:
            fleet.left_at[e, z] = now - (way - rules.pair_zone[z, OUT]) / max(speed, 0.1)
        if before <= rules.pair_zone[z, 0] < way:
            back = pair_of(settings, rules, j, first + k, link)
            since = now - (way - rules.pair_zone[z, 0]) / max(speed, 0.1) - fleet.left_at[e, back]
            _note_pet(state, fleet, e, v, since)


@jit(inline=True)
def _note_pet(state: EngineState, fleet: Fleet, e: Int, v: Int, since: Real) -> None:
    trip = state.trip[e, v]
    if since < fleet.trip_worst[e, trip, PET]:
        if since < PET_LIMIT <= fleet.trip_worst[e, trip, PET]:
            fleet.counts[e, NEAR_PET] += 1
            if fleet.agent[e, v] != NONE:
                fleet.term[e, fleet.agent[e, v], NEAR_MISS] -= 1.0
        fleet.trip_worst[e, trip, PET] = np.float32(since)


@jit(inner=True)
def watch(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> Any:
    """Count what all vehicles did in the last step.

    Returns:
        how many of them cover some of a junction, which are listed in `inside`; whether any runs into the one ahead;
        whether TTC or DRAC of any might pass a limit.
    """
    seconds = horizon(rules)
    lanes = state.first_waiting.shape[1]
    driving, moving, ruled, jerky, inside = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    co2, metres, jerks = fleet.total[e, CO2], fleet.total[e, DRIVEN_METRES], fleet.total[e, JERK]
    hit = close = False
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        v = state.on[e, d, HEAD]
        u, gap = first_leader(state, e, d, lanes, v)
        leads = d >= lanes or rules.lane_junction[d] != NONE  # to where it is not known yet whom one follows
        end = settings.measure[d, LENGTH] - rules.longest if leads else np.inf
        while v != NONE:
            speed = state.motion[e, v, SPEED]
            close |= speed > 0.0 and end - state.motion[e, v, DIS] < seconds * speed
            close |= u != NONE and gap < seconds * (speed - state.motion[e, u, SPEED])
            hit |= u != NONE and gap < -ROUNDING
            grams, way, jerk = _watch_one(state, fleet, settings, rules, e, v, d)
            co2 += grams
            metres += way
            jerks += jerk
            jerky += jerk > JERK_LIMIT
            driving += 1
            moving += state.motion[e, v, SPEED] >= STANDING
            ruled += state.vehicle[e, v, MODE] != DRIVEN
            if d >= lanes or fleet.link[e, v] != NONE or state.came[e, v] >= lanes:
                inside += _watch_junction(state, fleet, settings, rules, e, v, d, inside)
            u, v = v, state.vehicle[e, v, BEHIND]
            gap = gap_to(state, settings, e, v, u) if v != NONE else 0.0
    fleet.total[e, CO2], fleet.total[e, DRIVEN_METRES], fleet.total[e, JERK] = co2, metres, jerks
    fleet.counts[e, JERKY] += jerky
    fleet.counts[e, VEHICLE_STEPS] += driving
    fleet.ruled[e] = ruled
    _note_standstill(state, fleet, settings, e, driving, moving)
    return inside, hit, driving > 1 and (close or inside > 1)


@jit(inline=True)
def _watch_junction(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, d: Int, inside: Int
) -> Int:
    """Note where `v`, which may cover some of a junction, is on its link; return 1 and list it if it does."""
    old = fleet.link[e, v]
    before = _locate(state, fleet, settings, e, v, d)
    link = fleet.link[e, v]
    if link != NONE or old != NONE:
        _note_passage(state, fleet, settings, rules, e, v, link if link != NONE else old, before)
    if link == NONE:
        return 0
    fleet.inside[e, inside] = v
    return 1


@jit(inline=True)
def _note_standstill(
    state: EngineState, fleet: Fleet, settings: EngineSettings, e: Int, driving: Int, moving: Int
) -> None:
    """Count time in which nobody moves, with no wreck that could be the reason: a deadlock, if it lasts."""
    stuck = driving > 0 and moving == 0 and fleet.crashed[e] == 0
    fleet.still[e] = fleet.still[e] + 1 if stuck else 0
    if fleet.still[e] * settings.dt > DEADLOCK:
        fleet.counts[e, STANDSTILL] += 1
        if fleet.counts[e, DEADLOCK_SIZE] == 0:
            fleet.counts[e, DEADLOCK_AT] = state.step[e] - fleet.still[e]
            fleet.counts[e, DEADLOCK_SIZE] = driving


@jit(inner=True)
def note_queues(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Add the vehicles that stand on the lanes that lead to junctions to the episode's sums."""
    total: Int = np.int64(0)
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        if settings.drivable[d, END_LANE] != NONE or rules.lane_junction[d] == NONE:
            continue
        number: Int = np.int64(0)
        v = state.on[e, d, HEAD]
        while v != NONE:
            number += state.motion[e, v, SPEED] < STANDING
            v = state.vehicle[e, v, BEHIND]
        total += number
        if number > fleet.queue_max[e]:
            fleet.queue_max[e] = number
    fleet.queue_sum[e] += total
