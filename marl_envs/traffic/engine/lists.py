"""The vehicles of each drivable as a list from the front to the back, and which drivables have any."""

from __future__ import annotations

from marl_envs.core.jit import Int, jit
from marl_envs.traffic.engine.types import NONE, Settings, State


@jit(inner=True)
def append(state: State, settings: Settings, e: Int, d: Int, v: Int) -> None:
    """Put `v` at the back of drivable `d`."""
    last = state.tail[e, d]
    state.ahead[e, v] = last
    state.behind[e, v] = NONE
    state.tail[e, d] = v
    if last == NONE:
        state.head[e, d] = v
        if not state.listed[e, d]:
            state.listed[e, d] = 1
            state.active[e, state.num_active[e]] = d
            state.num_active[e] += 1
    else:
        state.behind[e, last] = v
    _count(state, settings, e, d, 1)


@jit(inner=True)
def insert_before(state: State, settings: Settings, e: Int, d: Int, v: Int, other: Int) -> None:
    """Put `v` directly ahead of `other`, which is on `d`."""
    front = state.ahead[e, other]
    state.ahead[e, v] = front
    state.behind[e, v] = other
    state.ahead[e, other] = v
    if front == NONE:
        state.head[e, d] = v
    else:
        state.behind[e, front] = v
    _count(state, settings, e, d, 1)


@jit(inner=True)
def remove(state: State, settings: Settings, e: Int, d: Int, v: Int) -> None:
    """Take `v` out of the list of `d`."""
    front, back = state.ahead[e, v], state.behind[e, v]
    if front == NONE:
        state.head[e, d] = back
    else:
        state.behind[e, front] = back
    if back == NONE:
        state.tail[e, d] = front
    else:
        state.ahead[e, back] = front
    _count(state, settings, e, d, -1)


@jit(inline=True)
def _count(state: State, settings: Settings, e: Int, d: Int, change: Int) -> None:
    state.count[e, d] += change
    lane = settings.start_lane[d]
    if lane != NONE:
        state.crossing[e, lane] += change

