"""Processes on this machine (loky): the default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from benchmarks.engines.stream import THREADS, Chunk, stream
from benchmarks.worker import Execute, Outcome, Task, get_ready, join_pool, run_tasks


class LokyPool:
    """A pool that is made anew when a worker dies, since loky ends the others then, too."""

    def __init__(self, workers: int, address: str | None, out: Path) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def start(self, execute: Execute) -> None:
        """Start the workers; they import what is heavy while this process prepares."""
        for _ in range(self.workers):
            self._running().submit(get_ready, execute)

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yield outcomes as they come; where a worker dies, whatever was submitted is lost."""
        yield from stream(tasks, self._submit, self.workers, (BrokenProcessPool,))

    def close(self) -> None:
        """Kill the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None

    def _submit(self, chunk: Chunk) -> Any:
        try:
            return self._running().submit(run_tasks, chunk)
        except BrokenProcessPool:
            self.close()
            return self._running().submit(run_tasks, chunk)

    def _running(self) -> ProcessPoolExecutor:
        """Return the pool, which is made when it is first needed."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.workers, env=THREADS, initializer=join_pool, initargs=(os.getpid(),))
        return self._pool
