"""What the agent sees, the mask, and the global state: all looked up by cell and cue."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.small.episodes import time_left
from marl_envs.small.grid.rules import has_changed
from marl_envs.small.grid.types import TABULAR, Settings, State


@jit(inline=True)
def observe(state: State, settings: Settings, obs: Any, label: Any, e: Int) -> None:
    """Write the observation that was asked for."""
    for a in range(state.cell.shape[1]):
        if settings.observation == TABULAR:
            label[e, a] = settings.label[state.cue[e], state.cell[e, a]]
        else:
            for j in range(obs.shape[2]):
                obs[e, a, j] = settings.shown[state.cue[e], state.cell[e, a], j]


@jit(inline=True)
def action_mask(mask: Any, e: Int) -> None:
    """Allow everything: to run into a wall is a step like any other."""
    for a in range(mask.shape[1]):
        for action in range(mask.shape[2]):
            mask[e, a, action] = 1


@jit(inline=True)
def global_state(state: State, settings: Settings, dest: Any, e: Int) -> None:
    """Write time left, the cue, whether the walls have changed, and row and column, one-hot."""
    dest[e, 0] = time_left(state, settings, e)
    dest[e, 1] = np.float32(state.cue[e])
    dest[e, 2] = np.float32(has_changed(state, settings, e))
    for j in range(settings.place.shape[1]):
        dest[e, 3 + j] = settings.place[state.cell[e, 0], j]
