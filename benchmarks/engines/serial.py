"""One job after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.worker import Execute, Outcome, Task, run_task


class Serial:
    """No workers: what is easiest to debug, and what a single worker amounts to."""

    def __init__(self, workers: int, address: str | None, out: Path) -> None:
        self.workers = 1

    def start(self, execute: Execute) -> None:
        """Nothing has to start."""

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yield the outcome of every task, in order."""
        yield from map(run_task, tasks)

    def close(self) -> None:
        """Nothing has to end."""
