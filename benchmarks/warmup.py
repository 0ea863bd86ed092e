"""Compiles every kernel that a suite's jobs use, in this process, so that workers only load them from the disk."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from benchmarks.config_agents import Agent
from benchmarks.jobs import Job

MESSAGE = "compiling kernels (first use, less than a minute) ..."
SHORT = 16  # agent-steps of a training that only compiles


@contextmanager
def compiling_message(console: Console) -> Iterator[None]:
    """Say on the screen as soon as something inside has to be compiled, and how long it took."""
    from marl_envs.core.jit import compiled_count, first_use

    before, start = compiled_count(), time.perf_counter()
    with first_use.saying(lambda: console.print(MESSAGE)):
        yield
    if compiled_count() > before:
        console.print(f"compiled after {time.perf_counter() - start:.0f} s; from now on they load from the disk")


def warm_up(jobs: list[Job], console: Console) -> None:
    """Run one tiny job of every kind."""
    from benchmarks.simulate import simulate

    kinds: dict[tuple[object, ...], Job] = {}
    for job in jobs:
        exploration = getattr(job.settings, "exploration", None)
        kinds.setdefault((job.env, job.settings.kind, exploration and exploration.rule), job)
    with compiling_message(console):
        for job in kinds.values():
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder) / "runs" / "job"  # as in a results folder: trainings that jobs share lie beside runs
                run.mkdir(parents=True)
                simulate(shrink(job), run)


def shrink(job: Job) -> Job:
    """Return a job of a few steps that runs the same kernels."""
    short = {"num_envs": 2, "evaluations": 1, "eval_episodes": 1, "checkpoints": 1}
    train = job.train and job.train.model_copy(update={**short, "safety_episodes": None, "safety_params": {}})
    return job.model_copy(
        update={
            "settings": _shrunk(job.settings),
            "params": {**job.params, "max_cycles": 3},
            "train_params": job.train_params and {**job.train_params, "max_cycles": 3},
            "train": train,
            "train_steps": min(job.train_steps, SHORT),
            "evaluate": job.evaluate.model_copy(update={"num_envs": 1, "episodes": 1}),
        }
    )


def _shrunk(settings: Agent) -> Agent:
    """Return an agent's settings, with a short training elsewhere if it starts from one."""
    start = getattr(settings, "start", None)
    if start is None:
        return settings
    steps = min(start.train_steps, SHORT)
    return settings.model_copy(update={"start": start.model_copy(update={"train_steps": steps})})
