"""SUMO's rules: nobody enters a junction who would have to stand on it.

Rules: SUMO's keepClear, as version 1.28 computes it.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.sumo_law import NEAR, SLOW, brake_gap
from marl_envs.traffic.engine.types import (
    AHEAD,
    ASKS,
    DIS,
    END_LANE,
    INNER,
    KIND,
    LENGTH,
    LINE_LINK,
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


@jit(inner=True)
def _taken(state: State, settings: Settings, e: Int, v: Int, u: Int) -> Real:
    """Return how much of a lane `u` and all ahead of it will take in a queue [m], without `v`."""
    total = 0.0
    while u != NONE:
        if u != v:
            total += settings.berth[state.vehicle[e, u, KIND]]
        u = state.vehicle[e, u, AHEAD]
    return total


@jit(inner=True)
def _room_on(state: State, settings: Settings, e: Int, v: Int, lane: Int) -> Any:
    """Return the room on `lane` behind the last one that stands [m], without what those behind that will take.

    Also whether anyone stands there, or the last one has to wait at its line.
    """
    taken, u = 0.0, state.on[e, lane, TAIL]
    waits = u != NONE and u != v and state.held[e, u] == 1
    while u != NONE:
        k = state.vehicle[e, u, KIND]
        if u != v and state.motion[e, u, SPEED] < SLOW:
            return state.motion[e, u, DIS] - settings.body[k] - taken, True
        if u != v:
            taken += settings.berth[k]
        u = state.vehicle[e, u, AHEAD]
    return settings.measure[lane, LENGTH] - taken, waits


@jit(inline=True)
def note_room(state: State, settings: Settings, e: Int, lane: Int) -> None:
    """Write the room on `lane`, which has vehicles, for all those that will look for it in this step."""
    s = state.desk[e]
    state.room[s, lane], state.ends[s, lane] = _room_on(state, settings, e, NONE, lane)


@jit(inner=True)
def _room_behind(state: State, settings: Settings, e: Int, v: Int, d: Int, i: Int, ahead: Real) -> Any:
    """Return the room [m] that `v`, on `d`, would find behind its line `i`, and whether it ends somewhere.

    It ends at the first vehicle that stands or has to wait, or before the next red light. Those ahead of `v` on its own
    lane will take `ahead` [m] of it.
    """
    s = state.desk[e]
    room = -ahead
    for j in range(state.lines[s, v]):
        if state.line_ahead[s, v, j, INNER]:
            continue
        link = state.line_ahead[s, v, j, LINE_LINK]
        room -= _taken(state, settings, e, v, state.on[e, link, TAIL])
        if j > 0 and j >= i and not state.on[e, link, OPEN]:
            return room, True
        lane = settings.drivable[link, END_LANE]
        if state.on[e, lane, TAIL] == NONE:
            room += settings.measure[lane, LENGTH]
            continue
        more, ends = state.room[s, lane], state.ends[s, lane]
        if lane == d:  # where it is itself
            more, ends = _room_on(state, settings, e, v, lane)
        room += more
        if ends:
            return room, True
    return room, False


@jit(inline=True)
def _may_end(state: State, settings: Settings, e: Int, v: Int, d: Int) -> Bool:
    """Return whether the room ahead of `v`, on `d`, may end behind any of its lines."""
    s = state.desk[e]
    for j in range(state.lines[s, v]):
        if state.line_ahead[s, v, j, INNER]:
            continue
        link = state.line_ahead[s, v, j, LINE_LINK]
        lane = settings.drivable[link, END_LANE]
        if lane == d or (j > 0 and not state.on[e, link, OPEN]):
            return True
        if state.on[e, lane, TAIL] != NONE and state.ends[s, lane]:
            return True
    return False


@jit(inline=True)
def keep_clear(state: State, settings: Settings, e: Int, v: Int, d: Int, ahead: Real, speed: Real) -> Real:
    """Let `v`, on `d`, not ask to pass the first line behind which it has no room; return its next speed [m/s].

    Only lines of links that others cross or join count. Those before it on its lane will take `ahead` [m].
    """
    s = state.desk[e]
    if not _may_end(state, settings, e, v, d):
        return speed
    k = state.vehicle[e, v, KIND]
    for i in range(state.lines[s, v]):
        link = state.line_ahead[s, v, i, LINE_LINK]
        if state.line_ahead[s, v, i, INNER] or settings.conflict_first[link] == settings.conflict_first[link + 1]:
            continue
        room, ends = _room_behind(state, settings, e, v, d, i, ahead)
        if ends and room < settings.berth[k]:
            gap = brake_gap(state.motion[e, v, SPEED], settings.hard[k], settings.dt) + NEAR
            for j in range(i, state.lines[s, v]):
                state.plan_ahead[s, v, j, PASS] = state.plan_ahead[s, v, j, WAIT]
                if state.plan_ahead[s, v, j, SEEN] >= gap:
                    state.line_ahead[s, v, j, ASKS] = 0
            return min(speed, state.plan_ahead[s, v, i, WAIT])
    return speed
