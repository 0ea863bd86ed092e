"""Learners that start from what was learned elsewhere: the job, what is refused, and what the report says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from agents import checkpoint
from benchmarks import store
from benchmarks.catalogue import check_job
from benchmarks.config import Suite, load_suite
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand, start_of, training_key
from benchmarks.report.transfers import transfer_table
from benchmarks.simulate import simulate
from benchmarks.warmup import SHORT, warm_up
from tests.benchmarks.fakes import SUITE, quiet_console, write_suite

LEARNER: dict[str, Any] = {
    "kind": "independent_q",
    "env": {"observation": "tabular", "reward": "individual"},
    "alpha": 0.1,
    "gamma": 0.9,
    "exploration": {"schedule": 0.2},
}
START: dict[str, Any] = {"params": {"layout": "tiny"}, "train_steps": 400, "compare": "new"}
FLOOR: dict[str, Any] = {
    "env": "warehouse_v0",
    "params": {"layout": "5x5", "num_robots": 2, "max_cycles": 20, "shaping": 1.0},
    "train_steps": 400,
}


def suite_of(folder: Path, start: dict[str, Any] = START, **changes: Any) -> Path:
    """Write a suite with a learner that starts from elsewhere and one that does not."""
    agents = {"greedy": {"kind": "greedy"}, "new": LEARNER, "moved": {**LEARNER, "alpha": 0.05, "start": start}}
    train = {"num_envs": 2, "evaluations": 2, "eval_episodes": 2, "result": "last"}
    plain = {"environments": {"floor": FLOOR}, "agents": agents, "seeds": 1, "train": train}
    return write_suite(folder, **{**plain, **changes})


def jobs_of(path: Path) -> dict[str, Job]:
    return {job.agent: job for job in expand(load_suite(path))}


def run(job: Job, folder: Path) -> pl.DataFrame:
    """Run a job and return its evaluations."""
    folder.mkdir(parents=True)
    simulate(job, folder)
    assert not (folder / store.TRAINING).exists() or checkpoint.read(folder / store.TRAINING)
    return pl.read_parquet(folder / "evals.parquet")


def test_the_training_begins_with_the_other_ones_table(tmp_path: Path) -> None:
    jobs = jobs_of(suite_of(tmp_path))
    before = start_of(jobs["moved"])
    assert before is not None
    assert start_of(jobs["new"]) is None
    moment = jobs["moved"].model_copy(update={"train_steps": 4})  # one step of two environments of two robots
    run(moment, tmp_path / "runs" / "moved")
    trained, there = checkpoint.read(tmp_path / "trained" / f"{training_key(before)}.npz")
    _, here = checkpoint.read(tmp_path / "runs" / "moved" / "checkpoint.npz")
    assert trained["learner"]["settings"]["alpha"] == {
        "kind": "constant",
        "value": 0.1,
    }  # as the one it is compared with
    assert trained["learner"]["environment"]["params"]["layout"] == "tiny"
    assert np.count_nonzero(there["learner/q"]) > 4
    assert np.count_nonzero(here["learner/q"] != there["learner/q"]) <= 4


def test_what_was_trained_before_is_used_again(tmp_path: Path) -> None:
    job = jobs_of(suite_of(tmp_path))["moved"]
    first = run(job, tmp_path / "runs" / "a")
    [trained] = (tmp_path / "trained").iterdir()
    stamp = trained.stat().st_mtime_ns
    assert run(job, tmp_path / "runs" / "b").drop("run").equals(first.drop("run"))
    assert trained.stat().st_mtime_ns == stamp
    trained.write_bytes(b"PK nonsense")
    assert run(job, tmp_path / "runs" / "c").drop("run").equals(first.drop("run"))


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({**START, "compare": "nobody"}, "agents.moved.start.compare: 'nobody' must be an agent of kind independent_q"),
        ({**START, "compare": "greedy"}, "agents.moved.start.compare: 'greedy' must be an agent of kind independent_q"),
        ({**START, "compare": "moved"}, "agents.moved.start.compare: 'moved' must be an agent of kind independent_q"),
        ({**START, "learner": {}}, "agents.moved.start.learner: not for suites"),
        ({**START, "params": {}}, "agents.moved.independent_q.start.params: "),
        ({**START, "params": {"layout": "huge"}}, "agents.moved.start.params (in floor): unknown layout 'huge'"),
        (
            {**START, "params": {"observation": "tabular_push"}},
            "agents.moved: start: what is learned there does not fit here: q is [1, 200000, 5] there, [1, 6208, 5]",
        ),
    ],
)
def test_bad_starts_are_refused_before_any_run(tmp_path: Path, start: dict[str, Any], message: str) -> None:
    def read_and_check() -> None:
        path = suite_of(tmp_path, start)
        check_job(jobs_of(path)["moved"], path)

    with pytest.raises(InputError) as caught:
        read_and_check()
    assert message in str(caught.value)


def test_who_is_compared_learns_in_the_same_environment(tmp_path: Path) -> None:
    moved = {**LEARNER, "env": {"observation": "tabular", "reward": "other"}, "start": START}
    agents = {"greedy": {"kind": "greedy"}, "new": LEARNER, "moved": moved}
    with pytest.raises(InputError, match=r"agents\.moved\.env must be that of 'new', with which it is compared"):
        load_suite(suite_of(tmp_path, agents=agents))


def test_to_compile_it_is_enough_to_train_elsewhere_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is trained meanwhile is not left behind."""
    path = suite_of(tmp_path, {**START, "train_steps": 10**9})
    seen: list[int] = []

    def look(job: Job, folder: Path) -> dict[str, float]:
        result = simulate(job, folder)
        seen.extend(checkpoint.read(trained)[0]["history"]["steps"] for trained in tmp_path.glob("*/trained/*.npz"))
        return result

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("benchmarks.simulate.simulate", look)
    warm_up([jobs_of(path)["moved"]], quiet_console())
    assert seen == [SHORT]
    assert list(tmp_path.iterdir()) == [path]


def test_who_is_compared_must_play_everywhere(tmp_path: Path) -> None:
    path = suite_of(tmp_path, environments={"floor": {**FLOOR, "agents": ["greedy", "moved"]}})
    with pytest.raises(
        InputError, match=r"environments\.floor.agents: 'new' must play, as 'moved' is compared with it"
    ):
        load_suite(path)


def test_the_report_says_what_was_saved() -> None:
    """By hand: nothing at first against 4, level 10 after 3 and 1 of 4 million steps, in one seed; never in another."""
    agents = {"greedy": {"kind": "greedy"}, "new": LEARNER, "moved": {**LEARNER, "start": START}}
    suite = Suite.model_validate({**SUITE, "environments": {"floor": FLOOR}, "agents": agents, "seeds": 2})
    courses = {
        ("new", 0): [0, 2, 6, 10, 10],
        ("moved", 0): [4, 11, 9, 9, 10],
        ("new", 1): [0, 1, 2, 3, 12],
        ("moved", 1): [6, 7, 8, 9, 11],
    }
    rows = [
        {"env": "floor", "algo": agent, "seed": seed, "step": step * 1_000_000, "episode": e, "metric": "deliveries"}
        | {"value": value + (-1.0, 1.0)[e]}
        for (agent, seed), values in courses.items()
        for step, value in enumerate(values)
        for e in range(2)
    ]
    table = transfer_table(pl.DataFrame(rows), "floor", suite)
    assert table is not None
    [line] = table.lines
    assert line[:3] == ["moved", "new", "0.0004"]
    assert line[3].startswith("5.0 ± ")  # (4 + 6) / 2
    assert line[4].startswith("11.0 ± ")  # (10 + 12) / 2
    assert line[5:] == ["3.00", "1.00", "66.7", "1 of 2"]
    assert len(line) == len(table.columns) == len(table.units)
    less = suite.model_copy(update={"better": "lower", "chance": "greedy"})
    [line] = transfer_table(pl.DataFrame(rows), "floor", less).lines  # type: ignore[union-attr]
    assert line[3].startswith("-5.0 ± ")  # where less is better, to begin with more is no start
    assert line[4].startswith("11.0 ± ")
    losses = pl.DataFrame(rows).with_columns(value=pl.col("value") - 20.0)
    [line] = transfer_table(losses, "floor", suite).lines  # type: ignore[union-attr]
    assert line[3].startswith("5.0 ± ")
    assert line[4].startswith("-9.0 ± ")  # a level may be below zero


def test_no_table_without_a_start() -> None:
    assert transfer_table(pl.DataFrame(), "floor", Suite.model_validate(SUITE)) is None
