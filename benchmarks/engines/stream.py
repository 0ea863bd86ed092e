"""What engines with futures have in common: a few tasks submitted ahead, outcomes as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

from benchmarks.worker import Outcome, Task

AHEAD = 4  # tasks submitted for every worker: enough that none waits, and a million jobs need no memory
_LIBRARIES = ("NUMBA_NUM", "OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "NUMEXPR_NUM", "VECLIB_MAXIMUM", "POLARS_MAX")
THREADS = {f"{name}_THREADS": "1" for name in _LIBRARIES}  # one worker a core: none in it may start one for every core


class Ended(NamedTuple):
    """A task whose future is done."""

    task: Task
    future: Any


def stream(tasks: Sequence[Task], submit: Callable[[Task], Any], workers: int) -> Iterator[Ended]:
    """Keep AHEAD tasks a worker submitted, and yield each as it ends.

    Args:
        tasks: in the order to submit them.
        submit: returns a future with `add_done_callback`.
        workers: how many run at a time.
    """
    ended: SimpleQueue[Ended] = SimpleQueue()
    waiting = iter(tasks)

    def start() -> int:
        task = next(waiting, None)
        if task is None:
            return 0
        submit(task).add_done_callback(lambda future: ended.put(Ended(task, future)))
        return 1

    running = sum(start() for _ in range(AHEAD * workers))
    while running:
        one = ended.get()
        running += start() - 1
        yield one


def outcome_of(ended: Ended, lost: tuple[type[BaseException], ...]) -> Outcome:
    """Return what the task's future holds: its outcome, or that its worker died with one of the errors `lost`."""
    try:
        outcome: Outcome = ended.future.result()
    except lost as error:
        return Outcome.of_lost(ended.task.key, error)
    return outcome
