"""A priority queue of places for each table, as a heap in arrays: the place of the highest priority comes first."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import jit

NOWHERE = -1


class Queue(NamedTuple):
    """Heaps of places below P; parents lie at half the index of their children."""

    heap: Annotated[NDArray[np.int64], "T P"]
    length: Annotated[NDArray[np.int64], "T"]
    spot: Annotated[NDArray[np.int64], "T P"]  # where in the heap a place is, or NOWHERE
    priority: Annotated[NDArray[np.float64], "T P"]


def make_queue(tables: int, places: int) -> Queue:
    """Return empty queues."""
    shape = (tables, places)
    nowhere = np.full(shape, NOWHERE, np.int64)
    return Queue(np.zeros(shape, np.int64), np.zeros(tables, np.int64), nowhere, np.zeros(shape))


@jit(inner=True)
def put(queue: Queue, t: int, i: int, place: int) -> None:
    """Write `place` at index `i` of the heap."""
    queue.heap[t, i] = place
    queue.spot[t, place] = i


@jit(inner=True)
def rise(queue: Queue, t: int, i: int) -> None:
    """Move what is at index `i` up until its parent is at least as urgent."""
    place = queue.heap[t, i]
    while i > 0 and queue.priority[t, queue.heap[t, (i - 1) // 2]] < queue.priority[t, place]:
        put(queue, t, i, queue.heap[t, (i - 1) // 2])
        i = (i - 1) // 2
    put(queue, t, i, place)


@jit(inner=True)
def sink(queue: Queue, t: int, i: int) -> None:
    """Move what is at index `i` down until no child is more urgent."""
    place, length = queue.heap[t, i], queue.length[t]
    while 2 * i + 1 < length:
        child = 2 * i + 1
        if child + 1 < length:
            left, right = queue.heap[t, child], queue.heap[t, child + 1]
            child += queue.priority[t, right] > queue.priority[t, left]
        if queue.priority[t, queue.heap[t, child]] <= queue.priority[t, place]:
            break
        put(queue, t, i, queue.heap[t, child])
        i = child
    put(queue, t, i, place)


@jit(inner=True)
def push(queue: Queue, t: int, place: int, priority: float) -> None:
    """Put a place into the queue; one that is there already keeps the higher priority."""
    if queue.spot[t, place] == NOWHERE:
        put(queue, t, queue.length[t], place)
        queue.length[t] += 1
    elif queue.priority[t, place] >= priority:
        return
    queue.priority[t, place] = priority
    rise(queue, t, queue.spot[t, place])


@jit(inner=True)
def pop(queue: Queue, t: int) -> Any:
    """Take out the most urgent place and return it; NOWHERE if there is none."""
    if queue.length[t] == 0:
        return NOWHERE
    place = queue.heap[t, 0]
    queue.spot[t, place] = NOWHERE
    queue.length[t] -= 1
    if queue.length[t] > 0:
        put(queue, t, 0, queue.heap[t, queue.length[t]])
        sink(queue, t, 0)
    return place
