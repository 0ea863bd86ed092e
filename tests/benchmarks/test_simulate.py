"""Real jobs, tiny ones: files, determinism, resuming a training, and a whole suite from the command line."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agents import train
from benchmarks import replay, store
from benchmarks.__main__ import main
from benchmarks.config import load_suite
from benchmarks.jobs import Job, expand
from benchmarks.simulate import simulate
from benchmarks.warmup import shrink
from marl_envs.warehouse.metrics import METRICS
from tests.benchmarks.fakes import SUITE, write_suite


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Job]:
    """One job a kind of agent on the small floor, with episodes of 20 steps."""
    environment = {
        "env": "warehouse_v0",
        "params": {"layout": "5x5", "num_robots": 2, "request_queue_size": 2, "max_cycles": 20},
        "train_steps": 400,
    }
    suite = load_suite(write_suite(tmp_path, environments={"floor": environment}, seeds=1))
    return {job.agent: job for job in expand(suite)}


def run(job: Job, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    simulate(job, folder)
    return folder


@pytest.mark.parametrize("agent", ["greedy", "learner"])
def test_writes_episodes_and_a_replay(jobs: dict[str, Job], tmp_path: Path, agent: str) -> None:
    folder = run(jobs[agent], tmp_path / "run")
    episodes = pl.read_parquet(folder / "episodes.parquet")
    assert set(episodes["phase"]) == {"eval"}
    assert episodes.filter(pl.col("metric") == "episode_length")["value"].to_list() == [20.0] * 4
    shown = replay.read(folder / store.REPLAY)
    assert len(shown["frames"]) == 21
    assert len(shown["rows"]) == 5


def test_learner_leaves_a_curve_and_its_table(jobs: dict[str, Job], tmp_path: Path) -> None:
    folder = run(jobs["learner"], tmp_path / "run")
    evals = pl.read_parquet(folder / "evals.parquet")
    assert sorted(set(evals["step"])) == [0, 200, 400]
    assert set(evals["phase"]) == {"train"}
    assert (folder / "checkpoint.npz").is_file()


@pytest.mark.parametrize("agent", ["greedy", "learner"])
def test_same_job_gives_the_same_numbers(jobs: dict[str, Job], tmp_path: Path, agent: str) -> None:
    def numbers(name: str) -> list[pl.DataFrame]:
        folder = run(jobs[agent], tmp_path / name)
        return [pl.read_parquet(folder / file).drop("run") for file in ("episodes.parquet", "evals.parquet")]

    for first, second in zip(numbers("a"), numbers("b"), strict=True):
        assert first.equals(second)


def test_interrupted_training_continues_to_the_same_numbers(
    jobs: dict[str, Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs["learner"]
    whole = run(job, tmp_path / "whole")

    def stopping(*args: object, **kwargs: object) -> object:
        steps = iter(range(1000))
        return train(*args, **kwargs, stop=lambda: next(steps) == 60)  # type: ignore[arg-type]

    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        patch.setattr("benchmarks.simulate.train", stopping)
        with pytest.raises(KeyboardInterrupt):
            run(job, part)
    assert (part / store.TRAINING).is_file()
    assert not (part / "episodes.parquet").exists()
    run(job, part)
    for file in ("episodes.parquet", "evals.parquet"):
        assert pl.read_parquet(part / file).drop("run").equals(pl.read_parquet(whole / file).drop("run"))


def test_damaged_training_checkpoint_means_starting_over(jobs: dict[str, Job], tmp_path: Path) -> None:
    whole, part = run(jobs["learner"], tmp_path / "whole"), tmp_path / "part"
    part.mkdir()
    (part / store.TRAINING).write_bytes(b"PK nonsense")
    run(jobs["learner"], part)
    names = ("episodes.parquet", "evals.parquet")
    first, second = ([pl.read_parquet(folder / file).drop("run") for file in names] for folder in (whole, part))
    assert all(a.equals(b) for a, b in zip(first, second, strict=True))


def test_shrunk_job_runs_the_same_agent_for_a_moment(jobs: dict[str, Job], tmp_path: Path) -> None:
    small = shrink(jobs["learner"])
    assert small.settings == jobs["learner"].settings
    folder = run(small, tmp_path / "small")
    lengths = pl.read_parquet(folder / "episodes.parquet").filter(pl.col("metric") == "episode_length")
    assert lengths["value"].to_list() == [3.0]


LEARNER = {"alpha": 0.1, "gamma": 0.9, "exploration": {"schedule": 0.2}}


@pytest.fixture
def errands(tmp_path: Path) -> dict[str, Job]:
    """One job a kind of agent that plays errands, with episodes of 20 steps."""
    params = {"floor": "aisles-1x1x4", "num_robots": 6, "max_cycles": 20}
    changes: dict[str, object] = {
        "headline": "throughput",
        "reference": "pibt",
        "chance": "random",
        "seeds": 1,
        "environments": {"floor": {"env": "errands_v0", "params": params, "train_steps": 400}},
        "agents": {
            "random": {"kind": "random"},
            "pibt": {"kind": "pibt"},
            "independent": {"kind": "independent_q", "env": {"observation": "tabular"}, **LEARNER},
            "shared": {"kind": "shared_q", "env": {"observation": "tabular", "reward": "team"}, **LEARNER},
        },
    }
    return {job.agent: job for job in expand(load_suite(write_suite(tmp_path, **changes)))}


@pytest.mark.parametrize("agent", ["random", "pibt", "independent", "shared"])
def test_errands_leave_episodes_and_a_replay(errands: dict[str, Job], tmp_path: Path, agent: str) -> None:
    folder = run(errands[agent], tmp_path / "run")
    episodes = pl.read_parquet(folder / "episodes.parquet")
    values = {metric: episodes.filter(pl.col("metric") == metric)["value"].to_list() for metric in episodes["metric"]}
    assert values["throughput"] == [tasks / 20 for tasks in values["tasks"]]
    if agent == "pibt":  # is what it says: no conflict, and tasks get done
        assert values["refused_fraction"] == [0.0] * 4
        assert min(values["tasks"]) > 0
    shown = replay.read(folder / store.REPLAY)
    assert len(shown["frames"]) == 21
    assert len(shown["robots"]) == 6


def test_a_suite_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environments: Any = copy.deepcopy(SUITE["environments"])
    for environment in environments.values():
        environment["params"]["max_cycles"] = 100
    path, out = write_suite(tmp_path, environments=environments), tmp_path / "out"
    command = ["run", str(path), "--out", str(out), "--seeds", "2", "--workers", "1"]
    assert main(command) == 0
    first = (out / "summary.csv").read_bytes()
    text = capsys.readouterr().out
    for part in ("floor", "tiny", "greedy", "learner", "bound", "of greedy", "report.html"):
        assert part in text
    assert (out / "report.html").stat().st_size > 20_000
    assert len(pl.read_parquet(out / "episodes.parquet")) == 10 * 4 * len(METRICS)  # jobs x episodes x metrics
    assert main([*command[:3], str(tmp_path / "again"), *command[4:]]) == 0
    assert (tmp_path / "again" / "summary.csv").read_bytes() == first
