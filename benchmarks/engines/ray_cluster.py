"""A ray cluster: a local one, or the one at --address, whose nodes see the results folder and this code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import LocalRayletDiedError, NodeDiedError, OutOfMemoryError, TaskCancelledError, WorkerCrashedError

from benchmarks.engines.stream import THREADS, stream
from benchmarks.errors import RunError
from benchmarks.jobs import ROOT
from benchmarks.worker import Execute, Outcome, Task, get_ready, run_tasks

_LOST = (WorkerCrashedError, OutOfMemoryError, NodeDiedError, LocalRayletDiedError, TaskCancelledError)


class RayCluster:
    """Driver of a cluster; a local one ends with it."""

    def __init__(self, workers: int, address: str | None, out: Path) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        where: dict[str, Any] = {"address": "local", "num_cpus": workers, "include_dashboard": False}
        try:
            ray.init(
                **(where if address is None else {"address": address}),
                runtime_env={"env_vars": {**THREADS, "PYTHONPATH": path}},
                logging_level="error",
                log_to_driver=False,
            )
        except (ConnectionError, RuntimeError) as error:
            raise RunError(f"--address: ray does not start at {address or 'this machine'}: {error}") from error
        self.workers = workers if address is None else max(1, int(ray.cluster_resources().get("CPU", 1)))
        # The runner tries again itself, so that attempts are counted alike on every engine.
        self._run, self._ready = (ray.remote(num_cpus=1, max_retries=0)(call) for call in (run_tasks, get_ready))

    def start(self, execute: Execute) -> None:
        """Let the workers start and import what is heavy."""
        self._started = [self._ready.remote(execute) for _ in range(self.workers)]

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yield outcomes as they come."""
        yield from stream(tasks, lambda chunk: self._run.remote(chunk).future(), self.workers, _LOST)

    def close(self) -> None:
        """Leave the cluster; end it if it is this engine's."""
        ray.shutdown()
