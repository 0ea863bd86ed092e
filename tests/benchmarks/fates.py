"""What becomes of jobs in workers: a module of its own, as every worker imports it, and this one imports little."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.jobs import Job
from tests.benchmarks.fakes import fake_run


def deadly_run(job: Job, folder: Path) -> dict[str, float]:
    """Kill the worker in one job always, and in another once."""
    mark = folder.parents[1] / f"{folder.name}.mark"
    if job.title == "tiny / greedy / seed 0" or (job.title == "tiny / greedy / seed 1" and not mark.exists()):
        mark.touch()
        os._exit(9)
    if job.title == "floor / greedy / seed 0":
        raise ValueError("a bad table")
    return fake_run(job, folder)


def threads_allowed(job: Job, folder: Path) -> dict[str, float]:
    """Write what the worker's environment says into the run folder."""
    (folder / "threads").write_text(" ".join(os.environ.get(f"{name}_NUM_THREADS", "?") for name in ("NUMBA", "OMP")))
    return fake_run(job, folder)
