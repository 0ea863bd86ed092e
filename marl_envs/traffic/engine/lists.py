"""The vehicles of each drivable as a list from the front to the back, and which drivables have any."""

from __future__ import annotations

from marl_envs.core.jit import Int, jit
from marl_envs.traffic.engine.types import (
    AHEAD,
    BEHIND,
    COUNT,
    CROSSING,
    HEAD,
    LISTED,
    NONE,
    START_LANE,
    TAIL,
    Settings,
    State,
)


@jit(inner=True)
def append(state: State, settings: Settings, e: Int, d: Int, v: Int) -> None:
    """Put `v` at the back of drivable `d`."""
    last = state.on[e, d, TAIL]
    state.vehicle[e, v, AHEAD] = last
    state.vehicle[e, v, BEHIND] = NONE
    state.on[e, d, TAIL] = v
    if last == NONE:
        state.on[e, d, HEAD] = v
        if not state.on[e, d, LISTED]:
            state.on[e, d, LISTED] = 1
            state.active[e, state.num_active[e]] = d
            state.num_active[e] += 1
    else:
        state.vehicle[e, last, BEHIND] = v
    _count(state, settings, e, d, 1)


@jit(inner=True)
def insert_before(state: State, settings: Settings, e: Int, d: Int, v: Int, other: Int) -> None:
    """Put `v` directly ahead of `other`, which is on `d`."""
    front = state.vehicle[e, other, AHEAD]
    state.vehicle[e, v, AHEAD] = front
    state.vehicle[e, v, BEHIND] = other
    state.vehicle[e, other, AHEAD] = v
    if front == NONE:
        state.on[e, d, HEAD] = v
    else:
        state.vehicle[e, front, BEHIND] = v
    _count(state, settings, e, d, 1)


@jit(inner=True)
def remove(state: State, settings: Settings, e: Int, d: Int, v: Int) -> None:
    """Take `v` out of the list of `d`."""
    front, back = state.vehicle[e, v, AHEAD], state.vehicle[e, v, BEHIND]
    if front == NONE:
        state.on[e, d, HEAD] = back
    else:
        state.vehicle[e, front, BEHIND] = back
    if back == NONE:
        state.on[e, d, TAIL] = front
    else:
        state.vehicle[e, back, AHEAD] = front
    _count(state, settings, e, d, -1)


@jit(inline=True)
def _count(state: State, settings: Settings, e: Int, d: Int, change: Int) -> None:
    state.on[e, d, COUNT] += change
    lane = settings.drivable[d, START_LANE]
    if lane != NONE:
        state.on[e, lane, CROSSING] += change
