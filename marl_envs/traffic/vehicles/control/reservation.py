"""First-come first-served reservations of the junction's tiles (AIM; Dresner and Stone, JAIR 31, 2008).

A vehicle asks for every tile at every step at which it would cover it, if it drove as fast as it may from now on. If
all of them are free they are its own, and it drives just so until it is gone: actions have one outcome, so a plan is
kept to the bit. Else it goes on as one that has to stop before the line, and asks again at its next decision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.types import BEHIND, END_LANE, HEAD, LENGTH, START_LANE
from marl_envs.traffic.vehicles.control.ledger import BROKEN, Ledger
from marl_envs.traffic.vehicles.control.near import admit, is_forced, meets_stranger
from marl_envs.traffic.vehicles.motion import after_action
from marl_envs.traffic.vehicles.types import (
    KIND,
    NONE,
    PATH_STEP,
    SPEED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

KEPT = 0.05  # how far from its plan a vehicle may be [m]


@jit(inner=True)
def reserve_all(
    state: EngineState, fleet: Fleet, settings: EngineSettings, coarse: EngineSettings, rules: Rules, ledger: Ledger,
    e: Int,
) -> None:  # fmt: skip
    """Hear all requests, those that were first made longest ago first; on a lane from the front."""
    _clear(state, fleet, ledger, e)
    _check_plans(state, fleet, settings, rules, ledger, e)
    for lane in range(rules.lane_junction.shape[0]):
        ledger.refused[e, lane] = 0
    while True:
        v = _next_request(state, fleet, rules, ledger, e)
        if v == NONE:
            return
        a = fleet.agent[e, v]
        if _plan(state, fleet, settings, rules, ledger, e, v, True):
            _book(state, fleet, ledger, rules, settings, e, a, v)
            admit(state, fleet, rules, ledger, e, v)
        elif is_forced(state, fleet, coarse, rules, ledger, e, v):
            _plan(state, fleet, settings, rules, ledger, e, v, False)
            _book(state, fleet, ledger, rules, settings, e, a, v)
        else:
            link = ledger.link[e, v] + rules.lane_junction.shape[0]
            ledger.plan_first[e, a] = NONE
            ledger.refused[e, settings.drivable[link, START_LANE]] = 1


@jit(inline=True)
def _clear(state: EngineState, fleet: Fleet, ledger: Ledger, e: Int) -> None:
    """Empty the rows of steps that are over."""
    rows, words = ledger.busy.shape[1], ledger.busy.shape[2]
    until = state.step[e] - ledger.spare
    first = ledger.cleared[e]
    if fleet.cycle[e] == 0 or until - first > rows:
        first = until - rows
    for t in range(first, until):
        for w in range(words):
            ledger.busy[e, t % rows, w] = np.uint64(0)
    ledger.cleared[e] = until


@jit(inner=True)
def _check_plans(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int
) -> None:
    """Make new plans for vehicles that are not where theirs say."""
    for i in range(ledger.number[e]):
        v = ledger.who[e, i]
        a = fleet.agent[e, v]
        if a == NONE or ledger.plan_first[e, a] == NONE or state.step[e] >= ledger.plan_last[e, a]:
            continue
        at = np.float64(ledger.planned[e, a, state.step[e] - ledger.plan_first[e, a]])
        if abs(at - ledger.way[e, v]) > KEPT:
            ledger.counts[e, BROKEN] += 1
            _plan(state, fleet, settings, rules, ledger, e, v, False)
            _book(state, fleet, ledger, rules, settings, e, a, v)


@jit(inner=True)
def _next_request(state: EngineState, fleet: Fleet, rules: Rules, ledger: Ledger, e: Int) -> Int:
    """Return who is heard next: of the first vehicles without a plan on each lane the one that has asked longest."""
    best, first = NONE, np.int32(0)
    for lane in range(rules.lane_junction.shape[0]):
        if rules.lane_junction[lane] == NONE or ledger.refused[e, lane]:
            continue
        v = state.on[e, lane, HEAD]
        while v != NONE and ledger.holds[e, v]:
            v = state.vehicle[e, v, BEHIND]
        if v == NONE or fleet.agent[e, v] == NONE or ledger.way[e, v] < -ledger.request:
            continue
        a = fleet.agent[e, v]
        if ledger.since[e, a] == NONE:
            ledger.since[e, a] = state.step[e]
        asked = ledger.since[e, a]
        if best == NONE or asked < first or (asked == first and state.trip[e, v] < state.trip[e, best]):
            best, first = v, asked
    return best


@jit(inline=True)
def _alone(rules: Rules, settings: EngineSettings, link: Int, way: Real, ahead: Real) -> Real:
    """Return `motion.free_speed` of a vehicle at `way` on the path of `link`, from numbers alone [m/s]."""
    lanes = rules.lane_junction.shape[0]
    d = link + lanes
    length, slow = settings.measure[d, LENGTH], rules.free[d]
    if way <= 0.0:
        speed = rules.free[settings.drivable[d, START_LANE]]
        rest: Real = max(0.0, -way - ahead)
        return min(speed, np.sqrt(slow * slow + 2.0 * rules.comfort * rest)) if slow < speed else speed
    if way <= length:
        return slow
    speed = rules.free[settings.drivable[d, END_LANE]]
    return min(speed, np.sqrt(slow * slow + 2.0 * rules.pull_up * (way - length + ahead))) if slow < speed else speed


@jit(inline=True)
def _onward(settings: EngineSettings, rules: Rules, k: Int, link: Int, way: Real, speed: Real) -> Any:
    """Return way [m] and speed [m/s] after one step of a vehicle of kind `k` that accelerates as it may.

    As `motion.tell` and the engine's step for a driven vehicle.
    """
    dt = settings.dt
    highest = _alone(rules, settings, link, way, speed * dt)
    told = max(0.0, min(speed + rules.pull_up * dt, max(highest, speed - rules.hard_brake * dt)))
    then = max(0.0, min(told, min(settings.top_speed[k], speed + settings.boost[k])))
    then = max(then, speed - settings.hard[k] * dt)
    return way + (speed + then) * dt / 2.0, then


@jit(inner=True)
def _plan(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int,
    asks: Bool,
) -> Bool:  # fmt: skip
    """Write the plan of `v`; return whether all its tiles are free and nobody ahead is in its way (if it `asks`)."""
    a, link, k = fleet.agent[e, v], ledger.link[e, v], state.vehicle[e, v, KIND]
    way, speed = ledger.way[e, v], state.motion[e, v, SPEED]
    d = link + rules.lane_junction.shape[0]
    end = settings.measure[d, LENGTH] + settings.measure[settings.drivable[d, END_LANE], LENGTH]
    if asks and meets_stranger(fleet, settings, rules, ledger, e, v):
        return False
    ledger.plan_first[e, a] = state.step[e]
    last = ledger.planned.shape[2] - 2 - 2 * ledger.spare
    for s in range(last + 1):
        ledger.plan_last[e, a] = state.step[e] + s
        ledger.planned[e, a, s], ledger.pace[e, a, s] = np.float32(way), np.float32(speed)
        decides = asks and s % rules.interval == 0
        if decides and not _is_behind(state, settings, rules, ledger, fleet, e, v, s, way, speed):
            return False
        if way > end:
            return True
        to, speed = _onward(settings, rules, k, link, way, speed)
        if asks and not _tiles_are_free(rules, ledger, state.step[e] + s + 1, link, way, to, e):
            return False
        way = to
    return False


@jit(inline=True)
def _is_on_path(rules: Rules, link: Int, way: Real) -> Bool:
    """Return whether the path of `link` reaches as far as `way` [m]: behind its end no tile is covered."""
    return (way + rules.before) / PATH_STEP < rules.path_first[link + 1] - rules.path_first[link] - 1


@jit(inline=True)
def _points(rules: Rules, link: Int, way: Real, to: Real) -> Any:
    """Return the first and the last point of the path of `link` that a front passes from `way` to `to` [m]."""
    first, last = rules.path_first[link], rules.path_first[link + 1] - 1
    i = first + np.int64(max(0.0, (way + rules.before) / PATH_STEP))
    k = first + np.int64(max(0.0, (to + rules.before) / PATH_STEP)) + 1
    return min(i, last), min(k, last)


@jit(inner=True)
def _tiles_are_free(rules: Rules, ledger: Ledger, t: Int, link: Int, way: Real, to: Real, e: Int) -> Bool:
    """Return whether all tiles that a vehicle sweeps up to step `t` are free then, and shortly before and after."""
    if to < -ledger.reach_in or not _is_on_path(rules, link, way):
        return True
    first, last = _points(rules, link, way, to)
    rows = ledger.busy.shape[1]
    for step in range(t - ledger.spare, t + ledger.spare + 1):
        row = step % rows
        for w in range(ledger.busy.shape[2]):
            taken = ledger.busy[e, row, w]
            if taken != 0:
                for i in range(first, last + 1):
                    if taken & ledger.cover[i, w]:
                        return False
    return True


@jit(inner=True)
def _book(
    state: EngineState, fleet: Fleet, ledger: Ledger, rules: Rules, settings: EngineSettings, e: Int, a: Int, v: Int
) -> None:
    """Mark the tiles of an agent's plan as taken."""
    link, rows = ledger.link[e, v], ledger.busy.shape[1]
    for s in range(1, ledger.plan_last[e, a] - ledger.plan_first[e, a] + 1):
        way, to = np.float64(ledger.planned[e, a, s - 1]), np.float64(ledger.planned[e, a, s])
        if not _is_on_path(rules, link, way):
            return
        if to < -ledger.reach_in:
            continue
        first, last = _points(rules, link, way, to)
        row = (ledger.plan_first[e, a] + s) % rows
        for i in range(first, last + 1):
            for w in range(ledger.busy.shape[2]):
                ledger.busy[e, row, w] |= ledger.cover[i, w]


@jit(inline=True)
def _where(state: EngineState, fleet: Fleet, settings: EngineSettings, ledger: Ledger, e: Int, u: Int, t: Int) -> Any:
    """Return way [m] and speed [m/s] of `u` at step `t`: by its plan, else and after that at even speed."""
    a = fleet.agent[e, u]
    now = state.step[e]
    if a == NONE or ledger.plan_first[e, a] == NONE or ledger.plan_last[e, a] <= now:
        speed = state.motion[e, u, SPEED]
        return ledger.way[e, u] + speed * settings.dt * (t - now), speed
    s = min(t, ledger.plan_last[e, a]) - ledger.plan_first[e, a]
    at = np.float64(ledger.planned[e, a, s])
    speed = np.float64(ledger.pace[e, a, s])
    return at + speed * settings.dt * max(0, t - ledger.plan_last[e, a]), speed


@jit(inner=True)
def _is_behind(
    state: EngineState, settings: EngineSettings, rules: Rules, ledger: Ledger, fleet: Fleet, e: Int, v: Int, s: Int,
    way: Real, speed: Real,
) -> Bool:  # fmt: skip
    """Return whether `v`, at `way` at `speed` in `s` steps, keeps its distance to those on its lanes, and they to it.

    Who is behind can accelerate until the next decision and then stop, however hard the one ahead brakes.
    """
    lanes, link = rules.lane_junction.shape[0], ledger.link[e, v]
    d = link + lanes
    start, end, length = settings.drivable[d, START_LANE], settings.drivable[d, END_LANE], settings.measure[d, LENGTH]
    body = settings.body[state.vehicle[e, v, KIND]]
    for i in range(ledger.number[e]):
        u = ledger.who[e, i]
        if u == v or not ledger.holds[e, u]:
            continue
        foe = ledger.link[e, u] + lanes
        theirs = settings.body[state.vehicle[e, u, KIND]]
        at, fast = _where(state, fleet, settings, ledger, e, u, state.step[e] + s)
        if settings.drivable[foe, START_LANE] == start and (foe == d or way < 0.0):
            until = settings.measure[foe, LENGTH] if rules.mask_unsafe else theirs
            if (foe == d or at < until) and not _keeps(settings, rules, speed, at - theirs - way, fast):
                return False
        elif settings.drivable[foe, END_LANE] == end:
            x, y = way - length, at - settings.measure[foe, LENGTH]
            if x > 0.0 and y > 0.0:
                ahead = y > x
                gap = y - theirs - x if ahead else x - body - y
                if not _keeps(settings, rules, speed if ahead else fast, gap, fast if ahead else speed):
                    return False
    return True


@jit(inline=True)
def _keeps(settings: EngineSettings, rules: Rules, speed: Real, gap: Real, lead: Real) -> Bool:
    """Return whether one may accelerate `gap` [m] behind a vehicle of speed `lead` [m/s]."""
    return after_action(settings, rules, speed, rules.pull_up) <= gap + lead * lead / (2.0 * rules.hard_brake)
