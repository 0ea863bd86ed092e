"""The loop over environments. A step is three operations; between two, distance tables of new goals are built."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.operations import DESCRIBE, MEASURE, MORE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import slots_of, unpack
from marl_envs.warehouse.battery import fill_batteries, is_sent, use_energy
from marl_envs.warehouse.counting import start_counting
from marl_envs.warehouse.errands.charging import back_to_errands, off_to_charge
from marl_envs.warehouse.errands.metrics import measure_one, watch
from marl_envs.warehouse.errands.observe import action_mask, distance, global_state, goal_vector, image, tabular
from marl_envs.warehouse.errands.rules import move_robots, place_robots
from marl_envs.warehouse.errands.tasks import finish_errands, follow_schedule, hand_out_first
from marl_envs.warehouse.errands.types import (
    CALLED,
    ERRAND,
    GOAL_VECTOR,
    IMAGE,
    POOL,
    SCHEDULE,
    SHAPING,
    UNREACHABLE,
    Settings,
    State,
)

SETTINGS_AT = slots_of(State)
OUT_AT = SETTINGS_AT + slots_of(Settings)
SETTLE, GREET = MORE, MORE + 1  # the rest of a step


@jit(inline=True)
def begin(state: State, settings: Settings, e: Int) -> None:
    """Start an episode."""
    state.step[e] = 0
    state.asked[e] = 0
    state.service[e] = 0
    state.travelled[e] = 0
    state.shortest_sum[e] = 0
    state.total[e] = 0.0
    start_counting(state, e)
    place_robots(state, settings, e)
    hand_out_first(state, settings, e)
    fill_batteries(state, settings, e)


@jit(inline=True)
def see(state: State, settings: Settings, obs: Any, label: Any, e: Int) -> None:
    """Write the observation that was asked for."""
    if settings.observation == GOAL_VECTOR:
        goal_vector(state, settings, obs, e)
    elif settings.observation == IMAGE:
        image(state, settings, obs, e)
    else:
        tabular(state, settings, label, e)


@jit(inline=True)
def take_stock(state: State, settings: Settings, e: Int) -> None:
    """Bring up to date what depends on distances: the shortest way of a new errand, and the potential."""
    for a in range(state.pos.shape[1]):
        far = distance(state, settings, e, a, np.int64(state.pos[e, a]))
        if state.set_out[e, a] == state.step[e] and not is_sent(state, e, a):
            state.shortest[e, a] = np.int32(0 if far == UNREACHABLE else far)
        near: Real = 0.0 if far == UNREACHABLE else 1.0 - min(np.float64(far), settings.longest) / settings.longest
        state.potential[e, a] = np.float32(settings.shaping_weight * near)


@jit(inline=True)
def pay(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Sum up each robot's reward terms; a team shares the sum over robots."""
    for a in range(state.pos.shape[1]):
        out.terms[e, a, SHAPING] = -state.potential[e, a]
    take_stock(state, settings, e)
    team = np.float32(0.0)
    for a in range(state.pos.shape[1]):
        out.terms[e, a, SHAPING] += np.float32(settings.shaping_gamma) * state.potential[e, a]
        reward = out.terms[e, a, ERRAND] + out.terms[e, a, SHAPING]
        out.reward[e, a] = reward
        team += reward
    state.total[e] += team
    if settings.team:
        state.total[e] += team * np.float32(state.pos.shape[1] - 1)
        for a in range(state.pos.shape[1]):
            out.reward[e, a] = team


@jit(inline=True)
def act(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Move the robots, and hand out tasks."""
    move_robots(state, settings, e)
    back_to_errands(state, e)
    if settings.supply == POOL and settings.assigner == SCHEDULE:
        follow_schedule(state, settings, e)
    finish_errands(state, settings, out, e)
    use_energy(state, settings, e)


@jit(inline=True)
def follow_answer(state: State, settings: Settings, e: Int) -> None:
    """Hand out what an assigner chose between two operations; the new errands begin in this step."""
    if settings.supply == POOL and settings.assigner == CALLED:
        follow_schedule(state, settings, e)


@jit(inline=True)
def settle(state: State, settings: Settings, out: Out, e: Int) -> Bool:
    """Pay; at the time limit measure and keep the last observation. Return whether the next episode begins."""
    follow_answer(state, settings, e)
    if settings.capacity:
        off_to_charge(state, settings, e)
    pay(state, settings, out, e)
    watch(state, settings, e)
    ended = state.step[e] >= settings.max_cycles
    out.ended[e] = ended
    for a in range(state.pos.shape[1]):
        out.truncated[e, a] = ended
    begins = ended and settings.autoreset != 0
    state.fresh[e] = np.uint8(begins)
    if begins:
        measure_one(state, settings, out, e)
        see(state, settings, out.final_obs, out.final_label, e)
        if settings.mask:
            action_mask(state, settings, out.final_mask, e)
    return begins


@jit
def play_range(table: Any, operation: Int, first: Int, last: Int) -> None:
    """Do an operation to the environments first..last-1. A step is STEP, SETTLE and GREET (what has just begun)."""
    state, settings, out = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT), unpack(table, Out, OUT_AT)
    for e in range(first, last):
        begins = operation == RESET
        stands = operation == OBSERVE or (operation == GREET and state.fresh[e] != 0)
        if operation == STEP:
            act(state, settings, out, e)
        elif operation == SETTLE:
            begins = settle(state, settings, out, e)
        if begins:
            begin(state, settings, e)
        if stands:
            follow_answer(state, settings, e)
            take_stock(state, settings, e)
            watch(state, settings, e)
        if stands or (operation == SETTLE and not begins):
            see(state, settings, out.obs, out.label, e)
            if settings.mask:
                action_mask(state, settings, out.mask, e)
        elif operation == MEASURE:
            measure_one(state, settings, out, e)
        elif operation == DESCRIBE:
            global_state(state, settings, out.global_state, e)
