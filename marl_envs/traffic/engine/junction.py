"""Junctions: who is in the way at a cross, who goes first, and how fast one may drive up to it.

Rules: CityFlow (Apache-2.0), vehicle.cpp (getIntersectionRelatedSpeed), roadnet.cpp (Cross::canPass) and engine.cpp
(notifyCross). The reference tells every cross of its vehicles; here a vehicle asks for the one at the cross it is
about to pass, which gives the same answer.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.following import is_clear, least, steps_to_reach, stop_within
from marl_envs.traffic.engine.types import ENTER_SPEED, NONE, TURN_SPEED, YIELD_ROOM, Settings, State


@jit(inner=True)
def find_foes(state: State, settings: Settings, e: Int) -> None:
    """Mark the links where anyone could be in the way: on it, just past it, or first before it with a green light."""
    now = state.step[e]
    lanes = state.first_waiting.shape[1]
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        if d >= lanes:
            state.foe_step[e, d] = now
            continue
        first, last = state.head[e, d], state.tail[e, d]
        link = state.exit[e, first]
        if link != NONE and state.open[e, link]:
            state.foe_step[e, link] = now
        # Its rear may still be on the link; a metre more than its length, as the exact test comes later
        if state.came[e, last] >= lanes and state.dis[e, last] < settings.body[state.kind[e, last]] + 1.0:
            state.foe_step[e, state.came[e, last]] = now


@jit(inner=True)
def foe_at(state: State, settings: Settings, e: Int, link: Int, at: Real) -> Any:
    """Return the slot of the first vehicle not yet clear of the cross at `at` [m] on `link`, and its way to it [m].

    The way is negative once its front is past the cross. The slot is NONE if there is no such vehicle.
    """
    v = state.tail[e, settings.end_lane[link]]
    if v != NONE and state.came[e, v] == link:
        rest = settings.length[link] - at
        if rest + (state.dis[e, v] - settings.body[state.kind[e, v]]) < 0:
            return v, -(state.dis[e, v] + rest)
    v = state.head[e, link]
    while v != NONE:
        past = state.dis[e, v] - at
        if past <= 0 or past - settings.body[state.kind[e, v]] <= 0:
            return v, at - state.dis[e, v]
        v = state.behind[e, v]
    lane = settings.start_lane[link]
    v = state.head[e, lane]
    if v != NONE and state.exit[e, v] == link and state.open[e, link]:
        return v, (settings.length[lane] - state.dis[e, v]) + at
    return NONE, 0.0


@jit(inner=True)
def _in_deadlock(state: State, e: Int, v: Int) -> Bool:
    """Return whether those who wait for each other, from `v` on, form a cycle (Floyd's two pointers)."""
    slow = fast = v
    while fast != NONE and state.blocker[e, fast] != NONE:
        slow = state.blocker[e, slow]
        fast = state.blocker[e, state.blocker[e, fast]]
        if slow == fast:
            return True
    return False


@jit(inner=True)
def _goes_first(
    state: State, settings: Settings, e: Int, v: Int, link: Int, way: Real, foe: Int, foe_link: Int, foe_way: Real
) -> Bool:
    """Return whether `v` passes a cross before `foe`, where both could still stop."""
    rank, foe_rank = settings.rank[link], settings.rank[foe_link]
    if rank > foe_rank:
        return True
    if foe_way <= 0:  # past it, so it will not stop before it: never so for a vehicle that is still in the way
        return False
    k, f = state.kind[e, v], state.kind[e, foe]
    dt, parity = settings.dt, settings.parity
    mine = steps_to_reach(
        state.speed[e, v], settings.top_speed[k], settings.pull[k], settings.turns[link], way, dt, parity
    )
    theirs = steps_to_reach(
        state.speed[e, foe], settings.top_speed[f], settings.pull[f], settings.turns[foe_link], foe_way, dt, parity
    )
    if rank < foe_rank or mine != theirs:
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
    k = state.kind[e, v]
    speed, brake, body = state.speed[e, v], settings.hard[k], settings.body[k]
    now = state.step[e]
    for c in range(settings.cross_first[link], settings.cross_first[link + 1]):
        foe_link = settings.cross_foe[c]
        if state.foe_step[e, foe_link] != now or settings.cross_at[c] < start:
            continue
        way = settings.cross_at[c] - start
        if not is_clear(speed, brake, body, way):
            continue  # too late to stop
        foe, foe_way = foe_at(state, settings, e, foe_link, settings.cross_foe_at[c])
        if foe == NONE:
            continue
        f = state.kind[e, foe]
        if (
            is_clear(state.speed[e, foe], settings.hard[f], settings.body[f], foe_way)
            and _goes_first(state, settings, e, v, link, way, foe, foe_link, foe_way)
        ) or _in_deadlock(state, e, foe):
            continue
        return way, foe
    return 0.0, NONE


@jit(inline=True)
def takes_another(state: State, settings: Settings, e: Int, lane: Int, body: Real) -> Bool:
    """Return whether a lane has room for a vehicle of length `body` [m], or its last one is moving."""
    last = state.tail[e, lane]
    return (
        last == NONE
        or state.dis[e, last] > settings.body[state.kind[e, last]] + body
        or state.speed[e, last] >= ENTER_SPEED
    )


@jit(inner=True)
def junction_speed(state: State, settings: Settings, e: Int, v: Int, d: Int) -> Real:
    """Return the highest next speed [m/s] that the junction allows `v`, on a link or on a lane that leads to one.

    Writes into `plan_foe` whom it gives way to, if anyone.
    """
    k = state.kind[e, v]
    speed = state.speed[e, v]
    highest = settings.top_speed[k]
    link, start = d, state.dis[e, v]
    if settings.end_lane[d] == NONE:
        link = state.exit[e, v]
        rest = settings.length[d] - state.dis[e, v]
        closed = not state.open[e, link] or not takes_another(
            state, settings, e, settings.end_lane[link], settings.body[k]
        )
        # Who cannot stop any more drives on, through red
        if closed and not 0.5 * speed * speed / settings.hard[k] > rest:
            return least(highest, stop_within(speed, settings.pull[k], settings.usual[k], rest, settings.dt))
        if settings.turns[link]:
            highest = least(highest, TURN_SPEED)
        start = -rest
    way, foe = _blocking_cross(state, settings, e, v, link, start)
    if foe != NONE:
        state.plan_foe[e, v] = foe
        room = way - YIELD_ROOM
        highest = least(highest, stop_within(speed, settings.pull[k], settings.usual[k], room, settings.dt))
    return highest
