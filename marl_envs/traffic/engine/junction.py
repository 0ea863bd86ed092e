"""Junctions by the reference's rules: who is in the way at a cross, who goes first, how fast one may drive up to it.

Rules: CityFlow (Apache-2.0), vehicle.cpp (getIntersectionRelatedSpeed), roadnet.cpp (Cross::canPass) and engine.cpp
(notifyCross). The reference tells every cross of its vehicles; here a vehicle asks for the one at the cross it is
about to pass, which gives the same answer.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.following import is_clear, least, steps_to_reach, stop_within
from marl_envs.traffic.engine.types import (
    BEHIND,
    BLOCKER,
    CROSS_FIRST,
    DIS,
    END_LANE,
    ENTER_SPEED,
    EXIT,
    FOE,
    FOE_STEP,
    HEAD,
    JUNCTION,
    KIND,
    LENGTH,
    NONE,
    OPEN,
    SPEED,
    START_LANE,
    TAIL,
    TURN_SPEED,
    TURNS,
    YIELD_ROOM,
    Settings,
    State,
)


@jit(inner=True)
def find_foes(state: State, settings: Settings, e: Int) -> None:
    """Mark the links where anyone could be in the way: on it, just past it, or first before it with a green light."""
    for j in range(state.busy.shape[1]):
        state.busy[e, j] = 0
    lanes = state.first_waiting.shape[1]
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        if d >= lanes:
            _mark(state, settings, e, d)
            continue
        first, last = state.on[e, d, HEAD], state.on[e, d, TAIL]
        link = state.vehicle[e, first, EXIT]
        if link != NONE and state.on[e, link, OPEN]:
            _mark(state, settings, e, link)
        # Its rear may still be on the link; a metre more than its length, as the exact test comes later
        near = state.motion[e, last, DIS] < settings.body[state.vehicle[e, last, KIND]] + 1.0
        if near and state.came[e, last] >= lanes:
            _mark(state, settings, e, state.came[e, last])


@jit(inline=True)
def _mark(state: State, settings: Settings, e: Int, link: Int) -> None:
    state.on[e, link, FOE_STEP] = state.step[e]
    state.busy[e, settings.drivable[link, JUNCTION]] |= settings.link_bit[link]


@jit(inner=True)
def foe_at(state: State, settings: Settings, e: Int, link: Int, at: Real) -> Any:
    """Return the slot of the first vehicle not yet clear of the cross at `at` [m] on `link`, and its way to it [m].

    The way is negative once its front is past the cross. The slot is NONE if there is no such vehicle.
    """
    v = state.on[e, settings.drivable[link, END_LANE], TAIL]
    if v != NONE and state.came[e, v] == link:
        rest = settings.measure[link, LENGTH] - at
        if rest + (state.motion[e, v, DIS] - settings.body[state.vehicle[e, v, KIND]]) < 0:
            return v, -(state.motion[e, v, DIS] + rest)
    v = state.on[e, link, HEAD]
    while v != NONE:
        past = state.motion[e, v, DIS] - at
        if past <= 0 or past - settings.body[state.vehicle[e, v, KIND]] <= 0:
            return v, at - state.motion[e, v, DIS]
        v = state.vehicle[e, v, BEHIND]
    lane = settings.drivable[link, START_LANE]
    v = state.on[e, lane, HEAD]
    if v != NONE and state.vehicle[e, v, EXIT] == link and state.on[e, link, OPEN]:
        return v, (settings.measure[lane, LENGTH] - state.motion[e, v, DIS]) + at
    return NONE, 0.0


@jit(inner=True)
def in_deadlock(state: State, e: Int, v: Int) -> Bool:
    """Return whether those who wait for each other, from `v` on, form a cycle (Floyd's two pointers)."""
    slow = fast = v
    while fast != NONE and state.vehicle[e, fast, BLOCKER] != NONE:
        slow = state.vehicle[e, slow, BLOCKER]
        fast = state.vehicle[e, state.vehicle[e, fast, BLOCKER], BLOCKER]
        if slow == fast:
            return True
    return False


@jit(inner=True)
def _goes_first(
    state: State, settings: Settings, e: Int, v: Int, c: Int, link: Int, way: Real, foe: Int, foe_way: Real
) -> Bool:
    """Return whether `v` passes cross `c` before `foe`, where both could still stop."""
    claim, foe_link = settings.cross_claim[c], settings.cross_foe[c]
    if claim > 0:
        return True
    if foe_way <= 0:  # past it, so it will not stop before it: never so for a vehicle that is still in the way
        return False
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, foe, KIND]
    dt = settings.dt
    mine = steps_to_reach(
        state.motion[e, v, SPEED],
        settings.top_speed[k],
        settings.pull[k],
        settings.drivable[link, TURNS],
        way,
        dt,
    )
    theirs = steps_to_reach(
        state.motion[e, foe, SPEED],
        settings.top_speed[f],
        settings.pull[f],
        settings.drivable[foe_link, TURNS],
        foe_way,
        dt,
    )
    if claim < 0 or mine != theirs:
        return theirs > mine
    if state.entered[e, v] != state.entered[e, foe]:
        return state.entered[e, v] < state.entered[e, foe]
    if way != foe_way:
        return way < foe_way
    return state.priority[e, v] > state.priority[e, foe]


@jit(inner=True)
def _blocking_cross(state: State, settings: Settings, e: Int, v: Int, link: Int, start: Real) -> Any:
    """Return the distance [m] to the first cross on `link` where `v` must give way, and to whom; NONE: nowhere.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle on `link` or before it.
        link: the lane link.
        start: where it is on the link [m]; negative before it.
    """
    k = state.vehicle[e, v, KIND]
    speed, brake, body = state.motion[e, v, SPEED], settings.hard[k], settings.body[k]
    now = state.step[e]
    if state.busy[e, settings.drivable[link, JUNCTION]] & settings.foe_bits[link] == 0:
        return 0.0, NONE
    for c in range(settings.drivable[link, CROSS_FIRST], settings.drivable[link + 1, CROSS_FIRST]):
        foe_link = settings.cross_foe[c]
        if state.on[e, foe_link, FOE_STEP] != now or settings.cross_at[c] < start:
            continue
        way = settings.cross_at[c] - start
        if not is_clear(speed, brake, body, way):
            continue  # too late to stop
        foe, foe_way = foe_at(state, settings, e, foe_link, settings.cross_foe_at[c])
        if foe == NONE:
            continue
        f = state.vehicle[e, foe, KIND]
        if (
            is_clear(state.motion[e, foe, SPEED], settings.hard[f], settings.body[f], foe_way)
            and _goes_first(state, settings, e, v, c, link, way, foe, foe_way)
        ) or in_deadlock(state, e, foe):
            continue
        return way, foe
    return 0.0, NONE


@jit(inline=True)
def takes_another(state: State, settings: Settings, e: Int, lane: Int, body: Real) -> Bool:
    """Return whether a lane has room for a vehicle of length `body` [m], or its last one is moving."""
    last = state.on[e, lane, TAIL]
    return (
        last == NONE
        or state.motion[e, last, DIS] > settings.body[state.vehicle[e, last, KIND]] + body
        or state.motion[e, last, SPEED] >= ENTER_SPEED
    )


@jit(inline=True)
def _stop(state: State, settings: Settings, e: Int, v: Int, room: Real) -> Real:
    """Return the next speed [m/s] of `v` on the way to a stop after `room` [m]."""
    k = state.vehicle[e, v, KIND]
    # NaN for who stands exactly at the line: `least` makes the highest speed of it, so that it jumps over the line
    return stop_within(state.motion[e, v, SPEED], settings.pull[k], settings.usual[k], room, settings.dt)


@jit(inner=True)
def junction_speed(state: State, settings: Settings, e: Int, v: Int, d: Int) -> Real:
    """Return the highest next speed [m/s] that the junction allows `v`, on a link or on a lane that leads to one.

    Writes into `plan_foe` whom it gives way to, if anyone.
    """
    k = state.vehicle[e, v, KIND]
    speed = state.motion[e, v, SPEED]
    highest = settings.top_speed[k]
    link, start = d, state.motion[e, v, DIS]
    if settings.drivable[d, END_LANE] == NONE:
        link = state.vehicle[e, v, EXIT]
        rest = settings.measure[d, LENGTH] - state.motion[e, v, DIS]
        closed = not state.on[e, link, OPEN] or not takes_another(
            state, settings, e, settings.drivable[link, END_LANE], settings.body[k]
        )
        # Who cannot stop any more drives on, through red
        if closed and not 0.5 * speed * speed / settings.hard[k] > rest:
            return least(highest, _stop(state, settings, e, v, rest))
        start = -rest
    # The reference forgets about the turn as soon as the vehicle is on the link
    if settings.drivable[link, TURNS] and link != d:
        highest = least(highest, TURN_SPEED)
    way, foe = _blocking_cross(state, settings, e, v, link, start)
    if foe != NONE:
        state.vehicle[e, v, FOE] = foe
        highest = least(highest, _stop(state, settings, e, v, way - YIELD_ROOM))
    return highest
