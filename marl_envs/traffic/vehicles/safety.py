"""Surrogate measures of safety at every step: TTC and DRAC, by SUMO's device for them (SSM_Device).

Of followers, and of encounters on crossing or merging paths. At decisions all of them are measured, at the steps
between only those of vehicles that might pass a limit: so whatever passes one is found in its step, and how far.
PET is noted where vehicles pass zones (watch.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.vehicles.types import (
    DRAC,
    DRAC_LIMIT,
    NEAR_DRAC,
    NEAR_MISS,
    NEAR_TTC,
    NONE,
    SPEED,
    TTC,
    TTC_LIMIT,
    EngineState,
    Fleet,
    Rules,
)

NEVER = 1e9  # [s]


@jit(inline=True)
def horizon(rules: Rules) -> Real:
    """Return in what time a vehicle must be at a place, at the speed it has, for TTC or DRAC to pass a limit there [s].

    To come to rest within a distance d takes v^2 / 2 d; giving way to somebody who leaves d later takes no more.
    """
    return max(TTC_LIMIT, rules.fastest / (2.0 * DRAC_LIMIT))


@jit(inline=True)
def measure_follower(state: EngineState, fleet: Fleet, e: Int, v: Int, u: Int, gap: Real) -> None:
    """Note TTC and DRAC of `v`, which follows `u`."""
    closing = state.motion[e, v, SPEED] - state.motion[e, u, SPEED]
    if closing > 0.0 and gap > 0.0 and fleet.clear_at[e, v] == NONE:
        _note(state, fleet, e, v, gap / closing, closing * closing / (2.0 * gap))


@jit(inline=True)
def measure_encounter(
    state: EngineState, fleet: Fleet, e: Int, v: Int, speed: Real, entry: Real, leave: Real, their_speed: Real,
    their_entry: Real, their_leave: Real,
) -> None:  # fmt: skip
    """Note TTC and DRAC of `v`, whose way crosses or joins another's, unless it has crashed; see `_encounter`."""
    if fleet.clear_at[e, v] == NONE:
        ttc, drac = _encounter(speed, entry, leave, their_speed, their_entry, their_leave)
        _note(state, fleet, e, v, ttc, drac)


@jit(inline=True)
def _note(state: EngineState, fleet: Fleet, e: Int, v: Int, ttc: Real, drac: Real) -> None:
    """Keep a trip's worst measures; passing a limit for the first time is a near miss."""
    trip, a = state.trip[e, v], fleet.agent[e, v]
    if ttc < fleet.trip_worst[e, trip, TTC]:
        if ttc < TTC_LIMIT <= fleet.trip_worst[e, trip, TTC]:
            fleet.counts[e, NEAR_TTC] += 1
            if a != NONE:
                fleet.term[e, a, NEAR_MISS] -= 1.0
        fleet.trip_worst[e, trip, TTC] = np.float32(ttc)
    if drac > fleet.trip_worst[e, trip, DRAC]:
        if drac > DRAC_LIMIT >= fleet.trip_worst[e, trip, DRAC]:
            fleet.counts[e, NEAR_DRAC] += 1
            if a != NONE:
                fleet.term[e, a, NEAR_MISS] -= 1.0
        fleet.trip_worst[e, trip, DRAC] = np.float32(drac)


@jit(inline=True)
def _encounter(speed: Real, entry: Real, leave: Real, their_speed: Real, their_entry: Real, their_leave: Real) -> Any:
    """Return TTC [s] and DRAC [m/s2] of a vehicle whose way crosses or joins another's, both at constant speed.

    TTC: the other is first in the zone, and still there when this one comes. DRAC: the constant braking that lets this
    one come when the other has left, or stop before it if that stands there.

    Args:
        speed: of this vehicle [m/s].
        entry: its distance to the zone [m].
        leave: to the place where it has left it [m].
        their_speed: of the other [m/s].
        their_entry: likewise [m].
        their_leave: likewise [m].
    """
    if entry <= 0.0 or speed <= 0.0 or their_leave <= 0.0:
        return NEVER, 0.0
    arrives = entry / speed
    if their_speed <= 0.0:
        return (arrives, speed * speed / (2.0 * entry)) if their_entry <= 0.0 else (NEVER, 0.0)
    comes, goes = max(0.0, their_entry) / their_speed, their_leave / their_speed
    if comes > arrives or goes <= arrives:
        return NEVER, 0.0
    return arrives, max(0.0, 2.0 * (speed - entry / goes) / goes)
