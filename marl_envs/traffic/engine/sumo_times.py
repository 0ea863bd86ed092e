"""SUMO's rules: when a vehicle comes to the lines ahead and has left them, for those that have to let it go first.

Rules: SUMO's documentation (Simulation/Intersections) and what its version 1.28 computes.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.sumo_follow import wished_speed
from marl_envs.traffic.engine.sumo_law import arrival_after, arrival_braking, passing_time, speed_after
from marl_envs.traffic.engine.types import (
    ARRIVAL,
    ARRIVAL_SPEED,
    BRAKING,
    INNER,
    KIND,
    LEAVE,
    LEAVE_SPEED,
    LENGTH,
    LINE_LINK,
    Settings,
    State,
)


@jit(inline=True)
def behind_line(settings: Settings, link: Int, inner: Int) -> Real:
    """Return how far it is from a line to the next place where one could stop [m]: a waiting place, or the lane."""
    way, wait = settings.measure[link, LENGTH], settings.wait_at[link]
    if wait > 0.0:
        return way - wait if inner else wait
    return way


@jit(inner=True)
def write_times(
    state: State, settings: Settings, e: Int, v: Int, link: Int, inner: Int, seen: Real, speeds: Any
) -> None:
    """Write when `v` comes to the line `seen` [m] ahead, how fast, and how fast if it brakes now.

    `speeds` are its next one and that at the line [m/s]. What is behind the line may lower that of leaving it.
    """
    s = state.desk[e]
    k, i, dt = state.vehicle[e, v, KIND], state.lines[s, v], settings.dt
    brake, pull = settings.hard[k], settings.full_pull[k]
    speed, there = speeds
    state.plan_ahead[s, v, i, ARRIVAL] = arrival_after(seen, speed, there, pull, brake)
    state.plan_ahead[s, v, i, ARRIVAL_SPEED] = there
    state.plan_ahead[s, v, i, BRAKING] = arrival_braking(seen, speed, there, brake, settings.headway[k], dt)
    wish = wished_speed(state, settings, e, v, link)
    state.plan_ahead[s, v, i, LEAVE_SPEED] = min(wish, speed_after(behind_line(settings, link, inner), there, pull))


@jit(inline=True)
def leave_slower(state: State, e: Int, v: Int, speed: Real) -> None:
    """Let `v` leave what is behind its last line no faster than `speed` [m/s]."""
    s = state.desk[e]
    i = state.lines[s, v] - 1
    if i >= 0:
        state.plan_ahead[s, v, i, LEAVE_SPEED] = min(state.plan_ahead[s, v, i, LEAVE_SPEED], speed)


@jit(inner=True)
def write_leaving(state: State, settings: Settings, e: Int, v: Int) -> None:
    """Write when `v` has left what is behind each of its lines."""
    s = state.desk[e]
    body = settings.body[state.vehicle[e, v, KIND]]
    for i in range(state.lines[s, v]):
        way = behind_line(settings, state.line_ahead[s, v, i, LINE_LINK], state.line_ahead[s, v, i, INNER])
        state.plan_ahead[s, v, i, LEAVE] = state.plan_ahead[s, v, i, ARRIVAL] + passing_time(
            way + body, state.plan_ahead[s, v, i, ARRIVAL_SPEED], state.plan_ahead[s, v, i, LEAVE_SPEED]
        )
