"""The loop over environments, and one decision of one environment: `interval` steps of the engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.operations import DESCRIBE, MEASURE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import slots_of, unpack
from marl_envs.core.random import draw_below
from marl_envs.traffic.engine.batch import clear_one
from marl_envs.traffic.engine.batch import step_one as step_engine
from marl_envs.traffic.engine.mersenne import seed_words
from marl_envs.traffic.signals.control import after_step, before_step, decide, start_signals, take_turns, write_mask
from marl_envs.traffic.signals.metrics import measure_one
from marl_envs.traffic.signals.observe import global_state, write_labels, write_load_labels, write_tiles, write_vectors
from marl_envs.traffic.signals.rewards import pay, remember
from marl_envs.traffic.signals.types import (
    TABULAR,
    TABULAR_LOAD,
    TILES,
    WARMUP_GREEN,
    Control,
    EngineSettings,
    EngineState,
    Rules,
    Settings,
    State,
)
from marl_envs.traffic.signals.watch import forget, survey, watch

CONTROL_AT = slots_of(EngineState)
SETTINGS_AT = slots_of(State)
RULES_AT = SETTINGS_AT + slots_of(EngineSettings)
OUT_AT = SETTINGS_AT + slots_of(Settings)


@jit(inner=True)
def advance(state: EngineState, control: Control, settings: EngineSettings, rules: Rules, e: Int, steps: Int) -> None:
    """Let `steps` steps of the engine pass."""
    for _ in range(steps):
        before_step(state, control, rules, e)
        step_engine(state, settings, e)
        after_step(control, rules, e)
        watch(state, control, settings, e)


@jit(inner=True)
def begin(state: EngineState, control: Control, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Start an episode: empty roads, a demand set drawn, and the warm-up."""
    if settings.mersenne:
        seed_words(state.mersenne, e, np.int64(state.rng[e] & np.uint64(0xFFFFFFFF)))
    state.demand[e] = np.int32(draw_below(state.rng, e, rules.sets))
    clear_one(state, settings, e)
    forget(control, e)
    green = np.int64(np.ceil(WARMUP_GREEN / settings.dt))
    start_signals(state, control, rules, e, green)
    left = rules.warmup
    while left > 0:
        take_turns(state, control, rules, e, green)
        steps = min(left, rules.interval)
        advance(state, control, settings, rules, e, steps)
        left -= steps
    survey(state, control, settings, rules, e)
    remember(state, control, rules, e)


@jit(inner=True)
def see(
    state: EngineState,
    control: Control,
    settings: EngineSettings,
    rules: Rules,
    obs: Any,
    label: Any,
    mask: Any,
    e: Int,
) -> None:
    """Write observation and mask; the lanes have been surveyed."""
    if rules.observation == TABULAR:
        write_labels(control, settings, rules, label, e)
    elif rules.observation == TILES:
        write_tiles(state, control, settings, rules, label, e)
    elif rules.observation == TABULAR_LOAD:
        write_load_labels(state, control, rules, label, e)
    else:
        write_vectors(state, control, settings, rules, obs, e)
    if rules.mask:
        write_mask(control, rules, mask, e)


@jit(inner=True)
def note_queues(control: Control, rules: Rules, e: Int) -> None:
    """Add the queues at the end of a decision to the episode's sums."""
    for a in range(rules.junction.shape[0]):
        queue: Int = 0
        for i in range(rules.num_in[a]):
            queue += control.standing[e, rules.in_lane[a, i]]
        control.queue_sum[e] += queue
        if queue > control.queue_max[e]:
            control.queue_max[e] = queue


@jit(inline=True)
def settle(state: EngineState, control: Control, settings: EngineSettings, rules: Rules, out: Out, e: Int) -> Bool:
    """Take stock at the end of a decision: lanes, queues, rewards; return whether the episode has ended."""
    survey(state, control, settings, rules, e)
    control.cycle[e] += 1
    note_queues(control, rules, e)
    pay(state, control, settings, rules, out, e)
    ended = control.cycle[e] >= rules.max_cycles
    out.ended[e] = ended
    for a in range(rules.junction.shape[0]):
        out.truncated[e, a] = ended
    return ended


@jit(inner=True)
def step_one(state: EngineState, control: Control, settings: EngineSettings, rules: Rules, out: Out, e: Int) -> Bool:
    """Advance an environment by one decision; return whether its next episode begins."""
    decide(state, control, rules, e)
    advance(state, control, settings, rules, e, rules.interval)
    begins = settle(state, control, settings, rules, out, e) and rules.autoreset != 0
    if begins:
        measure_one(state, control, settings, rules, out, e)
        see(state, control, settings, rules, out.final_obs, out.final_label, out.final_mask, e)
    return begins


@jit
def play_range(table: Any, operation: Int, first: Int, last: Int) -> None:
    """Do an operation to the environments first..last-1."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    out = unpack(table, Out, OUT_AT)
    for e in range(first, last):
        begins = operation == RESET
        if operation == STEP:
            begins = step_one(state, control, settings, rules, out, e)
        elif operation == OBSERVE:
            survey(state, control, settings, rules, e)
        if begins:
            begin(state, control, settings, rules, e)
        if operation in (STEP, OBSERVE):
            see(state, control, settings, rules, out.obs, out.label, out.mask, e)
        elif operation == MEASURE:
            measure_one(state, control, settings, rules, out, e)
        elif operation == DESCRIBE:
            global_state(state, control, settings, rules, out.global_state, e)
