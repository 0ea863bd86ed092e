"""What lies ahead of a vehicle: the link it takes, and whom it follows beyond the end of its lane or link.

Rules: CityFlow (Apache-2.0), router.cpp (getNextDrivable) and vehicle.cpp (updateLeaderAndGap).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.types import (
    COUNT,
    CROSSING,
    DIS,
    END_LANE,
    EXIT,
    HEAD,
    KIND,
    LANE_INDEX,
    LEADER,
    LENGTH,
    LISTED,
    NONE,
    OUT_FIRST,
    TAIL,
    Settings,
    State,
)

SORT_STEPS = 16  # between two sortings of the active drivables; their order changes no result but changes of lane
SORT_SHARE = 32  # they are sorted if at least one in so many has vehicles


@jit(inline=True)
def exit_from(settings: Settings, lane: Int, at: Int) -> Int:
    """Return the link that a vehicle at place `at` of its route takes from `lane`, or NONE."""
    return settings.choice[settings.leg[at] + settings.drivable[lane, LANE_INDEX]]


@jit(inner=True)
def _take_emptiest(state: State, settings: Settings, e: Int, lane: Int) -> None:
    """Let the first vehicle on `lane` take the link with the fewest vehicles on it and on the lane behind it.

    It stays with its link while no other is emptier.
    """
    v = state.on[e, lane, HEAD]
    best = state.vehicle[e, v, EXIT]
    if best == NONE:
        return
    row = settings.leg[state.route_at[e, v]] + settings.drivable[lane, LANE_INDEX]
    first, end = settings.option_first[row], settings.option_first[row + 1]
    if end - first < 2:
        return
    fewest = state.on[e, best, COUNT] + state.on[e, settings.drivable[best, END_LANE], COUNT]
    for i in range(first, end):
        link = settings.option_link[i]
        number = state.on[e, link, COUNT] + state.on[e, settings.drivable[link, END_LANE], COUNT]
        if number < fewest:
            best, fewest = link, number
    state.vehicle[e, v, EXIT] = best


@jit(inner=True)
def find_leader(state: State, settings: Settings, e: Int, d: Int) -> Any:
    """Return whom the first vehicle on `d` follows, on what it will drive on next, and the gap [m]; NONE: nobody."""
    v = state.on[e, d, HEAD]
    rest, sight = settings.measure[d, LENGTH] - state.motion[e, v, DIS], settings.sight[state.vehicle[e, v, KIND]]
    link, at = state.vehicle[e, v, EXIT], state.route_at[e, v]
    while True:
        if settings.drivable[d, END_LANE] == NONE:
            if link == NONE:
                return NONE, 0.0
            if state.on[e, d, CROSSING] > 0:
                return _nearest_crossing(state, settings, e, d, rest)
            if rest > sight:  # the link makes it only further
                return NONE, 0.0
            d = link
        else:
            d = settings.drivable[d, END_LANE]
            at += 1
            u = state.on[e, d, TAIL]
            if u != NONE:
                return u, rest + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
            link = exit_from(settings, d, at)
        rest += settings.measure[d, LENGTH]
        if rest > sight:
            return NONE, 0.0


@jit(inner=True)
def _nearest_crossing(state: State, settings: Settings, e: Int, lane: Int, rest: Real) -> Any:
    """Return the nearest of the last vehicles on all links that leave `lane`, and the gap [m] from `rest` before."""
    nearest, gap = NONE, np.inf
    for i in range(settings.drivable[lane, OUT_FIRST], settings.drivable[lane + 1, OUT_FIRST]):
        u = state.on[e, settings.out_link[i], TAIL]
        if u != NONE:
            room = rest + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
            if room < gap:
                nearest, gap = u, room
    return nearest, gap


@jit(inner=True)
def find_leaders(state: State, settings: Settings, e: Int, near: Real) -> None:
    """Find where the first vehicle of each drivable goes and whom it follows, and drop empty ones from the active.

    Those that are further than `near` [m] from the end of their drivable are taken to follow nobody.
    """
    kept = 0
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        if state.on[e, d, HEAD] == NONE:
            state.on[e, d, LISTED] = 0
            continue
        state.active[e, kept] = d
        kept += 1
        # Under the corrected rules others rely on the way that a vehicle has
        if settings.emptiest and settings.parity and settings.drivable[d, END_LANE] == NONE:
            _take_emptiest(state, settings, e, d)
        if settings.measure[d, LENGTH] - state.motion[e, state.on[e, d, HEAD], DIS] > near:
            state.on[e, d, LEADER] = NONE
        elif not settings.sumo:  # whose drivers look for themselves
            state.on[e, d, LEADER], state.gap[e, d] = find_leader(state, settings, e, d)
    state.num_active[e] = kept
    if state.step[e] % SORT_STEPS == 0 and kept * SORT_SHARE > state.on.shape[1]:
        _sort_active(state, e)


@jit(inner=True)
def _sort_active(state: State, e: Int) -> None:
    """Bring the active drivables into the order of their numbers: neighbours in memory are read together."""
    count = 0
    for d in range(state.on.shape[1]):
        state.active[e, count] = d
        count += state.on[e, d, LISTED]
