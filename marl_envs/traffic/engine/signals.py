"""Signals: which links are open, and junctions that switch by their own program."""

from __future__ import annotations

from marl_envs.core.jit import Int, jit
from marl_envs.traffic.engine.types import NONE, SWITCHES, Settings, State


@jit(inner=True)
def show_phases(state: State, settings: Settings, e: Int) -> None:
    """Open and close the links of junctions whose phase has been changed."""
    for j in range(state.phase.shape[1]):
        phase = state.phase[e, j]
        if phase == state.shown[e, j]:
            continue
        if state.shown[e, j] != NONE:
            state.tally[e, SWITCHES] += 1
        state.shown[e, j] = phase
        first = settings.link_first[j]
        green = settings.green_first[settings.phase_first[j] + phase]
        for d in range(first, settings.link_first[j + 1]):
            state.open[e, d] = settings.green[green + d - first]


@jit(inner=True)
def run_programs(state: State, settings: Settings, e: Int) -> None:
    """Let the time of each junction's phase run; go on to the next phase when it is over."""
    for j in range(state.phase.shape[1]):
        first = settings.phase_first[j]
        phases = settings.phase_first[j + 1] - first
        if phases == 0:
            continue
        state.remaining[e, j] -= settings.dt
        while state.remaining[e, j] <= 0:
            state.phase[e, j] = (state.phase[e, j] + 1) % phases
            state.remaining[e, j] += settings.phase_time[first + state.phase[e, j]]
