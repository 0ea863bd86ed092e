"""SUMO's rules: changes of lane between two junctions, in a simple form.

After: J. Erdmann, "SUMO's lane-changing model" (2015), of whose reasons two are taken: to reach a lane that leads on,
and to drive faster. Nobody keeps to the right, makes way for others, or looks further than the vehicles next to it.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from
from marl_envs.traffic.engine.lists import append, insert_before, remove
from marl_envs.traffic.engine.sumo_follow import wished_speed
from marl_envs.traffic.engine.sumo_law import at_most_behind
from marl_envs.traffic.engine.types import (
    AHEAD,
    BEHIND,
    DIS,
    EXIT,
    HEAD,
    KIND,
    LANE_INDEX,
    NONE,
    PLACE,
    SPEED,
    TAIL,
    Settings,
    State,
)

GAIN = 0.2  # share of the speed to be had there that must be won
ENOUGH = 1.0 - GAIN + 1e-9  # of the speed wished for there; with more, nobody looks further


@jit(inner=True)
def change_lanes(state: State, settings: Settings, e: Int) -> None:
    """Let everyone on a lane change to one beside it, if it wants to and can; once a step, in the order of `active`."""
    count = 0
    lanes = state.first_waiting.shape[1]
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        if d < lanes and (_beside(settings, d, d + 1, lanes) or _beside(settings, d, d - 1, lanes)):
            v = state.on[e, d, HEAD]
            while v != NONE:
                state.mover[e, count] = v
                count += 1
                v = state.vehicle[e, v, BEHIND]
    for i in range(count):
        v = state.mover[e, i]
        d = state.vehicle[e, v, PLACE]
        if state.motion[e, v, DIS] < 2.0 * settings.body[state.vehicle[e, v, KIND]]:  # others may come onto the lane
            continue
        for side in (1, -1):
            if _beside(settings, d, d + side, lanes) and _changes(state, settings, e, v, d, d + side):
                break


@jit(inline=True)
def _beside(settings: Settings, d: Int, other: Int, lanes: Int) -> Bool:
    """Return whether two lanes with neighbouring numbers belong to one road."""
    if other < 0 or other >= lanes:
        return False
    return settings.drivable[other, LANE_INDEX] - settings.drivable[d, LANE_INDEX] == other - d


@jit(inner=True)
def _changes(state: State, settings: Settings, e: Int, v: Int, d: Int, other: Int) -> Bool:
    """Let `v` change from lane `d` to the one beside it, if it wants to and can; return whether it has."""
    at = state.route_at[e, v]
    must = 0
    if settings.leg[at] != 0:
        row = settings.leg[at] + settings.drivable[other, LANE_INDEX]
        here = settings.leg[at] + settings.drivable[d, LANE_INDEX]
        if settings.choice[row] == NONE or settings.changes[row] > settings.changes[here]:
            return False
        must = settings.changes[row] < settings.changes[here]
    now = 0.0
    if not must:
        now = _possible(state, settings, e, v, d, state.vehicle[e, v, AHEAD])
        if now > ENOUGH * wished_speed(state, settings, e, v, other):
            return False
    front, back = _neighbours(state, e, other, state.motion[e, v, DIS])
    if not must:
        there = _possible(state, settings, e, v, other, front)
        if there - now <= GAIN * there:
            return False
    if not _fits(state, settings, e, v, front, back):
        return False
    remove(state, settings, e, d, v)
    if back == NONE:
        append(state, settings, e, other, v)
    else:
        insert_before(state, settings, e, other, v, back)
    state.vehicle[e, v, PLACE] = other
    state.vehicle[e, v, EXIT] = exit_from(settings, other, at)
    return True


@jit(inner=True)
def _neighbours(state: State, e: Int, lane: Int, dis: Real) -> Any:
    """Return whom one would follow at `dis` [m] on `lane`, and who would follow."""
    back, front = NONE, state.on[e, lane, TAIL]
    while front != NONE and state.motion[e, front, DIS] < dis:
        back, front = front, state.vehicle[e, front, AHEAD]
    return front, back


@jit(inner=True)
def _possible(state: State, settings: Settings, e: Int, v: Int, lane: Int, u: Int) -> Real:
    """Return how fast `v` could drive on `lane` behind `u` [m/s]."""
    speed = wished_speed(state, settings, e, v, lane)
    return speed if u == NONE else _behind(state, settings, e, v, u, speed)


@jit(inner=True)
def _behind(state: State, settings: Settings, e: Int, v: Int, u: Int, bound: Real) -> Real:
    """Return the highest next speed [m/s], at most `bound`, of `v` behind `u`, on one lane."""
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    gap = state.motion[e, u, DIS] - settings.body[f] - state.motion[e, v, DIS] - settings.min_gap[k]
    lead = state.motion[e, u, SPEED]
    return at_most_behind(bound, gap, lead, settings.hard[f], settings.hard[k], settings.headway[k], settings.dt)


@jit(inline=True)
def _brakes_too_hard(state: State, settings: Settings, e: Int, v: Int, u: Int) -> Bool:
    """Return whether `v`, with `u` ahead of it, would be too near or have to brake harder than it can."""
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    if state.motion[e, u, DIS] - settings.body[f] - state.motion[e, v, DIS] < settings.min_gap[k]:
        return True
    least = state.motion[e, v, SPEED] - settings.hard[k] * settings.dt
    return _behind(state, settings, e, v, u, least) < least


@jit(inner=True)
def _fits(state: State, settings: Settings, e: Int, v: Int, front: Int, back: Int) -> Bool:
    """Return whether `v` fits between two vehicles: neither it nor the one behind would have to brake too hard."""
    if front != NONE and _brakes_too_hard(state, settings, e, v, front):
        return False
    return back == NONE or not _brakes_too_hard(state, settings, e, back, v)
