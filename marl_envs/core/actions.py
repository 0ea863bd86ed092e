"""Reading a batch of actions: checked before anything changes, then put where the kernels find them."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit


@jit
def _copy(actions: Any, dest: Any, num_actions: Int) -> Int:
    """Copy actions [E * A]; return the index of the first one outside [0, num_actions), else -1."""
    wrong = 0
    for i in range(actions.shape[0]):  # no branches, so that many are copied at a time
        wrong |= (actions[i] < 0) | (actions[i] >= num_actions)
        dest[i] = np.int32(actions[i])
    if wrong:
        for i in range(actions.shape[0]):
            if actions[i] < 0 or actions[i] >= num_actions:
                return i
    return -1


def take(actions: Any, dest: NDArray[np.int32], num_actions: int, agents: Sequence[str]) -> None:
    """Copy integers [E, A] in 0..num_actions-1 into `dest`.

    Raises:
        TypeError, ValueError: wrong dtype or shape, or an action outside the space; the message says where.
    """
    given = np.asarray(actions)
    if given.shape != dest.shape:
        raise ValueError(f"actions must have shape {dest.shape}, not {given.shape}")
    if given.dtype.kind not in "iu":
        raise TypeError(f"actions must be integers, not {given.dtype}")
    given = np.ascontiguousarray(given, np.int64)
    bad = _copy(given.reshape(-1), dest.reshape(-1), num_actions)
    if bad >= 0:
        e, a = divmod(bad, len(agents))
        raise ValueError(f"action {given[e, a]} of {agents[a]} in environment {e} is not in 0..{num_actions - 1}")


def take_numbers(actions: Any, dest: NDArray[np.float64], space: spaces.Box, agents: Sequence[str]) -> None:
    """Copy numbers [E, A] or [E, A, 1] in `space` into `dest`.

    Raises:
        TypeError, ValueError: wrong dtype or shape, NaN, or an action outside the space; the message says where.
    """
    given = np.asarray(actions)
    if given.shape not in (dest.shape, (*dest.shape, 1)):
        raise ValueError(f"actions must have shape {dest.shape} or {(*dest.shape, 1)}, not {given.shape}")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"actions must be numbers, not {given.dtype}")
    given = given.reshape(dest.shape).astype(np.float64)
    low, high = float(space.low[0]), float(space.high[0])
    bad = ~((given >= low) & (given <= high))  # so NaN is bad
    if bad.any():
        e, a = np.argwhere(bad)[0].tolist()
        raise ValueError(f"action {given[e, a]} of {agents[a]} in environment {e} is not in [{low:g}, {high:g}]")
    dest[...] = given


def take_number_of_each(
    actions: Mapping[str, Any], dest: NDArray[np.float64], space: spaces.Box, agents: Sequence[str]
) -> None:
    """Copy a number, or an array of one, of each agent into `dest` [A].

    Raises:
        TypeError, KeyError, ValueError: no dictionary, an agent that is missing or unknown, what is no number, NaN, or
            one outside the space. Nothing has changed then.
    """
    if not isinstance(actions, Mapping):
        raise TypeError(f"actions must be a dict from agent to action, not {actions!r}")
    for name in actions:
        if name not in agents:
            raise KeyError(f"unknown agent {name!r}; the agents are {', '.join(agents)}")
    low, high = float(space.low[0]), float(space.high[0])
    numbers = []
    for agent in agents:
        if agent not in actions:
            raise KeyError(f"no action for {agent}; every agent in `agents` needs one")
        given = np.asarray(actions[agent])
        if given.size != 1 or given.dtype.kind not in "iuf":
            raise TypeError(f"the action of {agent} must be a number, not {actions[agent]!r}")
        numbers.append(float(given.reshape(-1)[0]))
        if not low <= numbers[-1] <= high:
            raise ValueError(f"the action of {agent} must be in [{low:g}, {high:g}], not {actions[agent]!r}")
    dest[:] = numbers


def what_is_wrong(
    actions: Any, agents: Sequence[str], possible: Sequence[str], num_actions: Mapping[str, int]
) -> Exception:
    """Return the exception that says why `actions` are no dictionary of one action for each of `agents`.

    `num_actions`: of each of the `possible` agents.
    """
    if not isinstance(actions, Mapping):
        return TypeError(f"actions must be a dict from agent to action, not {actions!r}")
    for name in actions:
        if name not in possible:
            return KeyError(f"unknown agent {name!r}; the agents are {', '.join(possible)}")
    for agent in agents:
        if agent not in actions:
            return KeyError(f"no action for {agent}; every agent in `agents` needs one")
        try:
            value = operator.index(actions[agent])
        except TypeError:
            return TypeError(f"the action of {agent} must be an integer, not {actions[agent]!r}")
        if not 0 <= value < num_actions[agent]:
            return ValueError(f"the action of {agent} must be in 0..{num_actions[agent] - 1}, not {actions[agent]!r}")
    return RuntimeError("actions could not be read")
