"""The rules of a grid world: one agent, four directions, walls that stop, cells that end or throw back."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.out import Out
from marl_envs.core.random import draw_below, draw_unit
from marl_envs.small.grid.types import (
    BUMP,
    BUMPS,
    ENDS,
    FALLS,
    NUM_MOVES,
    SLIPS,
    STEP,
    SUCCESS,
    THROWS_BACK,
    Settings,
    State,
)


@jit(inline=True)
def begin(state: State, settings: Settings, e: Int) -> None:
    """Start an episode: draw the cue and the start cell, where there are several. The clock goes on."""
    state.step[e] = 0
    state.over[e] = 0
    state.total[e] = 0.0
    state.cue[e] = np.uint8(draw_below(state.rng, e, 2) if settings.cues == 2 else 0)
    starts = settings.starts.shape[0]
    state.origin[e] = settings.starts[draw_below(state.rng, e, starts) if starts > 1 else 0]
    for a in range(state.cell.shape[1]):
        state.cell[e, a] = state.origin[e]
    for k in range(state.tally.shape[1]):
        state.tally[e, k] = 0


@jit(inline=True)
def has_changed(state: State, settings: Settings, e: Int) -> Int:
    """Return 1 if the next step meets the changed walls, else 0."""
    return np.int64((settings.change_at > 0) & (state.clock[e] >= settings.change_at))


@jit(inline=True)
def move(state: State, settings: Settings, out: Out, e: Int) -> Bool:
    """Carry out the action; return whether the episode is finished."""
    finished = False
    for a in range(state.cell.shape[1]):
        direction = np.int64(state.actions[e, a])
        if settings.slip > 0 and draw_unit(state.rng, e) < settings.slip:
            direction = (direction + 1 + draw_below(state.rng, e, NUM_MOVES - 1)) % NUM_MOVES
            state.tally[e, SLIPS] += 1
        cell = state.cell[e, a] + settings.ahead[direction]
        bumps = settings.wall[has_changed(state, settings, e), cell] != 0
        cell = state.cell[e, a] if bumps else cell
        out.terms[e, a, STEP] = settings.gain[state.cue[e], cell]
        out.terms[e, a, BUMP] = np.float32(settings.bump if bumps else 0.0)
        state.tally[e, BUMPS] += np.int32(bumps)
        state.cell[e, a] = state.origin[e] if settings.effect[cell] == THROWS_BACK else cell
        state.tally[e, FALLS] += np.int32(settings.effect[cell] == THROWS_BACK)
        state.tally[e, SUCCESS] += np.int32(settings.right[state.cue[e], cell])
        finished |= settings.effect[cell] == ENDS
    state.step[e] += 1
    state.clock[e] += 1
    return finished
