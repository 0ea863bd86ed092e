"""A suite and jobs that take no time: numbers made from the job's names instead of a simulation."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console

from benchmarks import store
from benchmarks.jobs import Job
from marl_envs.render.trajectory import Trajectory, pack_frames

SUITE = {
    "title": "Fake",
    "seeds": 3,
    "headline": "deliveries",
    "reference": "greedy",
    "tables": {"Results": ["deliveries", "service_time"], "Other": ["jain_fairness"]},
    "evaluate": {"num_envs": 2, "episodes": 4},
    "train": {"num_envs": 2, "evaluations": 2, "eval_episodes": 2},
    "environments": {
        "floor": {
            "env": "warehouse_v0",
            "params": {"layout": "5x5", "num_robots": 2, "request_queue_size": 2},
            "train_steps": 100,
            "bound": {"agent": "greedy", "params": {"num_robots": 1}, "times": 2, "label": "bound"},
        },
        "tiny": {"env": "warehouse_v0", "params": {"layout": "tiny", "num_robots": 2}, "train_steps": 100},
    },
    "agents": {
        "greedy": {"kind": "greedy"},
        "learner": {
            "kind": "independent_q",
            "env": {"observation": "tabular", "reward": "individual"},
            "alpha": 0.1,
            "gamma": 0.9,
            "exploration": {"rule": "epsilon_greedy", "schedule": {"start": 0.2, "end": 0.0}},
        },
    },
}


def write_suite(folder: Path, **changes: object) -> Path:
    """Write the fake suite with `changes` as folder/fake.yaml."""
    path = folder / "fake.yaml"
    path.write_text(yaml.safe_dump({**SUITE, **changes}, sort_keys=False))
    return path


def fake_run(job: Job, folder: Path) -> dict[str, float]:
    """Write a run folder whose deliveries are 10 a seed, +1 an episode, halved for the learner."""
    rows: list[list[tuple[object, ...]]] = []
    for phase, steps in (("eval", (job.train_steps,)), ("train", (0, 100) if job.train else ())):
        rows.append([])
        for step in steps:
            for episode in range(4):
                value = (10.0 * (1 + job.seed) + episode) / (2 if job.train else 1)
                names = ("run", job.seed, job.environment, job.agent, phase, step, episode, "team")
                rows[-1].append((*names, "deliveries", value))
                rows[-1].append((*names, "service_time", float("nan") if episode else 7.0))
                rows[-1].append((*names, "jain_fairness", 1.0))
    store.write_rows(folder / "episodes.parquet", rows[0])
    store.write_rows(folder / "evals.parquet", rows[1])
    if job.replay:
        fake_trajectory().save(folder / store.REPLAY)
    return {"deliveries": 10.0 * (1 + job.seed)}


def fake_trajectory() -> Trajectory:
    """Return one step of two robots on a floor of four cells, of which one carries the only shelf."""
    frame = {
        "robots": np.array([[0, 0, 1, -1], [1, 0, 2, 0]], np.int32),
        "shelves": np.array([[1, 0], [1, 1]], np.int32),
        "requested": np.array([True, False]),
        "deliveries": np.array([0, 3], np.int32),
    }
    env = {"env": "warehouse_v0", "params": {"layout": ".g\nxx"}}
    return Trajectory(env, 0, ("robot_0", "robot_1"), np.zeros((1, 2), np.int16), pack_frames([frame, frame]))


def quiet_console() -> Console:
    """Return a console whose text `printed` gives back."""
    return Console(file=io.StringIO(), width=200, highlight=False)


def printed(console: Console) -> str:
    """Return what was printed on `quiet_console()`."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
