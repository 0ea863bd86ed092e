"""The corrected rules: what drivers judge by. Whether they can stop, how near is near, who is going to come."""

from __future__ import annotations

import math

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.idm import wanted_gap
from marl_envs.traffic.engine.types import (
    BEGIN,
    DIS,
    DRIVEN,
    EXIT,
    FOE_BEGIN,
    KIND,
    LENGTH,
    LIMIT,
    MODE,
    NONE,
    SPEED,
    TURN_SPEED,
    TURNS,
    Settings,
    State,
)

SHY = 0.1  # how far before a line vehicles stop, so that rounding takes nobody over it [m]


@jit(inline=True)
def can_stop(state: State, settings: Settings, e: Int, v: Int, room: Real) -> Bool:
    """Return whether `v` can still stop within `room` [m]."""
    speed = state.motion[e, v, SPEED]
    return 0.5 * speed * speed / settings.hard[state.vehicle[e, v, KIND]] <= room


@jit(inline=True)
def notice(state: State, settings: Settings, e: Int, v: Int) -> Real:
    """Return how near a line is when `v` has to think about it [m]: from there on it would brake for it."""
    k, own = state.vehicle[e, v, KIND], state.motion[e, v, SPEED]
    faster = own + settings.boost[k]
    room = (own + faster) * settings.dt / 2 + faster * faster / min(settings.usual[k], settings.hard[k]) / 2 + SHY
    if settings.idm:
        room = max(room, wanted_gap(own, own, settings.min_gap[k], settings.headway[k], settings.calm[k]))
    return room


@jit(inline=True)
def held_link(state: State, settings: Settings, e: Int, v: Int, lane: Int) -> Int:
    """Return the link that `v`, on a lane, is going to enter for sure, or NONE."""
    if state.vehicle[e, v, MODE] != DRIVEN:
        return state.grant[e, v]
    rest = settings.measure[lane, LENGTH] - state.motion[e, v, DIS]
    return NONE if can_stop(state, settings, e, v, rest) else state.vehicle[e, v, EXIT]


@jit(inline=True)
def limit_of(settings: Settings, link: Int) -> Real:
    """Return the highest speed on a link [m/s]."""
    limit = settings.measure[link, LIMIT]
    return min(limit, TURN_SPEED) if settings.drivable[link, TURNS] else limit


@jit(inline=True)
def safe_behind(state: State, settings: Settings, e: Int, v: Int, u: Int, gap: Real) -> Bool:
    """Return whether `v` can stay behind `u` at `gap` [m], however that one brakes."""
    if gap < 0:
        return False
    own, lead = state.motion[e, v, SPEED], state.motion[e, u, SPEED]
    brake = settings.hard[state.vehicle[e, v, KIND]]
    lead_brake = max(brake, settings.hard[state.vehicle[e, u, KIND]])
    return 0.5 * own * own / brake <= gap + 0.5 * lead * lead / lead_brake


@jit(inline=True)
def time_for(settings: Settings, k: Int, own: Real, top: Real, room: Real) -> Real:
    """Return how long a vehicle of kind `k` takes for `room` [m] if it accelerates to `top` [m/s] as usual."""
    if room <= 0:
        return 0.0
    if own >= top:
        return room / own
    pull = settings.pull[k]
    gaining = 0.5 * (top * top - own * own) / pull
    if gaining >= room:
        return (math.sqrt(own * own + 2.0 * pull * room) - own) / pull
    return (top - own) / pull + (room - gaining) / top


@jit(inline=True)
def lag_of(settings: Settings, link: Int, z: Int) -> Real:
    """Return how much further before the lane `link` comes near the other link of MERGE `z` than that does [m]."""
    foe = settings.zone_foe[z]
    own = settings.measure[link, LENGTH] - settings.zone_place[z, BEGIN]
    return max(0.0, own - (settings.measure[foe, LENGTH] - settings.zone_place[z, FOE_BEGIN]))
