"""Pedestrians on crosswalks: they come, walk, and have the right of way; cars of the engine yield to them.

A *gate* is where a crosswalk goes over a lane; `gate_half` metres to both sides of the lane's middle a car could touch
someone. A car is *bound* to pass a gate if it cannot stop before it any more, or stands on it. Pedestrians step into a
gate only if no car is bound to pass it. In the same step cars that are not bound see them, and can stop: so none of the
engine's ever hits anyone.

Walking speeds: Weidmann, "Transporttechnik der Fussgaenger", ETH Zuerich (1993): normal, mean 1.34, deviation 0.26 m/s.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.random import draw_unit
from marl_envs.traffic.engine.conduct import stop_before
from marl_envs.traffic.engine.estimates import can_stop, limit_of, notice
from marl_envs.traffic.engine.types import (
    BEHIND,
    CAPPED,
    DRIVEN,
    END_LANE,
    EXIT,
    HEAD,
    LIMIT,
    MODE,
    OPEN,
    OUT_FIRST,
    START_LANE,
)
from marl_envs.traffic.vehicles.types import (
    AT_END,
    AT_START,
    DIS,
    KIND,
    LENGTH,
    NONE,
    PACE,
    SETBACK,
    SPEED,
    STOOD,
    WALK_AT,
    WALK_WAIT,
    WALKED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

MEAN_PACE, PACE_SPREAD = 1.34, 0.26  # [m/s]
SLOWEST, QUICKEST = 0.6, 2.1  # the tails are cut there [m/s]
APPROACH = 4.0  # before the kerb, where they are first seen [m]
YIELD = 3.0  # cars stop for whoever is in their gate within so many seconds [s]
CLOSE = 1.0  # a car that comes onto a gate with someone so near to it is a conflict [s]
FRONT = 1.0  # a bumper so far before a crosswalk's line is out of the way [m]
REAR = 0.5  # a rear so far behind it likewise [m]
NOBODY = 1e9  # [s]


@jit(inner=True)
def clear_walks(state: EngineState, fleet: Fleet, rules: Rules, e: Int) -> None:
    """Begin an episode with nobody on the crosswalks."""
    for b in range(fleet.next_walker.shape[1]):
        fleet.next_walker[e, b] = _pause(state, rules, e)
        for i in range(fleet.walker.shape[2]):
            fleet.walker[e, b, i, WALK_AT] = fleet.walker[e, b, i, PACE] = fleet.walker[e, b, i, STOOD] = 0.0
    for x in range(fleet.gate_in.shape[1]):
        fleet.gate_in[e, x], fleet.gate_out[e, x] = NOBODY, 0.0
    for v in range(fleet.walked.shape[1]):
        fleet.walked[e, v] = NONE


@jit(inline=True)
def _pause(state: EngineState, rules: Rules, e: Int) -> Real:
    """Return how many steps pass until somebody comes (a Poisson process)."""
    return -np.log(1.0 - draw_unit(state.rng, e)) / rules.walk_rate if rules.walk_rate > 0.0 else np.inf


@jit(inline=True)
def _stops(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, room: Real) -> Bool:
    """Return whether `v` can stop within `room` [m], as hard as whoever drives it brakes.

    Agents brake for whole steps, so that one that moves goes a little further (`motion.stopping`).
    """
    hard = settings.hard[state.vehicle[e, v, KIND]]
    speed = state.motion[e, v, SPEED]
    if state.vehicle[e, v, MODE] == DRIVEN:
        hard = min(hard, rules.hard_brake)
        if speed > 0.0:
            room -= hard * settings.dt * settings.dt / 8.0
    return room >= 0.0 and speed * speed <= 2.0 * hard * room


@jit(inner=True)
def gates_of(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, d: Int) -> Any:
    """Return the gates before and behind the junction of `v` on drivable `d`, and how far it is to stop for each [m].

    The distances are negative once it has passed these places. NONE: there is no such gate on its way.
    """
    link, start = d, -state.motion[e, v, DIS]
    if d < rules.lane_gate.shape[0]:
        link = state.vehicle[e, v, EXIT]
        if link == NONE:
            return NONE, NONE, 0.0, 0.0
        start += settings.measure[d, LENGTH]
    first = rules.lane_gate[settings.drivable[link, START_LANE], AT_END]
    second = rules.lane_gate[settings.drivable[link, END_LANE], AT_START]
    return first, second, start, start + settings.measure[link, LENGTH] - SETBACK


@jit(inline=True)
def is_bound(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, x: Int, room: Real) -> Bool:
    """Return whether `v`, which stops for gate `x` in `room` [m], is going to pass it for sure, or covers it."""
    line = room + rules.gate_way[x]
    if line + settings.body[state.vehicle[e, v, KIND]] + REAR <= 0.0:
        return False
    return not _stops(state, settings, rules, e, v, line - FRONT)


@jit(inner=True)
def _note_bound(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Note at each gate whether any vehicle is bound to pass it."""
    lanes = rules.lane_gate.shape[0]
    for x in range(fleet.bound.shape[1]):
        fleet.bound[e, x] = 0
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        v = state.on[e, d, HEAD]
        while v != NONE:
            first, second, room, later = gates_of(state, settings, rules, e, v, d)
            if first != NONE and is_bound(state, settings, rules, e, v, first, room):
                fleet.bound[e, first] = 1
            if second != NONE and is_bound(state, settings, rules, e, v, second, later):
                fleet.bound[e, second] = 1
            if d < lanes and rules.lane_gate[d, AT_START] != NONE and _covers_start(state, settings, rules, e, v, d):
                fleet.bound[e, rules.lane_gate[d, AT_START]] = 1
            v = state.vehicle[e, v, BEHIND]


@jit(inline=True)
def _covers_start(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, d: Int) -> Bool:
    """Return whether `v`, which is on lane `d`, still covers the gate before it."""
    rear = state.motion[e, v, DIS] - settings.body[state.vehicle[e, v, KIND]]
    line = rules.gate_way[rules.lane_gate[d, AT_START]] - SETBACK
    return state.came[e, v] >= rules.lane_gate.shape[0] and rear < line + REAR


@jit(inner=True)
def _come(state: EngineState, fleet: Fleet, rules: Rules, e: Int, b: Int) -> None:
    """Let those whose time has come begin to walk over crosswalk `b`, from either side."""
    for i in range(fleet.walker.shape[2]):
        if fleet.next_walker[e, b] > state.step[e]:
            return
        if fleet.walker[e, b, i, PACE] != 0.0:
            continue
        radius = np.sqrt(-2.0 * np.log(1.0 - draw_unit(state.rng, e)))
        pace = MEAN_PACE + PACE_SPREAD * radius * np.cos(2.0 * np.pi * draw_unit(state.rng, e))
        pace = min(QUICKEST, max(SLOWEST, pace))
        back = draw_unit(state.rng, e) < 0.5
        fleet.walker[e, b, i, PACE] = -pace if back else pace
        fleet.walker[e, b, i, WALK_AT] = rules.walk_line[b, 4] + APPROACH if back else -APPROACH
        fleet.walker[e, b, i, STOOD] = 0.0
        fleet.next_walker[e, b] += _pause(state, rules, e)


@jit(inner=True)
def _walk_one(fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, b: Int, i: Int) -> None:
    """Let a pedestrian walk for a step, up to the first gate that a car is bound to pass."""
    at, pace = fleet.walker[e, b, i, WALK_AT], fleet.walker[e, b, i, PACE]
    to = at + pace * settings.dt
    for x in range(rules.gate_first[b], rules.gate_first[b + 1]):
        if fleet.bound[e, x]:
            low, high = rules.gate_place[x] - rules.gate_half, rules.gate_place[x] + rules.gate_half
            if pace > 0.0 and at <= low < to:
                to = low
            elif pace < 0.0 and to < high <= at:
                to = high
    stood = abs(to - at) < 0.5 * abs(pace) * settings.dt
    fleet.walker[e, b, i, WALK_AT], fleet.walker[e, b, i, STOOD] = to, 1.0 if stood else 0.0
    if stood:
        fleet.total[e, WALK_WAIT] += settings.dt
    if to > rules.walk_line[b, 4] if pace > 0.0 else to < 0.0:
        fleet.walker[e, b, i, PACE] = 0.0
        fleet.counts[e, WALKED] += 1


@jit(inner=True)
def note_times(fleet: Fleet, rules: Rules, e: Int, b: Int) -> None:
    """Note when the next pedestrian is in each gate of crosswalk `b`, and when all who come have left it [s]."""
    for x in range(rules.gate_first[b], rules.gate_first[b + 1]):
        soonest, latest = NOBODY, 0.0
        for i in range(fleet.walker.shape[2]):
            pace = fleet.walker[e, b, i, PACE]
            if pace == 0.0:
                continue
            way = rules.gate_place[x] - fleet.walker[e, b, i, WALK_AT]
            way = way if pace > 0.0 else -way  # to the middle of the gate
            if way > -rules.gate_half:
                soonest = min(soonest, max(0.0, way - rules.gate_half) / abs(pace))
                latest = max(latest, (way + rules.gate_half) / abs(pace))
        fleet.gate_in[e, x], fleet.gate_out[e, x] = soonest, latest


@jit(inner=True)
def yielding_speed(
    state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, d: Int, x: Int, room: Real
) -> Real:
    """Return the next speed [m/s] of `v` on `d` that stops for gate `x`; infinity if it is far, or bound to pass.

    It stops at the gate's place, `room` [m] ahead, or at least before its line.
    """
    if not _stops(state, settings, rules, e, v, room):
        room += rules.gate_way[x] - FRONT
        if not _stops(state, settings, rules, e, v, room):
            return np.inf
    if room > notice(state, settings, e, v):
        return np.inf
    limit = settings.measure[d, LIMIT] if settings.drivable[d, END_LANE] == NONE else limit_of(settings, d)
    return stop_before(state, settings, e, v, room, limit)


@jit(inner=True)
def speed_for_people(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, d: Int
) -> Real:
    """Return the next speed [m/s] of `v` on `d` that yields to all pedestrians on its way; infinity if it need not."""
    first, second, room, later = gates_of(state, settings, rules, e, v, d)
    speed = np.inf
    if first != NONE and fleet.gate_in[e, first] < YIELD:
        speed = min(speed, yielding_speed(state, settings, rules, e, v, d, first, room))
    if second != NONE and fleet.gate_in[e, second] < YIELD:
        speed = min(speed, yielding_speed(state, settings, rules, e, v, d, second, later))
    return speed


@jit(inner=True)
def walk(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Let pedestrians walk for a step, and tell the engine's cars to yield: links before them close for this step."""
    _note_bound(state, fleet, settings, rules, e)
    for b in range(fleet.next_walker.shape[1]):
        for i in range(fleet.walker.shape[2]):
            if fleet.walker[e, b, i, PACE] != 0.0:
                _walk_one(fleet, settings, rules, e, b, i)
        if fleet.next_walker[e, b] <= state.step[e]:
            _come(state, fleet, rules, e, b)
        note_times(fleet, rules, e, b)
    set_links(state, fleet, settings, rules, e, 1)
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        v = state.on[e, d, HEAD]
        while v != NONE:
            if state.vehicle[e, v, MODE] != DRIVEN:
                speed = speed_for_people(state, fleet, settings, rules, e, v, d)
                if speed < np.inf:
                    state.told[e, v], state.vehicle[e, v, MODE] = speed, CAPPED
            v = state.vehicle[e, v, BEHIND]


@jit(inline=True)
def _withdraw(state: EngineState, settings: EngineSettings, e: Int, lane: Int) -> None:
    """Take back the grants of those on `lane` who can still stop: who is behind must ask again once it is its turn."""
    v = state.on[e, lane, HEAD]
    while v != NONE:
        if can_stop(state, settings, e, v, settings.measure[lane, LENGTH] - state.motion[e, v, DIS]):
            state.grant[e, v] = NONE
        v = state.vehicle[e, v, BEHIND]


@jit(inner=True)
def set_links(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, shut: Int) -> None:
    """Close the open links before which someone walks, so that nobody is granted them; or open them again."""
    lanes = rules.lane_gate.shape[0]
    for lane in range(lanes):
        x = rules.lane_gate[lane, AT_END]
        if x == NONE or (shut and fleet.gate_in[e, x] >= YIELD):
            continue
        if shut:
            _withdraw(state, settings, e, lane)
        for i in range(settings.drivable[lane, OUT_FIRST], settings.drivable[lane + 1, OUT_FIRST]):
            link = settings.out_link[i]
            if shut and state.on[e, link, OPEN]:
                state.on[e, link, OPEN], fleet.shut[e, link - lanes] = 0, 1
            elif not shut and fleet.shut[e, link - lanes]:
                state.on[e, link, OPEN], fleet.shut[e, link - lanes] = 1, 0
