"""Car following: how fast a vehicle may drive behind another, and how it stops. Pure functions of numbers.

Formulas and the order of their operations: CityFlow (Apache-2.0), vehicle.cpp.
"""

from __future__ import annotations

import math

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.types import NO_ROOM, TURN_SPEED, YIELD_ROOM


@jit(inline=True)
def least(a: Real, b: Real) -> Real:
    """Return the smaller; `b` where either is NaN, as the reference does."""
    return a if a < b else b


@jit(inline=True)
def no_collision(lead: Real, lead_brake: Real, own: Real, own_brake: Real, gap: Real, room: Real, dt: Real) -> Real:
    """Return the highest next speed [m/s] from which one still stops `room` [m] behind a leader that brakes.

    Args:
        lead: the leader's speed [m/s].
        lead_brake: its deceleration [m/s2].
        own: the follower's speed [m/s].
        own_brake: its deceleration [m/s2].
        gap: bumper to bumper [m].
        room: to be kept at the end [m].
        dt: the time step [s].
    """
    c = own * dt / 2 + room - 0.5 * lead * lead / lead_brake - gap
    a = 0.5 / own_brake
    b = 0.5 * dt
    d = b * b - 4 * a * c
    if d < 0:
        return NO_ROOM
    braking = 0.5 / a * (math.sqrt(d) - b)
    return least(braking, 2 * lead - lead_brake * dt + 2 * (gap - room) / dt)


@jit(inline=True)
def safe_speed(lead: Real, lead_brake: Real, own: Real, own_brake: Real, gap: Real, dt: Real) -> Real:
    """Return the highest next speed [m/s] from which one never touches a leader, however it brakes (not CityFlow's).

    Both gaps are kept at 0 or more: at the end of the step and where both have stopped. A leader that brakes less hard
    than the follower is taken to brake as hard, or the gap could close on the way. Braking by `own_brake` always
    satisfies this if it did before the step; so negative speeds mean: brake.
    """
    brake = max(lead_brake, own_brake)
    stop = 0.5 * lead * lead / brake
    moved = lead * dt - 0.5 * brake * dt * dt if lead > brake * dt else stop
    half = 0.5 * own_brake * dt
    d = half * half + 2.0 * own_brake * (gap + stop - 0.5 * own * dt)
    if d < 0:
        return NO_ROOM
    return min(math.sqrt(d) - half, 2.0 * (gap + moved) / dt - own)


@jit(inline=True)
def slow_down(own: Real, target: Real, brake: Real, room: Real, dt: Real) -> Real:
    """Return the highest next speed [m/s] from which one is down to `target` [m/s] after `room` [m], braking evenly."""
    half = 0.5 * brake * dt
    d = half * half + target * target + 2.0 * brake * (room - 0.5 * own * dt)
    return max(target, math.sqrt(d) - half) if d > 0 else target


@jit(inline=True)
def keep_headway(lead: Real, own: Real, gap: Real, headway: Real, dt: Real) -> Real:
    """Return the next speed [m/s] that keeps the time headway; `headway` includes half a step."""
    closing = own - lead if own > lead else 0.0
    return (gap + (lead + closing / 2) * dt - own * dt / 2) / headway


@jit(inline=True)
def stop_within(own: Real, pull: Real, brake: Real, room: Real, dt: Real) -> Real:
    """Return the next speed [m/s] on the way to a stop after `room` [m], by usual acceleration and deceleration.

    NaN if it stands there already: see `least`.
    """
    faster = own + pull * dt
    if (own + faster) * dt / 2 + (faster * faster / brake / 2) < room:
        return faster
    steps = 2 * room / (own + 1e-8) / dt
    if steps >= 1:
        return own - own / int(steps)
    if steps == 0:
        return np.nan if own == 0 else -np.inf
    return own - own / steps


@jit(inline=True)
def is_clear(own: Real, brake: Real, body: Real, room: Real) -> Bool:
    """Return whether a vehicle can still stop before a cross `room` [m] ahead, or has left it behind."""
    return (room > 0 and 0.5 * own * own / brake < room - YIELD_ROOM) or (room < 0 and room + body < 0)


@jit(inline=True)
def _pulling_up(own: Real, top: Real, pull: Real, dt: Real) -> Real:
    """Return the distance [m] until a vehicle is as fast as `top`."""
    if top <= own:
        return 0.0
    steps = math.floor((top - own) / pull / dt)
    near = own + steps * pull / dt  # a slip of the reference: it should be multiplied by the step
    far = (own + near) * (steps * dt) / 2
    return far + ((near + top) * dt / 2 if near < top else 0.0)


@jit(inner=True)
def steps_to_reach(own: Real, top_speed: Real, pull: Real, turns: Int, room: Real, dt: Real) -> Int:
    """Return after how many steps a vehicle is `room` [m] further, if it accelerates as usual.

    The reference ignores the step twice here, which makes no difference at 1 s.
    """
    top = TURN_SPEED if turns else top_speed
    if room <= 0:
        return 0
    if own > top:
        return math.ceil(room / own)  # a slip of the reference: these are seconds
    far = _pulling_up(own, top, pull, dt)
    if far > room:
        return math.ceil((math.sqrt(own * own + 2 * pull * room) - own) / pull / dt)
    return math.ceil((top - own) / pull / dt) + math.ceil((room - far) / top / dt)
