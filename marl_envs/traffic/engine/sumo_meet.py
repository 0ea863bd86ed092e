"""SUMO's rules: those who are inside a junction already, on ways that cross, join or leave one's own.

Rules: as SUMO 1.28 judges "link leaders". Before the junction everyone inside is to be let out; inside it who came to
where the ways meet first goes first, unless the other is in the way.
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.sumo_law import NEAR, SLOW, gap_speed, is_wide, stop_speed
from marl_envs.traffic.engine.types import (
    AHEAD,
    DIS,
    END_LANE,
    KIND,
    LENGTH,
    NONE,
    OPEN,
    PLACE_AT,
    PLACE_FOE_AT,
    PLACE_FOE_SIZE,
    PLACE_SIZE,
    SAME_END,
    SAME_START,
    SPEED,
    TAIL,
    YIELDS,
    Settings,
    State,
)

NEVER_IN = 2**31 - 2  # step in which one comes to where ways cross that still waits before it


@jit(inline=True)
def behind_those_inside(state: State, settings: Settings, e: Int, v: Int, link: Int, start: Real, speed: Real) -> Real:
    """Return the highest next speed [m/s], at most `speed`, of `v`, which is `start` [m] before `link` or on it."""
    brake, tau = settings.hard[state.vehicle[e, v, KIND]], settings.headway[state.vehicle[e, v, KIND]]
    if speed <= 0.0 or is_wide(start - settings.deep[link], speed, 0.0, brake, brake, tau, settings.dt):
        return speed
    for c in range(settings.conflict_first[link], settings.conflict_first[link + 1]):
        foe = settings.conflict_foe[c]
        u = state.on[e, foe, TAIL]
        while u != NONE:
            speed = min(
                speed, _behind(state, settings, e, v, link, start, c, u, state.motion[e, u, DIS], np.bool_(True), speed)
            )
            u = state.vehicle[e, u, AHEAD]
        lane = settings.drivable[foe, END_LANE]
        u = state.on[e, lane, TAIL]
        if u != NONE and state.came[e, u] == foe:  # past the link, but perhaps not its rear
            front = settings.measure[foe, LENGTH] + state.motion[e, u, DIS]
            if front - settings.body[state.vehicle[e, u, KIND]] < settings.measure[foe, LENGTH]:
                speed = min(speed, _behind(state, settings, e, v, link, start, c, u, front, np.bool_(False), speed))
    return speed


@jit(inner=True)
def _behind(
    state: State,
    settings: Settings,
    e: Int,
    v: Int,
    link: Int,
    start: Real,
    c: Int,
    u: Int,
    front: Real,
    inside: Bool,
    speed: Real,
) -> Real:
    """Return the highest next speed [m/s], at most `speed`, of `v` on its way over `link` with `u` on the other.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle.
        link: its link.
        start: the way to it [m], negative on it.
        c: the conflict of `link` with the other's.
        u: the other.
        front: how far that is along its link [m].
        inside: whether it is on that link with its front.
        speed: [m/s].
    """
    k, f, kind = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND], settings.conflict_kind[c]
    ends, starts, foe = kind & SAME_END, kind & SAME_START, settings.conflict_foe[c]
    wide = 0.0 if ends or starts else settings.conflict_place[c, PLACE_SIZE]
    foe_wide = 0.0 if ends or starts else settings.conflict_place[c, PLACE_FOE_SIZE]
    room = start + settings.conflict_place[c, PLACE_AT]
    if u == v or (room + wide < 0.0 and not ends):
        return speed
    rear = settings.conflict_place[c, PLACE_FOE_AT] - (front - settings.body[f])
    past, entered = rear + foe_wide < 0.0, rear < settings.body[f]
    holds = inside and front < settings.wait_at[foe]  # it waits inside the junction, before it crosses anyone
    obstructs = entered and not holds and ((not past and room > 0.0) or (ends and room > rear - settings.body[f]))
    early = holds and not starts and settings.wait_at[link] == 0.0
    if holds and not starts:
        both = state.on[e, link, OPEN] and state.on[e, foe, OPEN]
        if not kind & YIELDS or both or not early:
            return speed
    if room < -NEAR and not obstructs:
        return speed
    if starts and start < 0.0 and front < -start - settings.body[k]:
        return speed
    if past and not ends:
        return speed
    if start <= 0.0 and not obstructs and inside and not _came_first(state, settings, e, v, u, link, kind):
        return speed
    brake, dt, lead = settings.hard[k], settings.dt, state.motion[e, u, SPEED]
    line = start + settings.wait_at[link]
    gap = -np.inf if early else room - settings.min_gap[k] - rear - foe_wide
    if gap >= 0.0:
        safe = gap_speed(gap, lead, settings.hard[f], brake, settings.headway[k], dt)
    else:
        safe = stop_speed(line - NEAR, brake, dt, dt)
    if not (ends or starts or early) and room >= 0.0:  # up to where it crosses, while that one passes
        safe = max(safe, _up_to(settings, k, state.motion[e, v, SPEED], room, gap, lead))
    return min(speed, safe)


@jit(inline=True)
def _up_to(settings: Settings, k: Int, own: Real, room: Real, gap: Real, lead: Real) -> Real:
    """Return the next speed [m/s] that brings one to the cross, `room` [m] ahead, when the other has passed it."""
    dt = settings.dt
    near = room - settings.min_gap[k]
    time = max((room - gap) / max(lead, SLOW), dt)
    final = max(own, 2.0 * near / time - own)
    return min(own + dt * (final - own) / time, stop_speed(near, settings.hard[k], dt, dt))


@jit(inner=True)
def _came_first(state: State, settings: Settings, e: Int, v: Int, u: Int, link: Int, kind: Int) -> Bool:
    """Return whether `u` goes before `v`, both inside the junction: it came first, or as early and is faster."""
    mine, theirs = state.entered[e, v], state.entered[e, u]
    if not kind & SAME_START:
        theirs = state.clashes[e, u]
        if kind & YIELDS:
            mine = state.clashes[e, v]
    if mine != theirs:
        return mine > theirs
    if state.motion[e, v, SPEED] != state.motion[e, u, SPEED]:
        return state.motion[e, v, SPEED] < state.motion[e, u, SPEED]
    return state.trip[e, v] > state.trip[e, u]
