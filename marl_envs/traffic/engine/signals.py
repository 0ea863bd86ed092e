"""Signals: which links are open, and junctions that switch by their own program."""

from __future__ import annotations

from marl_envs.core.jit import Int, jit
from marl_envs.traffic.engine.types import (
    CLOSED_STEP,
    NONE,
    OPEN,
    SWITCHES,
    Settings,
    State,
)


@jit(inner=True)
def show_phases(state: State, settings: Settings, e: Int) -> None:
    """Open and close the links of junctions whose phase has been changed."""
    changed = 0
    for j in range(state.phase.shape[1]):  # so plain that it runs on whole vectors
        changed += state.phase[e, j] != state.shown[e, j]
    if changed == 0:
        return
    for j in range(state.phase.shape[1]):
        if state.phase[e, j] != state.shown[e, j]:
            _show(state, settings, e, j)


@jit(inner=True)
def _show(state: State, settings: Settings, e: Int, j: Int) -> None:
    """Open and close the links of junction `j` as its phase says."""
    if state.shown[e, j] != NONE:
        state.tally[e, SWITCHES] += 1
    state.shown[e, j] = state.phase[e, j]
    first = settings.link_first[j]
    green = settings.green_first[settings.phase_first[j] + state.phase[e, j]]
    for d in range(first, settings.link_first[j + 1]):
        opens = settings.green[green + d - first]
        if state.on[e, d, OPEN] and not opens:
            state.on[e, d, CLOSED_STEP] = state.step[e] - 1
        state.on[e, d, OPEN] = opens


@jit(inner=True)
def run_programs(state: State, settings: Settings, e: Int) -> None:
    """Let the time of each junction's phase run; go on to the next phase when it is over."""
    over = 0
    for j in range(state.phase.shape[1]):
        state.remaining[e, j] -= settings.dt
        over += state.remaining[e, j] <= 0
    if over == 0:
        return
    for j in range(state.phase.shape[1]):
        first = settings.phase_first[j]
        while state.remaining[e, j] <= 0:
            state.phase[e, j] = (state.phase[e, j] + 1) % (settings.phase_first[j + 1] - first)
            state.remaining[e, j] += settings.phase_time[first + state.phase[e, j]]
