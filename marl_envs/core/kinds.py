"""Agents of several kinds: each one's own spaces, and its part of the rows that a batch has for all alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Simulation

Spaces = tuple[spaces.Space[Any], spaces.Space[Any]]  # of observations, of actions


def spaces_of(simulation: Simulation, mask: str | None) -> dict[str, Spaces]:
    """Return each agent's spaces; agents of one kind share the same objects.

    With `mask` "obs" an observation is a dictionary that holds the action mask, too.
    """
    common = simulation.observation_space, simulation.action_space
    given = simulation.own_spaces or dict.fromkeys(simulation.agents, common)
    shown: dict[int, spaces.Space[Any]] = {}
    for seen, actions in given.values():
        if mask == "obs" and id(seen) not in shown:
            allowed: Any = spaces.Box(0, 1, (_count(actions),), np.int8)
            shown[id(seen)] = spaces.Dict({"observation": seen, "action_mask": allowed})
    return {agent: (shown.get(id(seen), seen), actions) for agent, (seen, actions) in given.items()}


def _count(actions: Any) -> int:
    return int(actions.n)


class Cutter:
    """Cuts an agent's own numbers out of its row."""

    def __init__(self, simulation: Simulation) -> None:
        """Know the lengths; where all agents are alike there is nothing to cut."""
        own = (simulation.own_spaces or {}).values()
        self._numbers = [int(np.prod(seen.shape or ())) for seen, _ in own]
        self._actions = [_count(actions) for _, actions in own]

    def cut(self, rows: NDArray[Any], mask: NDArray[np.int8]) -> tuple[Any, Any]:
        """Return observations and masks by agent, without what they do not have."""
        if not self._actions:
            return rows, mask
        if rows.ndim > 1:
            return _shortened(rows, self._numbers), _shortened(mask, self._actions)
        return rows, _shortened(mask, self._actions)


def _shortened(rows: NDArray[Any], lengths: Sequence[int]) -> list[Any]:
    return [row[:length] for row, length in zip(rows, lengths, strict=True)]


def stacked(arrays: Sequence[Any]) -> NDArray[Any]:
    """Return arrays of one agent each as one array, with zeros behind those that are shorter than others."""
    longest = max(np.shape(array) for array in arrays)
    if all(np.shape(array) == longest for array in arrays):
        return np.stack(arrays)
    table = np.zeros((len(arrays), *longest), arrays[0].dtype)
    for row, array in zip(table, arrays, strict=True):
        row[: len(array)] = array
    return table
