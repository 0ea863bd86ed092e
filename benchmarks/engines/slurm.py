"""Slurm, through submitit; `--address local` starts its jobs as processes of this machine instead."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import submitit

from benchmarks.engines.stream import THREADS
from benchmarks.errors import RunError
from benchmarks.jobs import ROOT
from benchmarks.worker import Execute, Outcome, Task, run_tasks

POLL = 0.5  # [s] between looks at whether jobs have ended
ROUNDS = 8  # a worker gets its share of the tasks in so many Slurm jobs: starting one takes seconds
HOURS = 24  # a Slurm job may take


class Slurm:
    """At most `workers` Slurm jobs at a time, each with a chunk of the tasks."""

    def __init__(self, workers: int, address: str | None, out: Path) -> None:
        self.workers = workers
        local = address == "local"
        try:
            self._executor = submitit.AutoExecutor(out / "slurm", cluster="local" if local else "slurm")
        except RuntimeError as error:
            raise RunError(f"--engine slurm: no Slurm here ({error}); --address local does without") from error
        exports = [f"export {name}={value}" for name, value in THREADS.items()]
        self._executor.update_parameters(
            name="benchmarks",
            timeout_min=60 * HOURS,
            cpus_per_task=1,
            **({} if local else {"slurm_setup": [*exports, f"export PYTHONPATH={ROOT}:$PYTHONPATH"]}),
            **({} if local or address is None else {"slurm_partition": address}),
        )
        self._started_with = THREADS if local else {}  # Slurm's own scripts export them
        self._jobs: dict[Any, list[Task]] = {}

    def start(self, execute: Execute) -> None:
        """Slurm jobs start when there are tasks."""

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yield the outcomes of chunks as these end."""
        size = max(1, len(tasks) // (self.workers * ROUNDS))
        chunks = [list(tasks[first : first + size]) for first in range(0, len(tasks), size)]
        chunks.reverse()
        while chunks or self._jobs:
            while chunks and len(self._jobs) < self.workers:
                chunk = chunks.pop()
                with _environment(self._started_with):
                    self._jobs[self._executor.submit(run_tasks, chunk)] = chunk
            for job in [job for job in self._jobs if job.done()]:
                yield from _outcomes(job, self._jobs.pop(job))
            time.sleep(POLL)

    def close(self) -> None:
        """Cancel what has not ended."""
        for job in self._jobs:
            job.cancel()
        self._jobs = {}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _outcomes(job: Any, tasks: list[Task]) -> list[Outcome]:
    """Return the outcomes of a Slurm job's tasks; all are lost if it died (those that had finished are found done)."""
    error = job.exception()
    if error is None:
        return list(job.result())
    return [Outcome.of_lost(task.key, error) for task in tasks]
