"""Episodes are found by what happened in them, and played again as they were."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import episodes, store
from benchmarks.config import load_suite
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand, job_key
from benchmarks.simulate import simulate
from tests.benchmarks.fakes import SUITE, write_suite

FLOOR = {
    "env": "warehouse_v0",
    "params": {"layout": "5x5", "num_robots": 2, "request_queue_size": 2, "max_cycles": 60},
    "train_steps": 4000,
}
CHANGES = {
    "seeds": 2,
    "environments": {"floor": FLOOR},
    "evaluate": {"num_envs": 3, "episodes": 7},
    "agents": {**SUITE["agents"], "random": {"kind": "random"}},  # type: ignore[dict-item]
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Job]]:
    """A results folder with the finished runs of a small suite, and its jobs."""
    out = tmp_path_factory.mktemp("runs")
    jobs = {job_key(job): job for job in expand(load_suite(write_suite(out, **CHANGES)))}
    for key, job in jobs.items():
        folder = store.run_folder(out, key)
        folder.mkdir(parents=True)
        simulate(job, folder)
    return out, jobs


def rows(out: Path, jobs: dict[str, Job]) -> pl.DataFrame:
    found = pl.concat([pl.read_parquet(store.run_folder(out, key) / "episodes.parquet") for key in jobs])
    assert set(found["run"]) == set(jobs)
    return found


def of(jobs: dict[str, Job], agent: str) -> dict[str, Job]:
    return {key: job for key, job in jobs.items() if job.agent == agent}


@pytest.mark.parametrize("agent", ["random", "greedy", "learner"])
def test_what_is_played_again_is_what_was_measured(runs: tuple[Path, dict[str, Job]], agent: str) -> None:
    out, jobs = runs
    key, job = next((key, job) for key, job in of(jobs, agent).items() if job.seed == 1)
    counted = rows(out, {key: job})
    starts = set()
    for number in range(7):
        values = dict(counted.filter(pl.col("episode") == number).select("metric", "value").iter_rows())
        trajectory = episodes.trajectory(job, store.run_folder(out, key), number)
        frames = list(trajectory.frames())
        assert len(frames) == values["episode_length"] + 1
        delivered = [int(frame["deliveries"].sum()) for frame in frames]
        assert delivered[0] == 0
        assert delivered[-1] == values["deliveries"]
        places = np.array([frame["robots"][:, :2] for frame in frames], int)
        moved = np.abs(np.diff(places, axis=0)).sum()
        assert moved / (2 * trajectory.steps) == pytest.approx(values["moving_fraction"])
        starts.add(places[0].tobytes() + places[5].tobytes())
    assert len(starts) > 3


def test_finds_the_extremes(runs: tuple[Path, dict[str, Job]]) -> None:
    out, jobs = runs
    group = of(jobs, "random")
    counted = rows(out, group).filter(pl.col("metric") == "deliveries")
    values = {(run, n): value for run, n, value in counted.select("run", "episode", "value").iter_rows()}
    worst, best = (episodes.find(counted, group, what) for what in ("worst", "best"))
    assert worst is not None
    assert best is not None
    assert worst.value == min(values.values()) == values[worst.key, worst.number]
    assert best.value == max(values.values()) == values[best.key, best.number]


def table(jobs: dict[str, Job], metric: str, values: dict[tuple[int, int], float]) -> pl.DataFrame:
    """Return episodes in long form from values by seed and number."""
    keys = {job.seed: key for key, job in jobs.items()}
    lines = [(keys[seed], "eval", seed, n, metric, value) for (seed, n), value in values.items()]
    return pl.DataFrame(lines, schema=["run", "phase", "seed", "episode", "metric", "value"], orient="row")


def test_finds_the_first_deadlock_and_when_it_was(runs: tuple[Path, dict[str, Job]]) -> None:
    _, jobs = runs
    group = of(jobs, "greedy")
    nan = float("nan")
    counted = pl.concat(
        [
            table(group, "deadlocks", {(1, 0): 2.0, (0, 3): 1.0, (0, 5): 4.0, (0, 0): 0.0}),
            table(group, "deadlock_first", {(1, 0): 11.0, (0, 3): 29.0, (0, 5): 3.0, (0, 0): nan}),
            table(group, "deliveries", {(1, 0): 1.0, (0, 3): 5.0, (0, 5): 6.0, (0, 0): 9.0}),
        ]
    )
    found = episodes.find(counted, group, "first-deadlock")
    assert found is not None
    assert (group[found.key].seed, found.number, found.value, found.step) == (0, 3, 5.0, 29)
    none = table(group, "deadlocks", {(0, 0): 0.0})
    assert episodes.find(none, group, "first-deadlock") is None


def test_refuses_what_cannot_be_found(runs: tuple[Path, dict[str, Job]]) -> None:
    out, jobs = runs
    group = of(jobs, "random")
    with pytest.raises(
        InputError, match=r"no episodes called 'first-collision'; allowed are worst, best, first-deadlock"
    ):
        episodes.find(rows(out, group), group, "first-collision")
    key, job = next(iter(group.items()))
    with pytest.raises(InputError, match=r"no episode 7 to play again .*allowed are 0 to 6"):
        episodes.play_again(job, store.run_folder(out, key), 7)


def test_refuses_what_comes_out_differently(runs: tuple[Path, dict[str, Job]], tmp_path: Path) -> None:
    out, jobs = runs
    key, job = next(iter(of(jobs, "greedy").items()))
    folder = tmp_path / key
    shutil.copytree(store.run_folder(out, key), folder)
    changed = pl.col("value") + ((pl.col("metric") == "deliveries") & (pl.col("episode") == 2)).cast(float)
    table = pl.read_parquet(folder / "episodes.parquet").with_columns(changed)
    table.write_parquet(folder / "episodes.parquet")
    episodes.play_again(job, folder, 1)
    with pytest.raises(InputError, match=r"episode 2 comes out differently now \(deliveries\): the code has changed"):
        episodes.play_again(job, folder, 2)
