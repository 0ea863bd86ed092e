"""The loops over environments, and one whole step of one environment. Each call gets everything as one table."""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.core.pack import slots_of, unpack
from marl_envs.small.episodes import end, pay, rest
from marl_envs.small.matrix.metrics import measure_one
from marl_envs.small.matrix.observe import action_mask, global_state, observe
from marl_envs.small.matrix.rules import begin, play
from marl_envs.small.matrix.types import Settings, State

SETTINGS_AT = slots_of(State)
OUT_AT = SETTINGS_AT + slots_of(Settings)


@jit(inline=True)
def see(state: State, settings: Settings, obs: Any, label: Any, mask: Any, e: Int) -> None:
    """Write observation and mask."""
    observe(state, settings, obs, label, e)
    if settings.mask:
        action_mask(state, settings, mask, e)


@jit
def step_range(table: Any, first: Int, last: Int) -> None:
    """Advance the environments first..last-1 by one step."""
    state, settings, out = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT), unpack(table, Out, OUT_AT)
    for e in range(first, last):
        finished = rest(out, e) if state.over[e] else play(state, settings, out, e)
        pay(state, settings, out, e)
        if end(state, settings, out, e, finished) and settings.autoreset:
            measure_one(state, settings, out, e)
            see(state, settings, out.final_obs, out.final_label, out.final_mask, e)
            begin(state, e)
        see(state, settings, out.obs, out.label, out.mask, e)


@jit
def reset_range(table: Any, first: Int, last: Int) -> None:
    """Start an episode in each of the environments first..last-1, from their own streams."""
    state = unpack(table, State, 0)
    for e in range(first, last):
        begin(state, e)


@jit
def observe_range(table: Any, first: Int, last: Int) -> None:
    """Write observation and mask of the environments first..last-1 as they stand."""
    state, settings, out = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT), unpack(table, Out, OUT_AT)
    for e in range(first, last):
        see(state, settings, out.obs, out.label, out.mask, e)


@jit
def measure_range(table: Any, first: Int, last: Int) -> None:
    """Write the metrics of the environments first..last-1 so far."""
    state, settings, out = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT), unpack(table, Out, OUT_AT)
    for e in range(first, last):
        measure_one(state, settings, out, e)


@jit
def describe_range(table: Any, dest: Any, first: Int, last: Int) -> None:
    """Write the global state of the environments first..last-1 into dest[E, :]."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(first, last):
        global_state(state, settings, dest, e)
