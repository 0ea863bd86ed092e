"""SUMO's rules: changes of lane between two junctions, in a simple form.

After: J. Erdmann, "SUMO's lane-changing model" (2015), of whose reasons two are taken: to reach a lane that leads on,
and to drive faster. Nobody keeps to the right, makes way for others, or looks further than the vehicles next to it.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from
from marl_envs.traffic.engine.lists import append, insert_before, remove
from marl_envs.traffic.engine.sumo_law import gap_speed
from marl_envs.traffic.engine.sumo_plan import wished_speed
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


@jit(inner=True)
def change_lanes(state: State, settings: Settings, e: Int) -> None:
    """Let everyone on a lane change to one beside it, if it wants to and can; once a step, in the order of `active`."""
    count = 0
    lanes = state.first_waiting.shape[1]
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        if d < lanes:
            v = state.on[e, d, HEAD]
            while v != NONE:
                state.plan[e, count] = v
                count += 1
                v = state.vehicle[e, v, BEHIND]
    for i in range(count):
        v = state.plan[e, i]
        d = state.vehicle[e, v, PLACE]
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
    front, back = _neighbours(state, e, other, state.motion[e, v, DIS])
    if not must:
        now = _possible(state, settings, e, v, d, state.vehicle[e, v, AHEAD])
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
    return speed if u == NONE else min(speed, _behind(state, settings, e, v, u))


@jit(inline=True)
def _behind(state: State, settings: Settings, e: Int, v: Int, u: Int) -> Real:
    """Return the highest next speed [m/s] of `v` behind `u`, on one lane."""
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    gap = state.motion[e, u, DIS] - settings.body[f] - state.motion[e, v, DIS] - settings.min_gap[k]
    return gap_speed(
        gap, state.motion[e, u, SPEED], settings.hard[f], settings.hard[k], settings.headway[k], settings.dt
    )


@jit(inner=True)
def _fits(state: State, settings: Settings, e: Int, v: Int, front: Int, back: Int) -> Bool:
    """Return whether `v` fits between two vehicles: neither it nor the one behind would have to brake too hard."""
    k, dt = state.vehicle[e, v, KIND], settings.dt
    if state.motion[e, v, DIS] < 2.0 * settings.body[k]:  # others may come onto the lane
        return False
    if front != NONE:
        room = state.motion[e, front, DIS] - settings.body[state.vehicle[e, front, KIND]] - state.motion[e, v, DIS]
        if room < settings.min_gap[k]:
            return False
        if _behind(state, settings, e, v, front) < state.motion[e, v, SPEED] - settings.hard[k] * dt:
            return False
    if back != NONE:
        f = state.vehicle[e, back, KIND]
        room = state.motion[e, v, DIS] - settings.body[k] - state.motion[e, back, DIS]
        if room < settings.min_gap[f]:
            return False
        return _behind(state, settings, e, back, v) >= state.motion[e, back, SPEED] - settings.hard[f] * dt
    return True
