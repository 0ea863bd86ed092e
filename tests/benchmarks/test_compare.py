"""compare: what is gone counts as much as what became worse, and learners that explore are compared, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks import store
from benchmarks.__main__ import main
from benchmarks.jobs import Job
from benchmarks.suite import run_suite
from tests.benchmarks.fakes import SUITE, fake_run, quiet_console, write_suite


def explored(job: Job, folder: Path) -> dict[str, float]:
    """Do as `fake_run`, with half of it while exploring."""
    shown = fake_run(job, folder)
    if job.train:
        path = folder / "episodes.parquet"
        rows = pl.read_parquet(path)
        half = rows.with_columns(pl.lit("sampled").alias("phase"), pl.col("value") / 2)
        store.write_rows(path, [*rows.iter_rows(), *half.iter_rows()])
    return shown


def results(folder: Path, run: Any, **changes: Any) -> Path:
    """Return results of the fake suite, with `changes`."""
    folder.mkdir()
    run_suite(str(write_suite(folder, **changes)), folder / "out", None, 1, quiet_console(), run)
    return folder / "out"


def test_an_agent_that_is_gone_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agents: dict[str, Any] = dict(SUITE["agents"])  # type: ignore[call-overload]
    whole = results(tmp_path / "whole", fake_run)
    part = results(tmp_path / "part", fake_run, agents={"greedy": agents["greedy"]})
    assert main(["compare", str(whole), str(part)]) == 1
    text = capsys.readouterr().out
    assert "only in the first: floor / learner (deliveries)" in text
    assert "no regression" in text
    assert "2 results are gone" in text
    assert main(["compare", str(part), str(whole)]) == 0
    assert "only in the second: floor / learner" in capsys.readouterr().out


def test_fewer_seeds_are_said_not_to_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = results(tmp_path / "whole", fake_run)
    few = results(tmp_path / "few", fake_run, seeds=1)
    assert main(["compare", str(whole), str(few), "--fewest", "1"]) == 0
    capsys.readouterr()
    assert main(["compare", str(whole), str(few)]) == 2
    assert "no environment, agent and 2 seeds in common" in " ".join(capsys.readouterr().err.split())


def test_what_learners_do_as_they_explore_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"num_envs": 2, "episodes": 4, "sampled": True}
    before = results(tmp_path / "before", explored, evaluate=asked)
    assert main(["compare", str(before), str(before)]) == 0
    assert capsys.readouterr().out.count("learner (sampled)") == 2
    after = results(tmp_path / "after", fake_run, evaluate=asked)
    assert main(["compare", str(before), str(after)]) == 1
    assert "only in the first: tiny / learner (sampled) (deliveries)" in capsys.readouterr().out
