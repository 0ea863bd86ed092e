"""One step of all vehicles: each plans from what was so before the step, then all move at once.

Rules: CityFlow (Apache-2.0), vehicle.cpp and engine.cpp (getAction, updateLocation, updateAction).
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from
from marl_envs.traffic.engine.conduct import corrected_speed
from marl_envs.traffic.engine.following import keep_headway, least, no_collision
from marl_envs.traffic.engine.junction import junction_speed
from marl_envs.traffic.engine.lists import append, insert_before, remove
from marl_envs.traffic.engine.sumo_drive import drive_all
from marl_envs.traffic.engine.trips import trip_due
from marl_envs.traffic.engine.types import (
    AHEAD,
    ASLEEP,
    AWAKE,
    BEHIND,
    BLOCKER,
    CAPPED,
    CLOSED_STEP,
    DEPARTED,
    DIS,
    DRIVEN,
    END_LANE,
    EXIT,
    FASTEST,
    FINISHED,
    FOE,
    HEAD,
    IS_TOLD,
    KIND,
    LEADER,
    LENGTH,
    LIMIT,
    MERGE_OVERLAPS,
    MODE,
    NEXT_DIS,
    NEXT_SPEED,
    NONE,
    ON_LANE,
    OPEN,
    PLACE,
    RED_RUNS,
    SPEED,
    TAIL,
    TRAVELLED,
    Settings,
    State,
)


@jit(inline=True)
def follow_speed(state: State, settings: Settings, e: Int, v: Int, u: Int, gap: Real) -> Real:
    """Return the highest next speed [m/s] of `v` at `gap` [m] behind `u`."""
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    own, lead, dt = state.motion[e, v, SPEED], state.motion[e, u, SPEED], settings.dt
    if state.vehicle[e, v, MODE] == IS_TOLD:
        return least(state.told[e, v], no_collision(lead, settings.hard[f], own, settings.hard[k], gap, 0.0, dt))
    speed = no_collision(lead, settings.usual[f], own, settings.usual[k], gap, settings.min_gap[k], dt)
    # With equal decelerations, keeping more room is the stricter of the two, to the last bit
    if not (settings.even[k] and settings.even[f]):
        speed = least(no_collision(lead, settings.hard[f], own, settings.hard[k], gap, 0.0, dt), speed)
    return least(speed, keep_headway(lead, own, gap, settings.headway[k], dt))


@jit(inline=True)
def _approach(state: State, settings: Settings, e: Int, v: Int, d: Int, seen: Bool, speed: Real) -> Real:
    """Return `speed` [m/s], or less where the junction ahead demands it.

    Who cannot go on anyway need not ask, unless others see `v` (`seen`), as its blocker may matter to them.
    """
    state.vehicle[e, v, FOE] = NONE
    if settings.drivable[d, END_LANE] == NONE:
        link = state.vehicle[e, v, EXIT]
        rest = settings.measure[d, LENGTH] - state.motion[e, v, DIS]
        k = state.vehicle[e, v, KIND]
        if link == NONE:
            if settings.leg[state.route_at[e, v]] == 0:  # the last road
                return speed
            stop = no_collision(
                0.0, 1.0, state.motion[e, v, SPEED], settings.hard[k], rest, settings.min_gap[k], settings.dt
            )
            return least(speed, stop)
        if rest > settings.sight[k] or (speed <= 0 and not seen):
            return speed
    return least(speed, junction_speed(state, settings, e, v, d))


@jit(inner=True)
def _ruled_speed(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real, alone: Bool) -> Real:
    """Return the next speed [m/s] that the reference's rules allow `v`; below 0 where it should stop at once.

    Args:
        state: the state.
        settings: the tables.
        e: the environment.
        v: a vehicle on `d`.
        d: a drivable.
        u: whom `v` follows, or NONE.
        gap: to it [m].
        alone: whether `v` is, or is about to be, the first on `d`.
    """
    k = state.vehicle[e, v, KIND]
    speed = state.motion[e, v, SPEED]
    told = state.vehicle[e, v, MODE] == IS_TOLD
    fastest = least(least(settings.top_speed[k], speed + settings.boost[k]), settings.measure[d, LIMIT])
    if u != NONE:
        fastest = least(fastest, follow_speed(state, settings, e, v, u, gap))
    elif told:
        fastest = least(fastest, state.told[e, v])
    seen = alone or state.motion[e, v, DIS] < settings.body[k] + 1.0  # by others: see find_foes
    # Who stands behind one that stands: nothing changes for it before its leader moves
    held = not seen and not told and fastest <= 0 and speed == 0 and state.motion[e, u, SPEED] == 0
    state.vehicle[e, v, MODE] = ASLEEP if held and settings.drivable[d, END_LANE] == NONE else AWAKE
    return least(_approach(state, settings, e, v, d, seen, fastest), FASTEST)


@jit(inline=True)
def _corrected(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real) -> Real:
    """Return `corrected_speed` [m/s], and let `v` sleep if it stands behind one that stands."""
    told = state.vehicle[e, v, MODE] == IS_TOLD or state.vehicle[e, v, MODE] == CAPPED
    fastest = corrected_speed(state, settings, e, v, d, u, gap)
    held = u != NONE and not told and fastest <= 0 and state.motion[e, v, SPEED] == 0 and state.motion[e, u, SPEED] == 0
    state.vehicle[e, v, MODE] = ASLEEP if held and settings.drivable[d, END_LANE] == NONE else AWAKE
    return fastest


@jit(inline=True)
def _plan_one(state: State, settings: Settings, e: Int, v: Int, d: Int, u: Int, gap: Real, alone: Bool) -> Bool:
    """Write where `v` will be and how fast; return whether it leaves `d`."""
    k = state.vehicle[e, v, KIND]
    dis, speed = state.motion[e, v, DIS], state.motion[e, v, SPEED]
    if state.vehicle[e, v, MODE] == DRIVEN:
        state.vehicle[e, v, FOE] = NONE
        fastest = max(0.0, min(state.told[e, v], settings.top_speed[k], speed + settings.boost[k]))
    elif settings.parity:
        fastest = _ruled_speed(state, settings, e, v, d, u, gap, alone)
    else:
        fastest = _corrected(state, settings, e, v, d, u, gap)
    slowest = speed - settings.hard[k] * settings.dt
    fastest = fastest if fastest > slowest else slowest
    if fastest < 0:
        to = 0.5 * speed * speed / settings.hard[k] + dis
        fastest = 0.0
    else:
        to = (speed + fastest) * settings.dt / 2 + dis
    state.motion[e, v, NEXT_DIS] = to
    state.motion[e, v, NEXT_SPEED] = fastest
    return to > settings.measure[d, LENGTH]


@jit(inner=True)
def plan_all(state: State, settings: Settings, e: Int) -> Int:
    """Plan the next step of all vehicles but those asleep; return how many plans there are."""
    if settings.sumo:
        return drive_all(state, settings, e)
    count: Int = np.int64(0)  # no literals, which would be compiled for themselves
    yes: Bool = np.bool_(True)
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        u, gap = state.on[e, d, LEADER], state.gap[e, d]
        if not settings.parity:  # beyond the end of a drivable they look for themselves
            u = NONE
        v = state.on[e, d, HEAD]
        alone = first = yes
        while v != NONE:
            if state.vehicle[e, v, MODE] == ASLEEP and not alone and state.motion[e, u, SPEED] == 0:
                alone = False
            else:
                if not first:
                    gap = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]
                alone = _plan_one(state, settings, e, v, d, u, gap, alone)
                state.plan[e, count] = v
                count += 1
            first = False
            u = v
            v = state.vehicle[e, v, BEHIND]
    return count


@jit(inner=True)
def _leave(state: State, settings: Settings, e: Int, v: Int, d: Int, movers: Int) -> Int:
    """Take `v`, which has passed the end of `d`, out of its list and find where it is; return the number of movers."""
    remove(state, settings, e, d, v)
    state.came[e, v] = d
    state.grant[e, v] = NONE
    to, at, link = state.motion[e, v, DIS], state.route_at[e, v], state.vehicle[e, v, EXIT]
    while to > settings.measure[d, LENGTH]:
        to -= settings.measure[d, LENGTH]
        if not settings.parity:  # others rely on where its rear is, even if it has passed a whole link
            state.came[e, v] = d
        if settings.drivable[d, END_LANE] != NONE:
            d = settings.drivable[d, END_LANE]
            at += 1
            link = exit_from(settings, d, at)
            continue
        d = link
        if d == NONE:
            _finish(state, settings, e, v)
            return movers
        if not state.on[e, d, OPEN] and state.step[e] - state.on[e, d, CLOSED_STEP] > settings.amber:
            state.tally[e, RED_RUNS] += 1
    state.motion[e, v, DIS] = to
    state.vehicle[e, v, PLACE] = d
    state.route_at[e, v] = at
    state.vehicle[e, v, EXIT] = exit_from(settings, d, at) if settings.drivable[d, END_LANE] == NONE else NONE
    state.mover[e, movers] = v
    return movers + 1


@jit(inline=True)
def _finish(state: State, settings: Settings, e: Int, v: Int) -> None:
    """End the trip of `v` and free its slot."""
    trip = state.trip[e, v]
    state.trip_finished[e, trip] = state.step[e]
    departed = trip_due(state, settings, e, trip)
    state.tally[e, FINISHED] += 1
    state.tally[e, DEPARTED] -= departed
    state.tally[e, TRAVELLED] += state.step[e] - departed
    state.vehicle[e, v, PLACE] = NONE
    state.free[e, state.num_free[e]] = v
    state.num_free[e] += 1


@jit(inner=True)
def _arrive(state: State, settings: Settings, e: Int, v: Int) -> None:
    """Put `v` at the back of its new drivable; of those who arrive in one step the one further on goes first."""
    d = state.vehicle[e, v, PLACE]
    behind, other = NONE, state.on[e, d, TAIL]
    while (
        other != NONE
        and state.entered[e, other] == state.step[e]
        and (
            state.motion[e, v, DIS] > state.motion[e, other, DIS]
            or (state.motion[e, v, DIS] == state.motion[e, other, DIS] and state.came[e, v] < state.came[e, other])
        )
    ):
        behind, other = other, state.vehicle[e, other, AHEAD]
    if behind == NONE:
        append(state, settings, e, d, v)
    else:
        insert_before(state, settings, e, d, v, behind)
    state.entered[e, v] = state.step[e]
    if settings.drivable[d, END_LANE] == NONE:
        _count_overlap(state, settings, e, v)


@jit(inline=True)
def _count_overlap(state: State, settings: Settings, e: Int, v: Int) -> None:
    """Count whether `v` has come into its neighbours: they did not see each other on their way to here."""
    front, back = state.vehicle[e, v, AHEAD], state.vehicle[e, v, BEHIND]
    into = front != NONE and (
        state.motion[e, front, DIS] - settings.body[state.vehicle[e, front, KIND]] < state.motion[e, v, DIS]
    )
    cut = back != NONE and (
        state.motion[e, v, DIS] - settings.body[state.vehicle[e, v, KIND]] < state.motion[e, back, DIS]
    )
    if into or cut:
        state.tally[e, MERGE_OVERLAPS] += 1


@jit(inner=True)
def move_all(state: State, settings: Settings, e: Int, count: Int) -> None:
    """Carry out `count` plans."""
    movers = blocked = np.int64(0)
    for i in range(count):
        v = state.plan[e, i]
        state.motion[e, v, DIS] = state.motion[e, v, NEXT_DIS]
        state.motion[e, v, SPEED] = state.motion[e, v, NEXT_SPEED]
        state.vehicle[e, v, BLOCKER] = state.vehicle[e, v, FOE]
        if state.vehicle[e, v, FOE] != NONE:
            state.plan[e, blocked] = v
            blocked += 1
        d = state.vehicle[e, v, PLACE]
        if state.motion[e, v, DIS] > settings.measure[d, LENGTH]:
            movers = _leave(state, settings, e, v, d, movers)
    for i in range(blocked):
        v = state.plan[e, i]
        if state.vehicle[e, state.vehicle[e, v, BLOCKER], PLACE] == NONE:
            state.vehicle[e, v, BLOCKER] = NONE
    for i in range(movers):
        _arrive(state, settings, e, state.mover[e, i])
    for i in range(movers):
        v = state.mover[e, i]
        if settings.drivable[state.vehicle[e, v, PLACE], END_LANE] == NONE:
            state.entered[e, v] = ON_LANE
