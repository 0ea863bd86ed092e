"""The loop over environments. Each call gets everything as one table."""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Int, jit
from marl_envs.core.operations import DESCRIBE, MEASURE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import slots_of, unpack
from marl_envs.small.episodes import end, pay, rest
from marl_envs.small.vacuum.metrics import measure_one
from marl_envs.small.vacuum.observe import action_mask, global_state, observe
from marl_envs.small.vacuum.rules import act, begin
from marl_envs.small.vacuum.types import Settings, State

SETTINGS_AT = slots_of(State)
OUT_AT = SETTINGS_AT + slots_of(Settings)


@jit(inner=True)
def see(state: State, settings: Settings, obs: Any, label: Any, mask: Any, e: Int) -> None:
    """Write observation and mask."""
    observe(state, settings, obs, label, e)
    if settings.mask:
        action_mask(state, settings, mask, e)


@jit
def play_range(table: Any, operation: Int, first: Int, last: Int) -> None:
    """Do an operation to the environments first..last-1."""
    state, settings, out = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT), unpack(table, Out, OUT_AT)
    for e in range(first, last):
        begins = operation == RESET
        if operation == STEP:
            finished = rest(out, e) if state.over[e] else act(state, settings, out, e)
            pay(state, settings, out, e)
            begins = end(state, settings, out, e, finished) and settings.autoreset
            if begins:
                measure_one(state, out, e)
                see(state, settings, out.final_obs, out.final_label, out.final_mask, e)
        if begins:
            begin(state, settings, e)
        if operation in (STEP, OBSERVE):
            see(state, settings, out.obs, out.label, out.mask, e)
        elif operation == MEASURE:
            measure_one(state, out, e)
        elif operation == DESCRIBE:
            global_state(state, settings, out.global_state, e)
