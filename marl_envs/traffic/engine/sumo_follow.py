"""SUMO's rules: how fast a vehicle may be on a lane or link for its limit, and for whoever is ahead.

Rules: as in sumo_law.py.
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.sumo_law import NEAR, at_most_behind, stop_speed
from marl_envs.traffic.engine.types import (
    DIS,
    END_LANE,
    IS_TOLD,
    KIND,
    LIMIT,
    LINE_LINK,
    MODE,
    NONE,
    SPEED,
    TAIL,
    Settings,
    State,
)


@jit(inline=True)
def wished_speed(state: State, settings: Settings, e: Int, v: Int, d: Int) -> Real:
    """Return how fast `v` wishes to drive on `d` [m/s]: its own factor times what is allowed."""
    return min(settings.measure[d, LIMIT] * state.factor[e, v], settings.top_speed[state.vehicle[e, v, KIND]])


@jit(inner=True)
def _follow(state: State, settings: Settings, e: Int, v: Int, u: Int, gap: Real, bound: Real) -> Real:
    """Return the highest next speed [m/s], at most `bound`, of `v` at `gap` [m] behind `u`, bumper to bumper."""
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    room, lead = gap - settings.min_gap[k], state.motion[e, u, SPEED]
    return at_most_behind(bound, room, lead, settings.hard[f], settings.hard[k], settings.headway[k], settings.dt)


@jit(inline=True)
def speed_here(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real) -> Real:
    """Return the highest next speed [m/s] of `v` as far as `d` and `u`, ahead of it there, are concerned."""
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    gentle = max(0.0, own - settings.hard[k] * dt)
    speed = max(min(own + settings.full_pull[k] * dt, wished_speed(state, settings, e, v, d)), gentle)
    if state.vehicle[e, v, MODE] == IS_TOLD:
        speed = min(speed, state.told[e, v])
    return speed if u == NONE else _follow(state, settings, e, v, u, gap, speed)


@jit(inline=True)
def behind_last(
    state: State, settings: Settings, e: Int, v: Int, x: Int, start: Real, before: Real, bound: Real
) -> Real:
    """Return the highest next speed [m/s], at most `bound`, of `v` behind the last vehicle on `x`, `start` [m] ahead.

    If that is not yet all on `x`, and came another way, `v` stops before the link, `before` [m] ahead.
    """
    s = state.desk[e]
    u: Int = np.int64(state.on[e, x, TAIL])
    gap = start + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
    k = state.vehicle[e, v, KIND]
    if gap < settings.min_gap[k] and gap < start and settings.drivable[x, END_LANE] == NONE:
        i = state.lines[s, v] - 1
        if i >= 0 and state.came[e, u] != state.line_ahead[s, v, i, LINE_LINK]:
            return stop_speed(before - NEAR, settings.hard[k], settings.dt, settings.dt)
    return _follow(state, settings, e, v, u, gap, bound)
