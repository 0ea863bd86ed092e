"""Reading a batch of actions: checked before anything changes, then put where the kernels find them."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
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


def what_is_wrong(actions: Any, agents: Sequence[str], possible: Sequence[str], num_actions: int) -> Exception:
    """Return the exception that says why `actions` are no dictionary of one action for each of `agents`."""
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
        if not 0 <= value < num_actions:
            return ValueError(f"the action of {agent} must be in 0..{num_actions - 1}, not {actions[agent]!r}")
    return RuntimeError("actions could not be read")
