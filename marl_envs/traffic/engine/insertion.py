"""How vehicles come: created by the demand, waiting for room on their first lane, then driving.

Rules: CityFlow (Apache-2.0), flow.cpp, router.cpp (getFirstDrivable) and engine.cpp (planRoute, handleWaiting).
"""

from __future__ import annotations

import math

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.random import next_bits
from marl_envs.traffic.engine.ahead import exit_from, find_leader
from marl_envs.traffic.engine.entry import draw_lane, first_place, pace_of
from marl_envs.traffic.engine.estimates import SHY, held_link
from marl_envs.traffic.engine.lists import append
from marl_envs.traffic.engine.mersenne import draw_word
from marl_envs.traffic.engine.sumo_law import draw_factor
from marl_envs.traffic.engine.trips import (
    trip_count,
    trip_due,
    trip_kind,
    trip_ordered,
    trip_pace,
    trip_route,
    trip_speed,
)
from marl_envs.traffic.engine.types import (
    AWAKE,
    BEHIND,
    BLOCKER,
    COUNT,
    CREATED,
    DEPARTED,
    DIS,
    EXIT,
    FOE,
    GIVEN,
    HEAD,
    KIND,
    LEADER,
    LENGTH,
    LIMIT,
    MODE,
    NO_SLOT,
    NONE,
    ON_LANE,
    PLACE,
    SPEED,
    START_LANE,
    TAIL,
    Settings,
    State,
)


@jit(inner=True)
def _is_taken(state: State, e: Int, priority: Int, trips: Int) -> Bool:
    """Return whether one of the first `trips` vehicles has this priority and has not finished."""
    equal = 0
    for t in range(trips):  # so plain that it runs on whole vectors
        equal += state.trip_priority[e, t] == priority
    if equal:
        for t in range(trips):
            if state.trip_priority[e, t] == priority and state.trip_finished[e, t] == NONE:
                return True
    return False


@jit(inner=True)
def draw_priority(state: State, settings: Settings, e: Int, trip: Int) -> Int:
    """Return the priority of a new trip; all before it are created."""
    if not settings.mersenne:
        return np.int32(np.int64(next_bits(state.rng, e) >> np.uint64(33)))
    while True:
        word = draw_word(state.mersenne, e)
        priority = word - (1 << 32) if word >= 1 << 31 else word
        if not _is_taken(state, e, priority, trip):
            break
    draw_word(state.mersenne, e)  # the reference draws a thread, too
    return priority


@jit(inner=True)
def create_vehicles(state: State, settings: Settings, e: Int) -> None:
    """Create the vehicles that are due, and let them queue for their first lane."""
    end = trip_count(state, settings, e)
    first = last = state.next_trip[e]
    now = state.step[e]
    while last < end and trip_due(state, settings, e, last) <= now:
        state.trip_priority[e, last] = draw_priority(state, settings, e, last)
        state.trip_inserted[e, last] = NONE
        state.trip_finished[e, last] = NONE
        last += 1
    state.next_trip[e] = last
    for i in range(first, last):
        trip = trip_ordered(state, settings, e, i)
        route = trip_route(state, settings, e, trip)
        if route == NONE:  # it vanishes before it counts
            state.trip_finished[e, trip] = now
            continue
        state.tally[e, CREATED] += 1
        state.tally[e, DEPARTED] += trip_due(state, settings, e, trip)
        _queue(state, e, draw_lane(state, settings, e, route), trip)


@jit(inline=True)
def _queue(state: State, e: Int, lane: Int, trip: Int) -> None:
    """Put a trip at the end of the queue outside `lane`."""
    state.next_waiting[e, trip] = NONE
    state.num_waiting[e, lane] += 1
    if state.first_waiting[e, lane] == NONE:
        state.first_waiting[e, lane] = trip
    else:
        state.next_waiting[e, state.last_waiting[e, lane]] = trip
    state.last_waiting[e, lane] = trip


@jit(inner=True)
def _begin_to_drive(state: State, settings: Settings, e: Int, lane: Int, trip: Int) -> None:
    """Give a trip a slot and put it at the start of `lane`."""
    state.num_free[e] -= 1
    v = state.free[e, state.num_free[e]]
    state.trip_inserted[e, trip] = state.step[e]
    state.trip[e, v] = trip
    state.vehicle[e, v, KIND] = trip_kind(state, settings, e, trip)
    state.priority[e, v] = state.trip_priority[e, trip]
    state.route_at[e, v] = settings.route_first[trip_route(state, settings, e, trip)]
    if settings.sumo:
        state.dawdling[e, v] = next_bits(state.rng, e)
        state.factor[e, v] = draw_factor(state.rng, e, settings.spread[state.vehicle[e, v, KIND]])
        state.stood[e, v] = state.held[e, v] = 0
    state.motion[e, v, DIS] = first_place(settings, lane, state.vehicle[e, v, KIND])
    state.motion[e, v, SPEED] = trip_speed(state, settings, e, trip)
    if trip_pace(state, settings, e, trip) != GIVEN:
        state.motion[e, v, SPEED] = pace_of(state, settings, e, lane, trip)
    state.vehicle[e, v, PLACE] = lane
    state.came[e, v] = NONE
    state.vehicle[e, v, EXIT] = exit_from(settings, lane, state.route_at[e, v])
    state.vehicle[e, v, BLOCKER] = state.vehicle[e, v, FOE] = NONE
    state.grant[e, v] = NONE
    state.entered[e, v] = ON_LANE
    state.vehicle[e, v, MODE] = AWAKE
    if not settings.parity:
        _begin_safely(state, settings, e, lane, v)
    append(state, settings, e, lane, v)


@jit(inner=True)
def _begin_safely(state: State, settings: Settings, e: Int, lane: Int, v: Int) -> None:
    """Let `v` begin no faster than allowed, and so that it can stop behind the last vehicle on `lane` and at its end.

    Where others come onto the lane, too, it begins with its rear on it, not behind.
    """
    k, u = state.vehicle[e, v, KIND], state.on[e, lane, TAIL]
    brake = settings.hard[k]
    if settings.in_first[lane + 1] > settings.in_first[lane]:
        state.motion[e, v, DIS] = settings.body[k]
    room = settings.measure[lane, LENGTH] - state.motion[e, v, DIS] - SHY
    if u != NONE:
        f, lead = state.vehicle[e, u, KIND], state.motion[e, u, SPEED]
        gap = state.motion[e, u, DIS] - settings.body[f] - state.motion[e, v, DIS]
        room = min(room, gap + 0.5 * lead * lead / max(brake, settings.hard[f]))
    fastest = min(settings.measure[lane, LIMIT], math.sqrt(2.0 * brake * max(room, 0.0)))
    state.motion[e, v, SPEED] = min(state.motion[e, v, SPEED], fastest)


@jit(inner=True)
def _may_begin(state: State, settings: Settings, e: Int, lane: Int, k: Int) -> Bool:
    """Return whether a vehicle of kind `k` finds room on `lane` by the corrected rules: nobody is on the way to it."""
    last = state.on[e, lane, TAIL]
    first, end = settings.in_first[lane], settings.in_first[lane + 1]
    need = settings.min_gap[k] + (settings.body[k] if end > first else 0.0)
    if last != NONE and not state.motion[e, last, DIS] - settings.body[state.vehicle[e, last, KIND]] > need:
        return False
    for i in range(first, end):
        link = settings.in_link[i]
        start = settings.drivable[link, START_LANE]
        if state.on[e, link, COUNT]:
            return False
        u = state.on[e, start, HEAD]
        while u != NONE:
            held = held_link(state, settings, e, u, start)
            if held == link:
                return False
            u = NONE if held == NONE else state.vehicle[e, u, BEHIND]
    return True


@jit(inner=True)
def insert_vehicles(state: State, settings: Settings, e: Int) -> None:
    """Let the first of each queue drive, if the last vehicle on the lane leaves room."""
    for i in range(settings.doors.shape[0]):
        lane = settings.doors[i]
        trip = state.first_waiting[e, lane]
        if trip == NONE:
            continue
        last = state.on[e, lane, TAIL]
        k = trip_kind(state, settings, e, trip)
        gap = settings.min_gap[k] + first_place(settings, lane, k)
        if last != NONE and not state.motion[e, last, DIS] > settings.body[state.vehicle[e, last, KIND]] + gap:
            continue
        if not settings.parity and not _may_begin(state, settings, e, lane, k):
            continue
        if state.num_free[e] == 0:  # it waits on, and that is counted
            state.tally[e, NO_SLOT] += 1
            continue
        state.first_waiting[e, lane] = state.next_waiting[e, trip]
        state.num_waiting[e, lane] -= 1
        _begin_to_drive(state, settings, e, lane, trip)
        if last == NONE:
            state.on[e, lane, LEADER], state.gap[e, lane] = find_leader(state, settings, e, lane)
