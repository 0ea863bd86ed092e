"""The corrected rules, second part: how fast a vehicle drives, with a grant (see grants.py) or without."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.estimates import SHY, can_stop, held_link, lag_of, limit_of, notice
from marl_envs.traffic.engine.following import keep_headway, no_collision, safe_speed, slow_down, stop_within
from marl_envs.traffic.engine.idm import idm_of
from marl_envs.traffic.engine.types import (
    AHEAD,
    BEGIN,
    BEHIND,
    CAPPED,
    CROSS,
    DIS,
    END_LANE,
    EXIT,
    FOE_BEGIN,
    FOE_END,
    HEAD,
    IS_TOLD,
    KIND,
    LENGTH,
    LIMIT,
    MERGE,
    MODE,
    NONE,
    OUT_FIRST,
    SPEED,
    START_LANE,
    TAIL,
    Settings,
    State,
)


@jit(inner=True)
def behind(state: State, settings: Settings, e: Int, v: Int, u: Int, gap: Real, limit: Real) -> Real:
    """Return the highest next speed [m/s] of `v` at `gap` [m] behind `u`, which it never touches."""
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    own, lead, dt = state.motion[e, v, SPEED], state.motion[e, u, SPEED], settings.dt
    speed = safe_speed(lead, settings.hard[f], own, settings.hard[k], gap, dt)
    if state.vehicle[e, v, MODE] == IS_TOLD:
        return speed
    if settings.idm:
        return min(speed, idm_of(settings, k, own, lead, gap, limit))
    speed = min(speed, no_collision(lead, settings.usual[f], own, settings.usual[k], gap, settings.min_gap[k], dt))
    return min(speed, keep_headway(lead, own, gap, settings.headway[k], dt))


@jit(inner=True)
def stop_before(state: State, settings: Settings, e: Int, v: Int, room: Real, limit: Real) -> Real:
    """Return the next speed [m/s] of `v` on the way to a stop before a line `room` [m] ahead, which it never passes."""
    k, own = state.vehicle[e, v, KIND], state.motion[e, v, SPEED]
    safe = safe_speed(0.0, settings.hard[k], own, settings.hard[k], room - SHY, settings.dt)
    if settings.idm:  # as behind one that stands there
        return min(safe, idm_of(settings, k, own, 0.0, room, limit))
    wanted = stop_within(own, settings.pull[k], settings.usual[k], max(room - SHY, 0.0), settings.dt)
    return min(safe, wanted) if wanted == wanted else 0.0  # NaN: it stands there


@jit(inner=True)
def _behind_those_that_left(
    state: State, settings: Settings, e: Int, v: Int, lane: Int, rest: Real, granted: Int, limit: Real
) -> Real:
    """Return the highest next speed [m/s] of `v`, the first on `lane`, behind those whose rear is not clear of it."""
    speed = np.inf
    for i in range(settings.drivable[lane, OUT_FIRST], settings.drivable[lane + 1, OUT_FIRST]):
        link = settings.out_link[i]
        if link == granted:  # whom `_along` follows
            continue
        u, start = state.on[e, link, TAIL], 0.0
        if u == NONE:
            u, start = state.on[e, settings.drivable[link, END_LANE], TAIL], settings.measure[link, LENGTH]
            if u == NONE or state.came[e, u] != link:
                continue
        rear = start + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
        if rear < (0.0 if link == state.vehicle[e, v, EXIT] else settings.fork[link]):
            speed = min(speed, behind(state, settings, e, v, u, rest + rear, limit))
    return speed


@jit(inner=True)
def _behind_those_that_part(
    state: State, settings: Settings, e: Int, v: Int, link: Int, start: Real, limit: Real
) -> Real:
    """Return the highest next speed [m/s] of `v` behind those ahead on other links from its lane, as long as near."""
    speed, lane = np.inf, settings.drivable[link, START_LANE]
    for i in range(settings.drivable[lane, OUT_FIRST], settings.drivable[lane + 1, OUT_FIRST]):
        other = settings.out_link[i]
        u = NONE if other == link else state.on[e, other, TAIL]
        while u != NONE and state.motion[e, u, DIS] <= start:
            u = state.vehicle[e, u, AHEAD]
        begin = 0.0
        if u == NONE and other != link:  # or one that is past it, but not its rear
            u, begin = state.on[e, settings.drivable[other, END_LANE], TAIL], settings.measure[other, LENGTH]
            if u != NONE and state.came[e, u] != other:
                u = NONE
        if u != NONE:
            rear = begin + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
            if rear < settings.fork[other]:
                speed = min(speed, behind(state, settings, e, v, u, rear - start, limit))
    return speed


@jit(inner=True)
def _into_merge(state: State, settings: Settings, e: Int, v: Int, link: Int, way: Real, z: Int, limit: Real) -> Real:
    """Return the highest next speed [m/s] of `v`, `way` [m] before the lane, behind those ahead on a merging link."""
    speed, foe, lag = np.inf, settings.zone_foe[z], lag_of(settings, link, z)
    length = settings.measure[foe, LENGTH]
    u = state.on[e, foe, HEAD]
    while u != NONE:
        front = length - state.motion[e, u, DIS]
        if front < way:
            gap = way - front - settings.body[state.vehicle[e, u, KIND]] - lag
            speed = min(speed, behind(state, settings, e, v, u, gap, limit))
        u = state.vehicle[e, u, BEHIND]
    start = settings.drivable[foe, START_LANE]
    u = state.on[e, start, HEAD]
    while u != NONE:
        held = held_link(state, settings, e, u, start)
        front = length + settings.measure[start, LENGTH] - state.motion[e, u, DIS]
        if held == foe and front < way:
            gap = way - front - settings.body[state.vehicle[e, u, KIND]] - lag
            speed = min(speed, behind(state, settings, e, v, u, gap, limit))
        u = NONE if held == NONE else state.vehicle[e, u, BEHIND]
    return speed


@jit(inner=True)
def _is_intruded(state: State, settings: Settings, e: Int, z: Int) -> Bool:
    """Return whether anyone is in zone `z` on the other link, or cannot stop before it any more.

    Only vehicles driven from outside are ever found here: those that obey wait until the zone is free.
    """
    link = settings.zone_foe[z]
    begin, end = settings.zone_place[z, FOE_BEGIN], settings.zone_place[z, FOE_END]
    u = state.on[e, settings.drivable[link, END_LANE], TAIL]
    if u != NONE and state.came[e, u] == link:
        rear = settings.measure[link, LENGTH] + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
        if rear < end:
            return True
    u = state.on[e, link, TAIL]
    while u != NONE:
        dis = state.motion[e, u, DIS]
        if dis - settings.body[state.vehicle[e, u, KIND]] < end and not can_stop(state, settings, e, u, begin - dis):
            return True
        u = state.vehicle[e, u, AHEAD]
    start = settings.drivable[link, START_LANE]
    u = state.on[e, start, HEAD]
    if u != NONE and held_link(state, settings, e, u, start) == link:
        way = settings.measure[start, LENGTH] - state.motion[e, u, DIS] + begin
        return not can_stop(state, settings, e, u, way)
    return False


@jit(inner=True)
def _along(state: State, settings: Settings, e: Int, v: Int, link: Int, start: Real, limit: Real) -> Real:
    """Return the highest next speed [m/s] of `v` on its way over `link` to the end of the lane behind.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle on `link`, or one before it that has a grant.
        link: a lane link.
        start: where it is on the link [m]; negative before it.
        limit: the speed allowed where it is [m/s].
    """
    length, lane = settings.measure[link, LENGTH], settings.drivable[link, END_LANE]
    way = length - start
    speed, first = np.inf, True
    if start < 0:
        u = state.on[e, link, TAIL]
        if u != NONE:
            first = False
            gap = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - start
            speed = min(speed, behind(state, settings, e, v, u, gap, limit))
    else:
        first = state.vehicle[e, v, AHEAD] == NONE
        if start < settings.fork[link]:
            speed = min(speed, _behind_those_that_part(state, settings, e, v, link, start, limit))
    u = state.on[e, lane, TAIL]
    if first and u != NONE:
        gap = way + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
        speed = min(speed, behind(state, settings, e, v, u, gap, limit))
    for z in range(settings.zone_first[link], settings.zone_first[link + 1]):
        if settings.zone_kind[z] == MERGE:
            speed = min(speed, _into_merge(state, settings, e, v, link, way, z, limit))
        elif settings.zone_kind[z] == CROSS and settings.zone_place[z, BEGIN] > start:
            room = settings.zone_place[z, BEGIN] - start
            if can_stop(state, settings, e, v, room - SHY) and _is_intruded(state, settings, e, z):
                speed = min(speed, stop_before(state, settings, e, v, room, limit))
    return speed


@jit(inner=True)
def _over(state: State, settings: Settings, e: Int, v: Int, link: Int, way: Real, limit: Real) -> Real:
    """Return the highest next speed [m/s] of `v` with a view to the lane behind `link`, `way` [m] ahead."""
    lane, k = settings.drivable[link, END_LANE], state.vehicle[e, v, KIND]
    own, at = state.motion[e, v, SPEED], state.route_at[e, v] + 1
    speed = slow_down(own, settings.measure[lane, LIMIT], settings.usual[k], way, settings.dt)
    if settings.leg[at] != 0:  # it goes on from there, and has no grant for that yet
        room = way + settings.measure[lane, LENGTH]
        if room <= notice(state, settings, e, v):
            speed = min(speed, stop_before(state, settings, e, v, room, limit))
    return speed


@jit(inner=True)
def corrected_speed(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real) -> Real:
    """Return the next speed [m/s] that the corrected rules allow `v` on `d`; below 0 where it should stop at once.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle on `d`.
        d: a drivable.
        u: the vehicle ahead of `v` on `d`, or NONE.
        gap: to it [m].
    """
    k, own, dis = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], state.motion[e, v, DIS]
    rest = settings.measure[d, LENGTH] - dis
    on_link = settings.drivable[d, END_LANE] != NONE
    limit = limit_of(settings, d) if on_link else settings.measure[d, LIMIT]
    if settings.idm:
        speed = idm_of(settings, k, own, own, np.inf, limit)
    else:
        speed = min(min(settings.top_speed[k], own + settings.boost[k]), limit)
    if state.vehicle[e, v, MODE] == IS_TOLD or state.vehicle[e, v, MODE] == CAPPED:
        speed = min(speed, state.told[e, v])
    if u != NONE:
        speed = min(speed, behind(state, settings, e, v, u, gap, limit))
    if on_link:
        speed = min(speed, _over(state, settings, e, v, d, rest, limit))
        return min(speed, _along(state, settings, e, v, d, dis, limit))
    link = state.vehicle[e, v, EXIT]
    if link == NONE:
        last = settings.leg[state.route_at[e, v]] == 0
        return speed if last else min(speed, stop_before(state, settings, e, v, rest, limit))
    granted = state.grant[e, v] == link
    if u == NONE:
        held = link if granted else NONE
        speed = min(speed, _behind_those_that_left(state, settings, e, v, d, rest, held, limit))
    if not granted:
        near = rest <= notice(state, settings, e, v)
        return min(speed, stop_before(state, settings, e, v, rest, limit)) if near else speed
    speed = min(speed, slow_down(own, limit_of(settings, link), settings.usual[k], rest, settings.dt))
    speed = min(speed, _over(state, settings, e, v, link, rest + settings.measure[link, LENGTH], limit))
    return min(speed, _along(state, settings, e, v, link, -rest, limit))
