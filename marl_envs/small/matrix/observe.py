"""What an agent sees, the mask, and the global state. All agents see the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.small.episodes import time_left
from marl_envs.small.matrix.types import NOTHING, TABULAR, TABULAR_LAST, Settings, State


@jit(inline=True)
def observe(state: State, settings: Settings, obs: Any, label: Any, e: Int) -> None:
    """Write the observation that was asked for."""
    if settings.observation == TABULAR:
        for a in range(state.actions.shape[1]):
            label[e, a] = state.where[e]
    elif settings.observation == TABULAR_LAST:
        number = state.where[e] * (settings.joint + 1) + state.last[e] + 1
        for a in range(state.actions.shape[1]):
            label[e, a] = np.int32(number)
    else:
        for a in range(state.actions.shape[1]):
            one_hot(state, settings, obs[e, a], e, 0)


@jit(inline=True)
def one_hot(state: State, settings: Settings, dest: Any, e: Int, at: Int) -> None:
    """Write state and last actions, all one-hot, from dest[at] on; before the first step no action is 1."""
    for j in range(at, dest.shape[0]):
        dest[j] = 0
    dest[at + state.where[e]] = np.float32(1.0)
    at += settings.states
    for a in range(state.actions.shape[1]):
        if state.last[e] != NOTHING:
            dest[at + (state.last[e] // settings.weight[a]) % settings.choices[a]] = np.float32(1.0)
        at += settings.choices[a]


@jit(inline=True)
def action_mask(state: State, settings: Settings, mask: Any, e: Int) -> None:
    """Write which actions each agent has."""
    for a in range(state.actions.shape[1]):
        for action in range(mask.shape[2]):
            mask[e, a, action] = np.int8(action < settings.choices[a])


@jit(inline=True)
def global_state(state: State, settings: Settings, dest: Any, e: Int) -> None:
    """Write time left, the state, and the last actions, one-hot."""
    dest[e, 0] = time_left(state, settings, e)
    one_hot(state, settings, dest[e], e, 1)
