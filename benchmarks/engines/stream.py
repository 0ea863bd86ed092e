"""What engines with futures have in common: chunks of tasks submitted ahead, outcomes as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any

from benchmarks.worker import Outcome, Task

AHEAD = 2  # chunks submitted for every worker: enough that none waits, and a million jobs need no memory
CHUNK_SECONDS = 0.2  # that a chunk should take: short jobs travel together, long ones alone
LARGEST = 32  # tasks in a chunk
_LIBRARIES = ("NUMBA_NUM", "OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "NUMEXPR_NUM", "VECLIB_MAXIMUM", "POLARS_MAX")
THREADS = {f"{name}_THREADS": "1" for name in _LIBRARIES}  # one worker a core: none in it may start one for every core

Chunk = list[Task]


def stream(
    tasks: Sequence[Task], submit: Callable[[Chunk], Any], workers: int, lost: tuple[type[BaseException], ...]
) -> Iterator[Outcome]:
    """Keep AHEAD chunks a worker submitted, and yield the outcomes of each as it ends.

    Args:
        tasks: in the order to submit them.
        submit: runs `run_tasks` on a chunk somewhere; returns a future with `add_done_callback`.
        workers: how many run at a time.
        lost: errors of a future that mean that its worker died.
    """
    ended: SimpleQueue[tuple[Chunk, Any]] = SimpleQueue()
    left, size, running = deque(tasks), 1, 0

    def start(chunk: Chunk) -> None:
        submit(chunk).add_done_callback(lambda future: ended.put((chunk, future)))

    while left or running:
        while left and running < AHEAD * workers:
            start([left.popleft() for _ in range(min(size, len(left)))])
            running += 1
        chunk, future = ended.get()
        running -= 1
        try:
            outcomes: list[Outcome] = future.result()
        except lost as error:
            outcomes = [Outcome.of_lost(task.key, error) for task in chunk]
        size = _size(outcomes)
        yield from outcomes


def _size(outcomes: list[Outcome]) -> int:
    """Return how many tasks like these fit into a chunk; failed ones, which may fail at once, say nothing."""
    seconds = [outcome.seconds for outcome in outcomes if not outcome.error]
    return max(1, min(LARGEST, int(CHUNK_SECONDS * len(seconds) / max(sum(seconds), 1e-3)))) if seconds else 1
