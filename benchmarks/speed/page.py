"""What the report of very many episodes takes: time and memory of `report`, on made-up results of a suite."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rich.console import Console

from benchmarks import catalogue, record, store
from benchmarks.config import load_suite, suite_path
from benchmarks.jobs import ROOT, Job, expand, job_key

if TYPE_CHECKING:
    import polars as pl

SUITE, ROWS, SEEDS = "warehouse", 10_000_000, 10
EVALUATIONS, EPISODES = 20, 32  # of a training


class Taken(NamedTuple):
    """What a process took."""

    wall: float  # [s]
    cpu: float  # [s]
    memory: float  # at most, [GiB]


def run_page(seconds: float, repeats: int, console: Console) -> None:
    """Measure and print; `seconds` and `repeats` have no meaning here."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        rows = make_results(out, ROWS, SEEDS)
        taken = command_cost(["report", str(out)])
        size = (out / "report.html").stat().st_size / 1e6
    console.print(
        f"Report of {rows:,} episode rows: {taken.wall:.1f} s, {taken.cpu:.1f} CPU-seconds, "
        f"{taken.memory:.2f} GiB; the page has {size:.1f} MB"
    )


def command_cost(arguments: list[str]) -> Taken:
    """Run `python -m benchmarks ARGUMENTS` and return what it took."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, text=True
    )
    _, status, used = os.wait4(process.pid, 0)  # not on Windows
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"python -m benchmarks {' '.join(arguments)} ended with status {process.returncode}")
    return Taken(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / (1 << 20))


def make_results(out: Path, rows: int, seeds: int) -> int:
    """Write a results folder of SUITE with numbers drawn at random; return its rows of final episodes."""
    suite = load_suite(suite_path(SUITE)).model_copy(update={"seeds": seeds})
    jobs = [job.model_copy(update={"replay": False}) for job in expand(suite)]
    rng = np.random.default_rng(0)
    episodes = max(1, rows // sum(len(catalogue.metrics(job.env)) for job in jobs))
    written = 0
    for job in jobs:
        part = store.part_folder(out, job_key(job))
        final = _rows(job, "eval", [job.train_steps], episodes, rng)
        final.write_parquet(part / "episodes.parquet")
        steps = np.linspace(0, job.train_steps, EVALUATIONS + 1).astype(int).tolist() if job.train else []
        _rows(job, "train", steps, EPISODES, rng).write_parquet(part / "evals.parquet")
        store.commit(part, {"wall_seconds": 1.0, "cpu_seconds": 1.0, "shown": {}})
        written += final.height
    record.save(record.make_record(suite, {job_key(job): job for job in jobs}, f"made up, {rows:,} rows"), out)
    return written


def _rows(job: Job, phase: str, steps: list[int], episodes: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return rows as a run has them: by step, episode and metric."""
    import polars as pl

    metrics = list(catalogue.metrics(job.env))
    count = len(steps) * episodes * len(metrics)
    columns = {
        "run": pl.repeat(job_key(job), count, eager=True),
        "seed": pl.repeat(job.seed, count, dtype=pl.Int64, eager=True),
        "env": pl.repeat(job.environment, count, eager=True),
        "algo": pl.repeat(job.agent, count, eager=True),
        "phase": pl.repeat(phase, count, eager=True),
        "step": np.repeat(np.array(steps, np.int64), episodes * len(metrics)),
        "episode": np.tile(np.repeat(np.arange(episodes), len(metrics)), len(steps)),
        "agent": pl.repeat("team", count, eager=True),
        "metric": pl.Series(metrics, dtype=pl.String).gather(np.tile(np.arange(len(metrics)), len(steps) * episodes)),
        "value": rng.random(count) * 10,
    }
    return pl.DataFrame(columns)
