"""SUMO's rules, first half of a step: how fast each vehicle could drive, and when it would come to the lines ahead.

Rules: SUMO's documentation (Simulation/Intersections, Car-Following Models) and what its version 1.28 computes. A line
is where a link begins, or the place on a link where one waits inside the junction. Whoever wants to pass a line writes
itself into the list of its link, where those that give way find it (sumo_yield.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from
from marl_envs.traffic.engine.sumo_follow import behind_last, speed_here, wished_speed
from marl_envs.traffic.engine.sumo_law import (
    NEAR,
    RED_ROOM,
    SLOW,
    VISIBLE,
    at_most_slowing,
    at_most_to,
    brake_gap,
    brake_gap_over,
    speed_after,
    stop_speed,
)
from marl_envs.traffic.engine.sumo_meet import behind_those_inside
from marl_envs.traffic.engine.sumo_room import keep_clear
from marl_envs.traffic.engine.sumo_times import leave_slower, write_leaving, write_times
from marl_envs.traffic.engine.types import (
    ASKS,
    DIS,
    END_LANE,
    EXIT,
    INNER,
    KIND,
    LENGTH,
    LINE_LINK,
    LINES,
    MAJOR,
    NEXT_ASKS,
    NONE,
    OPEN,
    PASS,
    PLACE,
    SEEN,
    SPEED,
    TAIL,
    WAIT,
    Settings,
    State,
)

# Numbers are passed as NumPy's: what takes a literal is compiled for it alone
MOVING = 1e-4  # who plans to be slower does not ask [m/s]
AHEAD_ROOM = 25.0  # of lanes beyond the first line that one looks at in any case [m]


@jit(inline=True)
def _write_line(state: State, e: Int, v: Int, link: Int, inner: Int, asks: Int, speed: Real) -> None:
    """Write what `v` intends at a line which it can pass at `speed` [m/s], and itself into the link's list."""
    s = state.desk[e]
    i = state.lines[s, v]
    state.line_ahead[s, v, i, LINE_LINK] = link
    state.line_ahead[s, v, i, INNER] = inner
    state.line_ahead[s, v, i, ASKS] = asks
    state.plan_ahead[s, v, i, PASS] = speed
    if asks and not inner:
        state.line_ahead[s, v, i, NEXT_ASKS] = state.first_asks[s, link]
        state.first_asks[s, link] = v * LINES + i


@jit(inner=True)
def _come_to(
    state: State,
    settings: Settings,
    e: Int,
    v: Int,
    link: Int,
    inner: Int,
    seen: Real,
    speeds: Any,
    slowed: Bool,
    timed: Bool,
) -> Any:
    """Add a line `seen` [m] ahead.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle.
        link: the link behind the line, or whose waiting place it is.
        inner: 1 for a waiting place.
        seen: the way to the line [m].
        speeds: how fast it could be in the next step, and at the line [m/s].
        slowed: whether it slows down for a line before.
        timed: whether to write its times, instead of what it intends.

    Returns:
        Whether the way goes on behind the line, whether `v` asks to pass it, and whether it slows down for it.
    """
    s = state.desk[e]
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    brake, i = settings.hard[k], state.lines[s, v]
    speed, there = speeds
    shown = state.on[e, link, OPEN]
    closed, major = not inner and not shown, shown == MAJOR
    gap = brake_gap_over(seen - RED_ROOM, own, brake, dt)
    room = RED_ROOM if closed or (major and not inner) else 0.0
    if seen >= gap:
        room = min(room, seen - gap)
    state.plan_ahead[s, v, i, SEEN] = seen
    state.plan_ahead[s, v, i, WAIT] = at_most_to(speed, max(0.0, seen - max(room, NEAR)), brake, dt)
    stops = closed and seen >= gap
    asks = not stops and ((speed > MOVING and (inner or not slowed)) or (inner and seen < settings.wait_at[link]))
    if not timed:
        _write_line(state, e, v, link, inner, asks, speed)
    if not stops and not major and gap < seen and seen > VISIBLE:
        slowed = True
        if timed:
            at_sight = stop_speed(VISIBLE, brake, 0.0, dt)
            there = min(there, speed_after(VISIBLE, at_sight, settings.full_pull[k]))
    if timed and not stops:
        write_times(state, settings, e, v, link, inner, seen, (speed, there))
    state.lines[s, v] = i + 1
    return not stops, asks, slowed


@jit(inline=True)
def _over_link(
    state: State, settings: Settings, e: Int, v: Int, x: Int, start: Real, speeds: Any, slowed: Bool, timed: Bool
) -> Any:
    """Return `speeds`, lowered by those inside the junction that link `x`, `start` [m] ahead, leads over; and `slowed`.

    The waiting place on the link, if `v` is not past it, becomes a line.
    """
    s = state.desk[e]
    speed, there = speeds
    wait = settings.wait_at[x]
    if wait > 0.0 and start + wait > 0.0 and state.lines[s, v] < LINES:
        _, _, slowed = _come_to(state, settings, e, v, x, np.int64(1), start + wait, speeds, slowed, timed)
    slower = behind_those_inside(state, settings, e, v, x, start, speed)
    if timed:
        leave_slower(state, e, v, slower)
    i = state.lines[s, v] - 1
    if i >= 0:
        slower = max(slower, state.plan_ahead[s, v, i, WAIT])  # it drives up to the line in any case
        if slower < SLOW and slower < speed:  # who would be held up inside is not waited for
            state.line_ahead[s, v, i, ASKS] = 0
    return min(speed, slower), min(there, slower), slowed


@jit(inline=True)
def _enter(
    state: State, settings: Settings, e: Int, v: Int, x: Int, start: Real, before: Real, speed: Real, timed: Bool
) -> Any:
    """Return `speed`, lowered by what is allowed on `x`, `start` [m] ahead, and by the last vehicle on it.

    `before` is how far ahead the link begins that leads there [m]. The second speed is that at the end of `x` then, if
    it is `timed`.
    """
    s = state.desk[e]
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    wish = wished_speed(state, settings, e, v, x)
    if speed > wish:
        gentle = max(0.0, own - settings.hard[k] * dt)
        speed = min(speed, max(at_most_slowing(speed, start, wish, settings.hard[k], dt), gentle))
    if timed:
        leave_slower(state, e, v, wish)
    if state.on[e, x, TAIL] != NONE:
        bound = np.inf if timed else speed  # that of leaving may be above its own
        slower = behind_last(state, settings, e, v, x, start, before, bound)
        if timed:
            leave_slower(state, e, v, slower)
        speed = min(speed, slower)
    i = state.lines[s, v] - 1
    if i >= 0:
        state.plan_ahead[s, v, i, WAIT] = min(state.plan_ahead[s, v, i, WAIT], speed)
    if timed:
        return speed, min(speed_after(settings.measure[x, LENGTH], speed, settings.full_pull[k]), wish)
    return speed, 0.0


@jit(inline=True)
def _sight(speed: Real, brake: Real, dt: Real) -> Real:
    """Return how far a driver looks in any case [m]: as far as it takes to stop from `speed` [m/s], after a step."""
    return speed * dt + brake_gap(speed, brake, dt)


@jit(inner=True)
def _look_ahead(state: State, settings: Settings, e: Int, v: Int, d: Int, speed: Real, timed: Bool) -> Real:
    """Go along the way of `v` on `d` and write its lines; return its next speed [m/s] if they were all free.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle on `d`.
        d: a drivable.
        speed: how fast it could be on `d` [m/s].
        timed: whether to write the times of its lines, which were written before.
    """
    s = state.desk[e]
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    brake, pull = settings.hard[k], settings.full_pull[k]
    state.lines[s, v] = 0
    there = 0.0
    if speed <= 0.0 and own <= 0.0 and settings.drivable[d, END_LANE] == NONE:  # it stands, and asks nobody
        return speed
    x, start, before, at = d, -state.motion[e, v, DIS], 0.0, state.route_at[e, v]
    if timed:
        wish = wished_speed(state, settings, e, v, d)
        there = min(speed_after(settings.measure[d, LENGTH] + start, speed, pull), wish)
    passed, slowed, further = 0.0, False, settings.drivable[d, END_LANE] != NONE
    while True:
        end = start + settings.measure[x, LENGTH]
        if settings.drivable[x, END_LANE] != NONE:
            speed, there, slowed = _over_link(state, settings, e, v, x, start, (speed, there), slowed, timed)
            nxt = settings.drivable[x, END_LANE]
            at += 1
            passed += settings.measure[nxt, LENGTH]
            further = True
        else:
            if settings.leg[at] == 0 or state.lines[s, v] == LINES:  # it leaves at the end, or has seen enough
                break
            nxt = state.vehicle[e, v, EXIT] if x == d else exit_from(settings, x, at)
            if nxt == NONE:
                speed = min(speed, stop_speed(end, brake, dt, dt))
                break
            on, asks, slowed = _come_to(state, settings, e, v, nxt, np.int64(0), end, (speed, there), slowed, timed)
            if not on or (speed <= 0.0 and x == d):  # it stands before its first line, and does not ask to pass
                break
            if (
                further
                and passed > AHEAD_ROOM
                and (not asks or speed <= 0.0 or end > _sight(own + pull * dt, brake, dt))
            ):
                break
            before = end
        speed, there = _enter(state, settings, e, v, nxt, end, before, speed, timed)
        x, start = nxt, end
    return speed


@jit(inline=True)
def plan_lines(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real, ahead: Real) -> Real:
    """Return how fast `v` could be in the next step [m/s] if all lines ahead were free; write the lines.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle on `d`.
        d: a drivable.
        u: the vehicle ahead of `v` on `d`, or NONE.
        gap: to it [m].
        ahead: of the room behind its lane, what those before it there will take [m].
    """
    s = state.desk[e]
    speed = speed_here(state, settings, e, v, d, u, gap)
    state.here[s, v] = speed
    state.timed[s, v] = 0
    speed = _look_ahead(state, settings, e, v, d, speed, np.bool_(False))
    return keep_clear(state, settings, e, v, d, ahead, speed)


@jit(inner=True)
def note_times(state: State, settings: Settings, e: Int, v: Int) -> None:
    """Write when `v` would come to each of its lines and have left what is behind it, if that was not yet asked for.

    Few are asked, by those who stand before a line; so it goes along its way once more instead of noting it at once.
    """
    s = state.desk[e]
    if state.timed[s, v]:
        return
    state.timed[s, v] = 1
    _look_ahead(state, settings, e, v, state.vehicle[e, v, PLACE], state.here[s, v], np.bool_(True))
    write_leaving(state, settings, e, v)
