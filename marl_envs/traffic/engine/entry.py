"""How vehicles begin: on which lane, and how fast.

A lane drawn at random: CityFlow (Apache-2.0), router.cpp (getFirstDrivable). The emptiest lane, and the speeds: SUMO's
attributes `departLane` and `departSpeed`.
"""

from __future__ import annotations

import math

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.random import draw_below, draw_unit
from marl_envs.traffic.engine.estimates import SHY
from marl_envs.traffic.engine.mersenne import draw_word
from marl_envs.traffic.engine.sumo_law import NEAR
from marl_envs.traffic.engine.trips import trip_kind, trip_pace, trip_speed
from marl_envs.traffic.engine.types import (
    ANY,
    AVERAGE,
    BEHIND,
    COUNT,
    DIS,
    HEAD,
    KIND,
    LAST,
    LENGTH,
    LIMIT,
    NONE,
    SPEED,
    TAIL,
    Settings,
    State,
)


@jit(inner=True)
def _freest(state: State, settings: Settings, e: Int, route: Int) -> Int:
    """Return the lane where fewest wait, of those the one with the most room up to its last vehicle, the rightmost.

    The last two are SUMO's rule for `departLane` "best", its default; there those who wait choose again in each step.
    """
    best, fewest, most = NONE, 0, 0.0
    for i in range(settings.entry_first[route], settings.entry_first[route + 1]):
        lane = settings.entry_lane[i]
        u, number = state.on[e, lane, TAIL], state.num_waiting[e, lane]
        room = settings.measure[lane, LENGTH] if u == NONE else state.motion[e, u, DIS]
        if best == NONE or number < fewest or (number == fewest and room >= most):
            best, fewest, most = lane, number, room
    return best


@jit(inner=True)
def draw_lane(state: State, settings: Settings, e: Int, route: Int) -> Int:
    """Return a lane where `route` may begin: drawn, or one with the fewest vehicles on it and waiting for it.

    Of equally empty ones that is the first from the drawn one on. Under SUMO's law it is `_freest` instead.
    """
    if settings.sumo and settings.emptiest:
        return _freest(state, settings, e, route)
    first = settings.entry_first[route]
    options = settings.entry_first[route + 1] - first
    drawn = draw_word(state.mersenne, e) % options if settings.mersenne else draw_below(state.rng, e, options)
    best = settings.entry_lane[first + drawn]
    if settings.emptiest:
        fewest = state.on[e, best, COUNT] + state.num_waiting[e, best]
        for i in range(1, options):
            lane = settings.entry_lane[first + (drawn + i) % options]
            number = state.on[e, lane, COUNT] + state.num_waiting[e, lane]
            if number < fewest:
                best, fewest = lane, number
    return best


@jit(inner=True)
def _mean_speed(state: State, e: Int, lane: Int) -> Real:
    """Return the mean speed of the vehicles on `lane` [m/s]; there is at least one."""
    total = 0.0
    v = state.on[e, lane, HEAD]
    while v != NONE:
        total += state.motion[e, v, SPEED]
        v = state.vehicle[e, v, BEHIND]
    return total / state.on[e, lane, COUNT]


@jit(inline=True)
def first_place(settings: Settings, lane: Int, k: Int) -> Real:
    """Return where a vehicle of kind `k` begins on `lane` [m]: at its start; by SUMO's rules, with its rear there."""
    return min(settings.body[k] + NEAR, settings.measure[lane, LENGTH]) if settings.sumo else 0.0


@jit(inner=True)
def pace_of(state: State, settings: Settings, e: Int, lane: Int, trip: Int) -> Real:
    """Return how fast the vehicle of a trip begins at the start of `lane` [m/s], if its pace is not GIVEN.

    It can stop at the end of the lane and, after its headway, behind the last vehicle on it, however that one brakes.
    """
    k, u = trip_kind(state, settings, e, trip), state.on[e, lane, TAIL]
    pace = trip_pace(state, settings, e, trip)
    speed = min(trip_speed(state, settings, e, trip), settings.top_speed[k], settings.measure[lane, LIMIT])
    if pace == ANY:
        speed *= draw_unit(state.rng, e)
    brake = settings.hard[k]
    front = first_place(settings, lane, k)
    room = settings.measure[lane, LENGTH] - SHY - front
    if u != NONE:
        f, lead = state.vehicle[e, u, KIND], state.motion[e, u, SPEED]
        if pace == AVERAGE:
            speed = min(speed, _mean_speed(state, e, lane))
        elif pace == LAST:
            speed = min(speed, lead)
        gap = state.motion[e, u, DIS] - settings.body[f] - settings.min_gap[k] - front
        room = min(room, gap + 0.5 * lead * lead / max(brake, settings.hard[f]))
    slack = brake * settings.headway[k]
    return min(speed, math.sqrt(slack * slack + 2.0 * brake * max(room, 0.0)) - slack)
