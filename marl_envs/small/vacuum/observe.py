"""What a robot sees, the mask, and the global state."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.small.episodes import time_left
from marl_envs.small.vacuum.rules import may
from marl_envs.small.vacuum.types import NUM_ROOMS, TABULAR, Settings, State

ROBOT_NUMBERS = NUM_ROOMS + 1  # of a vector, about one robot: its room (one-hot), its charge


@jit(inline=True)
def observe(state: State, settings: Settings, obs: Any, label: Any, e: Int) -> None:
    """Write the observation that was asked for."""
    for a in range(state.room.shape[1]):
        if settings.observation == TABULAR:
            label[e, a] = np.int32(_number(state, settings, e, a))
        else:
            _vector(state, settings, obs, e, a)


@jit(inline=True)
def _number(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return the dirty rooms as bits, then room and charge of oneself and of the others in order, as one number."""
    number: Int = np.int64(0)
    for r in range(NUM_ROOMS):
        number += np.int64(state.dirty[e, r]) << r
    number = _append(state, settings, number, e, a)
    for b in range(state.room.shape[1]):
        if b != a:
            number = _append(state, settings, number, e, b)
    return number


@jit(inline=True)
def _append(state: State, settings: Settings, number: Int, e: Int, a: Int) -> Int:
    """Return `number` with room and charge of robot `a` appended."""
    levels = settings.capacity + 1
    return (number * NUM_ROOMS + state.room[e, a]) * levels + state.charge[e, a]


@jit(inline=True)
def _vector(state: State, settings: Settings, obs: Any, e: Int, a: Int) -> None:
    """Write oneself, the dirty rooms, and the others in order."""
    for j in range(obs.shape[2]):
        obs[e, a, j] = 0
    _robot(state, settings, obs[e, a], e, a, 0)
    for r in range(NUM_ROOMS):
        obs[e, a, ROBOT_NUMBERS + r] = np.float32(state.dirty[e, r])
    at = ROBOT_NUMBERS + NUM_ROOMS
    for b in range(state.room.shape[1]):
        if b != a:
            _robot(state, settings, obs[e, a], e, b, at)
            at += ROBOT_NUMBERS


@jit(inline=True)
def _robot(state: State, settings: Settings, dest: Any, e: Int, a: Int, at: Int) -> None:
    """Write room (one-hot) and charge of robot `a` from dest[at] on; the other rooms hold 0."""
    dest[at + state.room[e, a]] = np.float32(1.0)
    dest[at + NUM_ROOMS] = np.float32(state.charge[e, a] / settings.capacity)


@jit(inline=True)
def action_mask(state: State, settings: Settings, mask: Any, e: Int) -> None:
    """Write what each robot may do."""
    for a in range(state.room.shape[1]):
        for action in range(mask.shape[2]):
            mask[e, a, action] = np.int8(may(state, settings, e, a, action))


@jit(inline=True)
def global_state(state: State, settings: Settings, dest: Any, e: Int) -> None:
    """Write time left, the dirty rooms, and room and charge of every robot; `dest` is zero."""
    dest[e, 0] = time_left(state, settings, e)
    for r in range(NUM_ROOMS):
        dest[e, 1 + r] = np.float32(state.dirty[e, r])
    for a in range(state.room.shape[1]):
        _robot(state, settings, dest[e], e, a, 1 + NUM_ROOMS + a * ROBOT_NUMBERS)
