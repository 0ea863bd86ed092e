"""What the runner itself costs: jobs a second of a suite of trivial jobs, and CPU time beside that of real jobs."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from benchmarks import store
from benchmarks.config import Evaluation, load_suite, suite_path
from benchmarks.config_agents import RandomAgent
from benchmarks.engines import Choice
from benchmarks.jobs import Job, expand, job_key
from benchmarks.runner import run_missing
from benchmarks.warmup import warm_up
from benchmarks.worker import Execute

JOBS, WORKERS, RUNS = 1000, 2, 3
SUITE = "quick"  # whose jobs are played for real


class Cost(NamedTuple):
    """What a run of many jobs took [s]."""

    wall: float
    cpu: float  # of the driver and its workers
    of_jobs: float  # CPU time inside what the jobs do


def run_harness(seconds: float, repeats: int, console: Console) -> None:
    """Measure and print; `seconds` has no meaning here, and of `repeats` at most RUNS are done, of real jobs one."""
    runs = range(min(repeats, RUNS))
    start = statistics.median(_rest(cost(trivial_jobs(WORKERS), trivial, WORKERS)) for _ in runs)
    costs = [cost(trivial_jobs(JOBS), trivial, WORKERS) for _ in runs]
    rate = statistics.median(JOBS / one.wall for one in costs)
    each = statistics.median(_rest(one) - start for one in costs) / JOBS
    console.print(f"Harness: {JOBS:,} trivial jobs in {WORKERS} processes: {rate:,.0f} jobs a second of wall time")
    console.print(f"  its CPU time: {start / WORKERS:.1f} s to start a process, and {1000 * each:.1f} ms a job")
    jobs = expand(load_suite(suite_path(SUITE)))
    warm_up(jobs, console)  # so that no kernel is compiled in what is measured
    real = cost(jobs, timed, WORKERS)
    console.print(
        f"  beside the {len(jobs)} jobs of {SUITE}, {real.of_jobs / len(jobs):.1f} CPU-seconds each: "
        f"{_rest(real) / real.of_jobs:.1%} of the jobs' CPU time"
    )


def _rest(found: Cost) -> float:
    """Return the CPU time outside the jobs [s]."""
    return found.cpu - found.of_jobs


def cost(jobs: list[Job], execute: Execute, workers: int) -> Cost:
    """Run the jobs in a temporary folder and return what that took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        keyed = {job_key(job): job for job in jobs}
        wall, cpu = time.perf_counter(), _cpu()
        run_missing(keyed, out, Choice(workers=workers), execute, Console(file=io.StringIO(), width=120))
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
        inside = sum(store.facts(store.run_folder(out, key))["shown"]["cpu_seconds"] for key in keyed)
    return Cost(wall, cpu, inside)


def trivial_jobs(count: int) -> list[Job]:
    """Return jobs that differ in their seed."""
    return [
        Job(
            environment="floor",
            agent="random",
            seed=seed,
            env="warehouse_v0",
            params={"layout": "5x5", "num_robots": 2, "max_cycles": 100},
            settings=RandomAgent(kind="random"),
            train_steps=0,
            train=None,
            evaluate=Evaluation(num_envs=1, episodes=1),
            headline="deliveries",
            replay=False,
        )
        for seed in range(count)
    ]


def trivial(job: Job, folder: Path) -> dict[str, float]:
    """Write the files of a run of one number; return its CPU time."""
    start = time.process_time()
    row = (folder.name, job.seed, job.environment, job.agent, "eval", 0, 0, "team", "deliveries", 1.0)
    store.write_rows(folder / "episodes.parquet", [row])
    store.write_rows(folder / "evals.parquet", [])
    return {"cpu_seconds": time.process_time() - start}


def timed(job: Job, folder: Path) -> dict[str, float]:
    """Run a job for real and return its CPU time."""
    from benchmarks.simulate import simulate

    start = time.process_time()
    simulate(job, folder)
    return {"cpu_seconds": time.process_time() - start}


def _cpu() -> float:
    """Return the CPU time of this process and of its children that have ended [s]."""
    import resource  # not on Windows

    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)
