"""A dask cluster: a local one, or the scheduler at --address, whose workers see the results folder and this code."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dask
from distributed import CancelledError, Client, KilledWorker, LocalCluster

from benchmarks.engines.stream import THREADS, Chunk, stream
from benchmarks.errors import RunError
from benchmarks.worker import Execute, Outcome, Task, get_ready, run_tasks

_LOCAL = {
    "distributed.nanny.pre-spawn-environ": THREADS,
    "distributed.scheduler.allowed-failures": 0,  # a task whose worker died comes back; the runner tries it again
}


class DaskCluster:
    """Client of a cluster; a local one ends with it."""

    def __init__(self, workers: int, address: str | None, out: Path) -> None:
        self._cluster: Any = None
        if address is None:
            with dask.config.set(_LOCAL):
                self._cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=":0",
                    silence_logs=logging.CRITICAL,
                )
        try:
            self._client = Client(self._cluster or address, timeout=30, set_as_default=False)
        except OSError as error:
            raise RunError(f"--address: no dask scheduler answers at {address}: {error}") from error
        self.workers = workers if self._cluster else max(1, sum(self._client.nthreads().values()))

    def start(self, execute: Execute) -> None:
        """Let every worker import what is heavy."""
        self._ready = [
            self._client.submit(get_ready, execute, key=f"get-ready-{number}", workers=[worker])
            for number, worker in enumerate(self._client.nthreads())
        ]

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yield outcomes as they come."""
        yield from stream(tasks, self._submit, self.workers, (KilledWorker, CancelledError))

    def close(self) -> None:
        """Leave the cluster; end it if it is this engine's."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _submit(self, chunk: Chunk) -> Any:
        return self._client.submit(run_tasks, chunk, key=f"{chunk[0].key}-{chunk[0].attempt}", pure=False)
