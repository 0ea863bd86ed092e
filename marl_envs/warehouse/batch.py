"""The loop over environments, and one whole step of one environment. Each call gets everything as one table."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.operations import DESCRIBE, MEASURE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import slots_of, unpack
from marl_envs.warehouse.guidance import guide_robots
from marl_envs.warehouse.metrics import measure_one, watch
from marl_envs.warehouse.observe import action_mask, flattened, global_state, goal_vector, image, tabular, tabular_push
from marl_envs.warehouse.rules import move_robots, reset_one
from marl_envs.warehouse.types import FLATTENED, GOAL_VECTOR, IMAGE, SHAPING, TABULAR, Settings, State

SETTINGS_AT = slots_of(State)
OUT_AT = SETTINGS_AT + slots_of(Settings)


@jit(inline=True)
def observe(state: State, settings: Settings, obs: Any, label: Any, e: Int) -> None:
    """Write the observation that was asked for."""
    if settings.observation == FLATTENED:
        flattened(state, settings, obs, e)
    elif settings.observation == GOAL_VECTOR:
        goal_vector(state, settings, obs, e)
    elif settings.observation == IMAGE:
        image(state, settings, obs, e)
    elif settings.observation == TABULAR:
        tabular(state, settings, label, e)
    else:
        tabular_push(state, settings, label, e)


@jit(inline=True)
def pay(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Sum up each robot's reward terms; a team shares the sum over robots."""
    team = np.float32(0.0)
    for a in range(state.pos.shape[1]):
        reward = np.float32(0.0)
        for t in range(out.terms.shape[2]):
            reward += out.terms[e, a, t]
        out.reward[e, a] = reward
        team += reward
    state.total[e] += team
    if settings.team:
        state.total[e] += team * np.float32(state.pos.shape[1] - 1)
        for a in range(state.pos.shape[1]):
            out.reward[e, a] = team


@jit(inline=True)
def guide(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Assign targets anew, and write the shaping term: gamma * potential after - potential before."""
    for a in range(state.pos.shape[1]):
        out.terms[e, a, SHAPING] = -state.potential[e, a]
    guide_robots(state, settings, e)
    watch(state, settings, e)
    for a in range(state.pos.shape[1]):
        out.terms[e, a, SHAPING] += np.float32(settings.shaping_gamma) * state.potential[e, a]


@jit(inline=True)
def finish(state: State, settings: Settings, out: Out, e: Int) -> Bool:
    """Truncate at the time limit, and measure and keep the last observation; return whether the next episode begins."""
    ended = state.step[e] >= settings.max_cycles or state.quiet[e] >= settings.max_inactivity
    out.ended[e] = ended
    for a in range(state.pos.shape[1]):
        out.truncated[e, a] = ended
    begins = ended and settings.autoreset != 0
    if begins:
        measure_one(state, settings, out, e)
        observe(state, settings, out.final_obs, out.final_label, e)
        if settings.mask:
            action_mask(state, settings, out.final_mask, e)
    return begins


@jit(inline=True)
def step_one(state: State, settings: Settings, out: Out, e: Int) -> Bool:
    """Advance environment `e` by one step; return whether the next episode begins."""
    move_robots(state, settings, out, e)
    if settings.guided:
        guide(state, settings, out, e)
    pay(state, settings, out, e)
    return finish(state, settings, out, e)


@jit
def play_range(table: Any, operation: Int, first: Int, last: Int) -> None:
    """Do an operation to the environments first..last-1."""
    state, settings, out = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT), unpack(table, Out, OUT_AT)
    for e in range(first, last):
        begins = operation == RESET
        if operation == STEP:
            begins = step_one(state, settings, out, e)
        if begins:
            reset_one(state, settings, e)
        if settings.guided and (begins or operation == OBSERVE):
            guide_robots(state, settings, e)
            watch(state, settings, e)
        if operation in (STEP, OBSERVE):
            observe(state, settings, out.obs, out.label, e)
            if settings.mask:
                action_mask(state, settings, out.mask, e)
        elif operation == MEASURE:
            measure_one(state, settings, out, e)
        elif operation == DESCRIBE:
            global_state(state, settings, out.global_state, e)
