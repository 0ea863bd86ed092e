"""Distance tables: how many cells from anywhere to a goal. Built when a goal appears, kept as long as memory allows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.errands.types import NONE, OBSTACLE, UNREACHABLE, Settings


def allocate(
    cells: int, goals: int, most_bytes: int, chargers: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Return (slot [C], steps [S, C]) for up to `goals` tables in `most_bytes`; memory is used as tables are built.

    The tables of charging cells come first, and are always kept.

    Raises:
        ParameterError: not even one table fits beside those of the charging cells.
    """
    slots = min(goals + chargers, most_bytes // (2 * cells))
    if slots < 1 + chargers:
        tables = (
            f"{1 + chargers} tables of this floor ({chargers} for charging cells)"
            if chargers
            else "one table of this floor"
        )
        raise ParameterError(
            f"distance_bytes must be at least {2 * cells * (1 + chargers)}, for {tables}, not {most_bytes}"
        )
    return np.full(cells, NONE, np.int32), np.empty((slots, cells), np.uint16)


@jit
def _find_missing(goal: Any, slot: Any, missing: Any) -> Int:
    """Write the goal cells that have no table, each once; return how many there are."""
    count = 0
    for i in range(goal.shape[0]):
        cell = goal[i]
        if cell != 0 and slot[cell] == NONE:
            slot[cell] = NONE - 1  # seen
            missing[count] = cell
            count += 1
    for k in range(count):
        slot[missing[k]] = NONE
    return count


@jit
def _mark_used(goal: Any, slot: Any, used: Any) -> None:
    """Mark the slots whose tables are needed."""
    for i in range(goal.shape[0]):
        cell = goal[i]
        if cell != 0 and slot[cell] >= 0:
            used[slot[cell]] = 1


@jit
def fill(kind: Any, ahead: Any, goal: Int, steps: Any, queue: Any) -> None:
    """Search breadth-first from the goal cell; write distances [cells] into `steps`, the longest as 65534."""
    for c in range(steps.shape[0]):
        steps[c] = UNREACHABLE
    head: Int = 0
    tail: Int = 1
    queue[0] = goal
    steps[goal] = 0
    while head < tail:
        cell = np.int64(queue[head])
        head += 1
        for h in range(4):
            near = cell + ahead[h]
            if kind[near] != OBSTACLE and steps[near] == UNREACHABLE:
                steps[near] = min(np.int64(steps[cell]) + 1, UNREACHABLE - 1)
                queue[tail] = near
                tail += 1


def keep(settings: Settings, goals: NDArray[np.uint32]) -> None:
    """Build the tables of those goal cells that have none yet; where memory is short, in place of those of other cells.

    Raises:
        ParameterError: the goals need more tables at once than fit.
    """
    missing = np.empty(goals.size, np.uint32)
    count = _find_missing(goals, settings.slot, missing)
    if not count:
        return
    free = np.setdiff1d(np.arange(len(settings.steps)), settings.slot)
    if len(free) < count:
        free = _make_room(settings, goals, count)
    queue = np.empty(settings.kind.size, np.int32)
    for cell, slot in zip(missing[:count].tolist(), free.tolist(), strict=False):
        fill(settings.kind, settings.ahead, cell, settings.steps[slot], queue)
        settings.slot[cell] = slot


def _make_room(settings: Settings, goals: NDArray[np.uint32], count: int) -> NDArray[np.int64]:
    """Return at least `count` slots, after forgetting tables that no goal needs."""
    used = np.zeros(len(settings.steps), np.uint8)
    used[: len(settings.chargers)] = 1
    _mark_used(goals, settings.slot, used)
    free: NDArray[np.int64] = np.flatnonzero(used == 0)
    if len(free) < count:
        raise ParameterError(
            f"{int(used.sum()) + count} goals at once need more distance tables than the {len(used)} that fit in "
            f"distance_bytes={settings.steps.nbytes}; raise it, or use fewer environments"
        )
    chosen = free[:count]
    settings.slot[np.isin(settings.slot, chosen)] = NONE
    return chosen
