"""SUMO's rules, first half of a step: how fast each vehicle could drive, and when it would come to the lines ahead.

Rules: SUMO's documentation (Simulation/Intersections, Car-Following Models) and what its version 1.28 computes. A line
is where a link begins, or the place on a link where one waits inside the junction. Whoever wants to pass a line writes
itself into the list of its link, where those that give way find it (sumo_yield.py).
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from
from marl_envs.traffic.engine.sumo_law import (
    NEAR,
    RED_ROOM,
    SLOW,
    VISIBLE,
    arrival_after,
    arrival_braking,
    brake_gap,
    gap_speed,
    passing_time,
    slowing_speed,
    speed_after,
    stop_speed,
)
from marl_envs.traffic.engine.sumo_meet import behind_those_inside
from marl_envs.traffic.engine.sumo_room import keep_clear
from marl_envs.traffic.engine.types import (
    ARRIVAL,
    ARRIVAL_SPEED,
    ASKS,
    BRAKING,
    DIS,
    END_LANE,
    EXIT,
    INNER,
    IS_TOLD,
    KIND,
    LEAVE,
    LEAVE_SPEED,
    LENGTH,
    LIMIT,
    LINE_LINK,
    LINES,
    MAJOR,
    MODE,
    NEXT_ASKS,
    NONE,
    OPEN,
    PASS,
    SEEN,
    SPEED,
    TAIL,
    WAIT,
    Settings,
    State,
)

MOVING = 1e-4  # who plans to be slower does not ask [m/s]
AHEAD_ROOM = 25.0  # of lanes beyond the first line that one looks at in any case [m]


@jit(inline=True)
def wished_speed(state: State, settings: Settings, e: Int, v: Int, d: Int) -> Real:
    """Return how fast `v` wishes to drive on `d` [m/s]: its own factor times what is allowed."""
    return min(settings.measure[d, LIMIT] * state.factor[e, v], settings.top_speed[state.vehicle[e, v, KIND]])


@jit(inner=True)
def _follow(state: State, settings: Settings, e: Int, v: Int, u: Int, gap: Real) -> Real:
    """Return the highest next speed [m/s] of `v` at `gap` [m] behind `u`, bumper to bumper."""
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    room = gap - settings.min_gap[k]
    return gap_speed(
        room, state.motion[e, u, SPEED], settings.hard[f], settings.hard[k], settings.headway[k], settings.dt
    )


@jit(inner=True)
def _add_line(
    state: State, settings: Settings, e: Int, v: Int, link: Int, inner: Int, asks: Int, speeds: Any, times: Any
) -> None:
    """Write one line: `speeds` are how far it is [m], and the speeds to pass and to wait; `times` from ARRIVAL on."""
    i = state.lines[e, v]
    state.lines[e, v] = i + 1
    state.line_ahead[e, v, i, LINE_LINK] = link
    state.line_ahead[e, v, i, INNER] = inner
    state.line_ahead[e, v, i, ASKS] = asks
    state.plan_ahead[e, v, i, SEEN], state.plan_ahead[e, v, i, PASS], state.plan_ahead[e, v, i, WAIT] = speeds
    comes, comes_at, braking, leaves_at = times
    state.plan_ahead[e, v, i, ARRIVAL] = comes
    state.plan_ahead[e, v, i, ARRIVAL_SPEED] = comes_at
    state.plan_ahead[e, v, i, BRAKING] = braking
    state.plan_ahead[e, v, i, LEAVE_SPEED] = leaves_at
    if not inner:
        state.line_ahead[e, v, i, NEXT_ASKS] = state.first_asks[e, link]
        state.first_asks[e, link] = v * LINES + i


@jit(inner=True)
def _come_to(
    state: State, settings: Settings, e: Int, v: Int, link: Int, inner: Int, seen: Real, speeds: Any, slowed: Bool
) -> Any:
    """Add a line `seen` [m] ahead; return whether the way goes on behind it, and whether it is one to slow down for.

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
    """
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    brake, pull = settings.hard[k], settings.full_pull[k]
    speed, there = speeds
    closed = not inner and not state.on[e, link, OPEN]
    major = state.on[e, link, OPEN] == MAJOR
    gap = brake_gap(own, brake, dt)
    room = RED_ROOM if closed or (major and not inner) else 0.0
    if seen >= gap:
        room = min(room, seen - gap)
    wait = min(speed, stop_speed(max(0.0, seen - max(room, NEAR)), brake, dt, dt))
    if closed and seen >= gap:
        _add_line(state, settings, e, v, link, inner, 0, (seen, speed, wait), (0.0, wait, 0.0, 0.0))
        return False, slowed
    asks = (speed > MOVING and (inner or not slowed)) or (inner and seen < settings.wait_at[link])
    if not major and gap < seen and seen > VISIBLE:
        there = min(there, speed_after(VISIBLE, stop_speed(VISIBLE, brake, 0.0, dt), pull))
        slowed = True
    comes = arrival_after(seen, speed, there, pull, brake)
    braking = arrival_braking(seen, speed, there, brake, settings.headway[k], dt)
    way = settings.measure[link, LENGTH]
    if settings.wait_at[link] > 0.0:
        way = way - settings.wait_at[link] if inner else settings.wait_at[link]
    leaves_at = min(wished_speed(state, settings, e, v, link), speed_after(way, there, pull))
    _add_line(state, settings, e, v, link, inner, asks, (seen, speed, wait), (comes, there, braking, leaves_at))
    return True, slowed


@jit(inline=True)
def _leave_slower(state: State, e: Int, v: Int, speed: Real) -> None:
    """Let `v` leave what is behind its last line no faster than `speed` [m/s]."""
    i = state.lines[e, v] - 1
    if i >= 0:
        state.plan_ahead[e, v, i, LEAVE_SPEED] = min(state.plan_ahead[e, v, i, LEAVE_SPEED], speed)


@jit(inner=True)
def _behind_last(state: State, settings: Settings, e: Int, v: Int, x: Int, start: Real, before: Real) -> Real:
    """Return the highest next speed [m/s] of `v` behind the last vehicle on `x`, which begins `start` [m] ahead.

    If that is not yet all on `x`, and came another way, `v` stops before the link, `before` [m] ahead.
    """
    u = state.on[e, x, TAIL]
    gap = start + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
    k = state.vehicle[e, v, KIND]
    if gap < settings.min_gap[k] and gap < start and settings.drivable[x, END_LANE] == NONE:
        i = state.lines[e, v] - 1
        if i >= 0 and state.came[e, u] != state.line_ahead[e, v, i, LINE_LINK]:
            return stop_speed(before - NEAR, settings.hard[k], settings.dt, settings.dt)
    return _follow(state, settings, e, v, u, gap)


@jit(inner=True)
def _speed_here(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real) -> Real:
    """Return the highest next speed [m/s] of `v` as far as `d` and `u`, ahead of it there, are concerned."""
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    gentle = max(0.0, own - settings.hard[k] * dt)
    speed = max(min(own + settings.full_pull[k] * dt, wished_speed(state, settings, e, v, d)), gentle)
    if state.vehicle[e, v, MODE] == IS_TOLD:
        speed = min(speed, state.told[e, v])
    return speed if u == NONE else min(speed, _follow(state, settings, e, v, u, gap))


@jit(inner=True)
def _over_link(state: State, settings: Settings, e: Int, v: Int, x: Int, start: Real, speeds: Any, slowed: Bool) -> Any:
    """Return `speeds`, lowered by those inside the junction that link `x`, `start` [m] ahead, leads over; and `slowed`.

    The waiting place on the link, if `v` is not past it, becomes a line.
    """
    speed, there = speeds
    if settings.wait_at[x] > 0.0 and start + settings.wait_at[x] > 0.0 and state.lines[e, v] < LINES:
        _, slowed = _come_to(state, settings, e, v, x, 1, start + settings.wait_at[x], speeds, slowed)
    slower = behind_those_inside(state, settings, e, v, x, start, speed)
    _leave_slower(state, e, v, slower)
    i = state.lines[e, v] - 1
    if i >= 0:
        slower = max(slower, state.plan_ahead[e, v, i, WAIT])  # it drives up to the line in any case
        if slower < SLOW and slower < speed:  # who would be held up inside is not waited for
            state.line_ahead[e, v, i, ASKS] = 0
    return min(speed, slower), min(there, slower), slowed


@jit(inner=True)
def _enter(state: State, settings: Settings, e: Int, v: Int, x: Int, start: Real, before: Real, speeds: Any) -> Any:
    """Return `speeds`, lowered by what is allowed on `x`, `start` [m] ahead, and by the last vehicle on it.

    `before` is how far ahead the link begins that leads there [m]. The second speed is that at the end of `x` then.
    """
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    speed, wish = speeds[0], wished_speed(state, settings, e, v, x)
    gentle = max(0.0, own - settings.hard[k] * dt)
    speed = min(speed, max(slowing_speed(start, wish, settings.hard[k], dt), gentle))
    _leave_slower(state, e, v, wish)
    if state.on[e, x, TAIL] != NONE:
        slower = _behind_last(state, settings, e, v, x, start, before)
        _leave_slower(state, e, v, slower)
        speed = min(speed, slower)
    i = state.lines[e, v] - 1
    if i >= 0:
        state.plan_ahead[e, v, i, WAIT] = min(state.plan_ahead[e, v, i, WAIT], speed)
    return speed, min(speed_after(settings.measure[x, LENGTH], speed, settings.full_pull[k]), wish)


@jit(inner=True)
def plan_lines(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real) -> Real:
    """Return how fast `v` could be in the next step [m/s] if all lines ahead were free; write the lines.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle on `d`.
        d: a drivable.
        u: the vehicle ahead of `v` on `d`, or NONE.
        gap: to it [m].
    """
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    brake, pull = settings.hard[k], settings.full_pull[k]
    state.lines[e, v] = 0
    speed = _speed_here(state, settings, e, v, d, u, gap)
    sight = (own + pull * dt) * dt + brake_gap(own + pull * dt, brake, dt)
    x, start, before, at = d, -state.motion[e, v, DIS], 0.0, state.route_at[e, v]
    there = min(speed_after(settings.measure[d, LENGTH] + start, speed, pull), wished_speed(state, settings, e, v, d))
    passed, slowed, further = 0.0, False, settings.drivable[d, END_LANE] != NONE
    while True:
        end = start + settings.measure[x, LENGTH]
        if settings.drivable[x, END_LANE] != NONE:
            speed, there, slowed = _over_link(state, settings, e, v, x, start, (speed, there), slowed)
            nxt = settings.drivable[x, END_LANE]
            at += 1
            passed += settings.measure[nxt, LENGTH]
            further = True
        else:
            if settings.leg[at] == 0 or state.lines[e, v] == LINES:  # it leaves at the end, or has seen enough
                break
            nxt = state.vehicle[e, v, EXIT] if x == d else exit_from(settings, x, at)
            if nxt == NONE:
                speed = min(speed, stop_speed(end, brake, dt, dt))
                break
            on, slowed = _come_to(state, settings, e, v, nxt, 0, end, (speed, there), slowed)
            asks = state.line_ahead[e, v, state.lines[e, v] - 1, ASKS]
            if not on or ((not asks or speed <= 0.0 or end > sight) and further and passed > AHEAD_ROOM):
                break
            before = end
        speed, there = _enter(state, settings, e, v, nxt, end, before, (speed, there))
        x, start = nxt, end
    _set_times(state, settings, e, v)
    return keep_clear(state, settings, e, v, d, speed)


@jit(inner=True)
def _set_times(state: State, settings: Settings, e: Int, v: Int) -> None:
    """Write when `v` would have left what is behind each of its lines."""
    body = settings.body[state.vehicle[e, v, KIND]]
    for i in range(state.lines[e, v]):
        link = state.line_ahead[e, v, i, LINE_LINK]
        way = settings.measure[link, LENGTH]
        if settings.wait_at[link] > 0.0:
            way = way - settings.wait_at[link] if state.line_ahead[e, v, i, INNER] else settings.wait_at[link]
        state.plan_ahead[e, v, i, LEAVE] = state.plan_ahead[e, v, i, ARRIVAL] + passing_time(
            way + body, state.plan_ahead[e, v, i, ARRIVAL_SPEED], state.plan_ahead[e, v, i, LEAVE_SPEED]
        )
