"""Where robots are in each other's way: refused moves by cell, and queues at stations."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.core.parallel import ParallelEnv
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.counting import LONGEST_QUEUE, NUM_HOT, QUEUED, Counted
from marl_envs.warehouse.standstill import find_deadlocks, front, is_refused
from marl_envs.warehouse.types import EMPTY

NOT_KNOWN = -2


class Floor(Protocol):
    """What counting reads of the Settings of either task."""

    @property
    def kind(self) -> NDArray[np.uint8]:
        """Kind of each cell [C]."""


@jit(inner=True)
def note_refusals(state: Counted, settings: Floor, e: Int, station: Int) -> None:
    """Take in the moves that robots refused each other in this step, after all moves.

    `station` is the kind of cell at which queues are counted.
    """
    refused = 0
    for a in range(state.pos.shape[1]):
        if is_refused(state, e, a):
            state.refused[e, refused] = np.int16(a)
            refused += 1
    if refused:
        _count_cells(state, e, refused)
        find_deadlocks(state, e, refused)
        _count_queues(state, settings, e, refused, station)


@jit(inner=True)
def _count_cells(state: Counted, e: Int, refused: Int) -> None:
    """Add one refused move to each cell asked for."""
    for i in range(refused):
        cell = state.next[e, state.refused[e, i]]
        if state.heat[e, cell] == 0:
            state.hot[e, state.record[e, NUM_HOT]] = cell
            state.record[e, NUM_HOT] += 1
        state.heat[e, cell] += np.int32(1)


@jit(inner=True)
def _count_queues(state: Counted, settings: Floor, e: Int, refused: Int, station: Int) -> None:
    """Count the refused robots whose chain of asked cells leads to a station with a robot in it: the first on the way.

    `behind` is the robot at the station's cell, `tail` how many queue for it.
    """
    for i in range(refused):
        state.behind[e, state.refused[e, i]] = NOT_KNOWN
    for i in range(refused):
        a = np.int64(state.refused[e, i])
        if state.behind[e, a] == NOT_KNOWN:
            _find_station(state, settings, e, a, station)
    for i in range(refused):
        b = state.behind[e, state.refused[e, i]]
        if b != EMPTY:
            state.tail[e, b] = 0
    for i in range(refused):
        b = state.behind[e, state.refused[e, i]]
        if b != EMPTY and b != state.refused[e, i]:  # in a ring, whoever is at the station leads back to it
            state.tail[e, b] += np.int16(1)
            state.record[e, QUEUED] += 1
            state.record[e, LONGEST_QUEUE] = max(state.record[e, LONGEST_QUEUE], state.tail[e, b])


@jit(inline=True)
def _find_station(state: Counted, settings: Floor, e: Int, a: Int, station: Int) -> None:
    """Follow the chain from robot `a`; write where it leads for all on it, up to the first station."""
    b: Int = a
    reached: Int = EMPTY
    while True:
        state.behind[e, b] = EMPTY  # so that a ring without a station ends where it began
        at_station = settings.kind[state.next[e, b]] == station
        b = front(state, e, b)
        if b == EMPTY or at_station:
            reached = b
            break
        if not is_refused(state, e, b):
            break
        if state.behind[e, b] != NOT_KNOWN:
            reached = np.int64(state.behind[e, b])
            break
    if reached == EMPTY:
        return
    last, b = b, a
    while True:
        state.behind[e, b] = np.int16(reached)
        b = front(state, e, b)
        if b == last:
            break


def congestion(env: VectorEnv | ParallelEnv) -> NDArray[np.int64]:
    """Return the moves that robots refused each other in the running episodes, by the cell asked for.

    Args:
        env: a batch or a ParallelEnv of the shelves or of errands.

    Returns:
        int64 [E, height, width]; E is 1 for a ParallelEnv. An environment that resets itself starts again from 0.

    Raises:
        TypeError: another kind of environment.
    """
    vec: Any = env.vec if isinstance(env, ParallelEnv) else env
    if not hasattr(vec.arrays, "heat"):
        raise TypeError(f"congestion is counted for warehouse_v0 and errands_v0, not {vec.simulation.family.name}")
    settings = vec.simulation.settings
    rows, cols = settings.row, settings.col
    inside = (rows >= 0) & (rows < settings.height) & (cols >= 0) & (cols < settings.width)
    heat: NDArray[np.int64] = vec.arrays.heat[:, inside].astype(np.int64)
    return heat.reshape(vec.num_envs, settings.height, settings.width)
