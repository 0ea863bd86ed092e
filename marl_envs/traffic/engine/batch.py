"""The loop over environments, and one whole step of one environment."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.operations import RESET, STEP
from marl_envs.core.pack import slots_of, unpack
from marl_envs.traffic.engine.ahead import find_leaders
from marl_envs.traffic.engine.grants import grant_all
from marl_envs.traffic.engine.insertion import create_vehicles, insert_vehicles
from marl_envs.traffic.engine.junction import find_foes
from marl_envs.traffic.engine.mersenne import seed_words
from marl_envs.traffic.engine.motion import move_all, plan_all
from marl_envs.traffic.engine.signals import run_programs, show_phases
from marl_envs.traffic.engine.sumo_lanes import change_lanes
from marl_envs.traffic.engine.types import (
    BEHIND,
    CLOSED_STEP,
    COUNT,
    CROSSING,
    FOE_STEP,
    HEAD,
    LEADER,
    LISTED,
    NEVER,
    NONE,
    OPEN,
    PLACE,
    SPEED,
    TAIL,
    Settings,
    State,
)

SETTINGS_AT = slots_of(State)


@jit(inner=True)
def begin_step(state: State, settings: Settings, e: Int) -> None:
    """Do the first half of a step of environment `e`: signals, and vehicles that come."""
    show_phases(state, settings, e)
    create_vehicles(state, settings, e)
    insert_vehicles(state, settings, e)


@jit(inner=True)
def finish_step(state: State, settings: Settings, e: Int, ruled: Int, near: Real) -> None:
    """Do the other half: all vehicles plan and move, and the time goes on by `settings.dt` seconds.

    `ruled`: 0 if all vehicles are DRIVEN, so that nobody asks to enter a junction. `near`: see `find_leaders`; the
    corrected rules themselves need no leaders.
    """
    if not settings.parity:
        if ruled:
            grant_all(state, settings, e)
    elif not settings.sumo:
        find_foes(state, settings, e)
    move_all(state, settings, e, plan_all(state, settings, e))
    if settings.sumo:
        change_lanes(state, settings, e)
    find_leaders(state, settings, e, near)
    if settings.program:
        run_programs(state, settings, e)
    state.step[e] += 1


@jit(inner=True)
def step_one(state: State, settings: Settings, e: Int) -> None:
    """Advance environment `e` by one step of `settings.dt` seconds."""
    begin_step(state, settings, e)
    finish_step(state, settings, e, 1, np.inf)


@jit(inner=True)
def clear_one(state: State, settings: Settings, e: Int) -> None:
    """Empty environment `e`: no vehicles, phase 0 everywhere, time 0. The demand set and the random stream stay."""
    state.step[e] = 0
    state.next_trip[e] = 0
    for c in range(state.tally.shape[1]):
        state.tally[e, c] = 0
    for j in range(state.phase.shape[1]):
        state.phase[e, j] = 0
        state.shown[e, j] = 0 if settings.phase_first[j + 1] == settings.phase_first[j] else NONE
        state.remaining[e, j] = np.inf
        if settings.phase_first[j + 1] > settings.phase_first[j]:
            state.remaining[e, j] = settings.phase_time[settings.phase_first[j]]
    for d in range(state.on.shape[1]):
        state.on[e, d, HEAD] = state.on[e, d, TAIL] = state.on[e, d, LEADER] = NONE
        state.on[e, d, FOE_STEP] = NONE
        state.on[e, d, COUNT] = state.on[e, d, CROSSING] = 0
        state.on[e, d, LISTED] = state.on[e, d, OPEN] = 0
        if d >= state.first_waiting.shape[1]:
            state.on[e, d, CLOSED_STEP] = NEVER
    state.num_active[e] = 0
    for lane in range(state.first_waiting.shape[1]):
        state.first_waiting[e, lane] = state.last_waiting[e, lane] = NONE
        state.num_waiting[e, lane] = 0
    slots = state.free.shape[1]
    for v in range(slots):
        state.vehicle[e, v, PLACE] = NONE
        state.free[e, v] = slots - 1 - v
    state.num_free[e] = slots


@jit
def play_range(table: Any, operation: Int, first: Int, last: Int) -> None:
    """STEP: advance the environments first..last-1 by `settings.substeps` steps. RESET: empty them.

    The reference's random numbers start from `rng` as their seed.
    """
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(first, last):
        if operation == STEP:
            for _ in range(settings.substeps):
                step_one(state, settings, e)
        elif operation == RESET:
            clear_one(state, settings, e)
            if settings.mersenne:
                seed_words(state.mersenne, e, np.int64(state.rng[e] & np.uint64(0xFFFFFFFF)))


@jit
def count_waiting_range(table: Any, waiting: Any, first: Int, last: Int) -> None:
    """Write into waiting[E, L] how many vehicles on each lane are slower than 0.1 m/s."""
    state = unpack(table, State, 0)
    for e in range(first, last):
        for lane in range(waiting.shape[1]):
            number = 0
            v = state.on[e, lane, HEAD]
            while v != NONE:
                number += state.motion[e, v, SPEED] < 0.1
                v = state.vehicle[e, v, BEHIND]
            waiting[e, lane] = number
