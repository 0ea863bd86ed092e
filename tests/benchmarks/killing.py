"""A run that tests kill: `python -m tests.benchmarks.killing SUITE OUT WORKERS`. Its jobs sleep, and keep a diary."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from rich.console import Console

from benchmarks import store
from benchmarks.config import load_suite
from benchmarks.jobs import Job, expand, job_key
from benchmarks.locks import lock
from benchmarks.runner import run_missing

LONGEST = 0.15  # [s] that a job sleeps
EPISODES = 4


def noted_run(job: Job, folder: Path) -> dict[str, float]:
    """Note the start, sleep, and write numbers that only the job decides."""
    with (folder.parents[1] / "diary").open("a") as diary:
        diary.write(f"{folder.name.removesuffix(store.PART)}\n")
    stream = random.Random(f"{job.title} {job.role}")
    time.sleep(stream.uniform(0, LONGEST))
    names = (folder.name.removesuffix(store.PART), job.seed, job.environment, job.agent, "eval", job.train_steps)
    rows = [(*names, episode, "team", "deliveries", stream.gauss(10, 1)) for episode in range(EPISODES)]
    store.write_rows(folder / "episodes.parquet", rows)
    return {}


def main(suite: str, out: str, workers: str) -> None:
    """Run what is missing."""
    jobs = {job_key(job): job for job in expand(load_suite(Path(suite)))}
    with lock(Path(out)):
        run_missing(jobs, Path(out), int(workers), noted_run, Console(width=120))


if __name__ == "__main__":
    main(*sys.argv[1:])
