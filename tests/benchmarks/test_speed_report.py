"""The report of very many rows: what is made up is a results folder; nothing timed is asserted."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from benchmarks import record, store
from benchmarks.speed import page
from benchmarks.statistics import t_interval
from tests.benchmarks.fakes import printed, quiet_console


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of few environments."""
    monkeypatch.setattr(page, "SUITE", "quick")


def test_made_up_results_have_a_report_with_their_means(tmp_path: Path) -> None:
    rows = page.make_results(tmp_path, 8_000, 2)
    made = record.load(tmp_path)
    played = store.read_runs(tmp_path, list(made.jobs), "episodes.parquet")
    assert played.height == rows > 4_000
    summary = record.summary_of(made, tmp_path)
    some = summary.rows[0]
    own = played.filter(env=some.environment, algo=some.agent, metric=some.metric)
    by_seed = own.group_by("seed", maintain_order=True).agg(pl.col("value").mean())["value"]
    assert some.estimate == pytest.approx(t_interval(by_seed.to_list()))
    record.render(made, summary, tmp_path)
    assert some.environment in (tmp_path / "report.html").read_text()


def test_prints_what_the_report_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ROWS", 3_000)
    monkeypatch.setattr(page, "SEEDS", 1)
    console = quiet_console()
    page.run_page(0.5, 1, console)
    text = printed(console)
    assert "episode rows: " in text
    assert re.search(r"[0-9.]+ CPU-seconds, [0-9.]+ GiB", text)  # a process' peak counts all that it did before


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"benchmarks report .* ended with status 2"):
        page.command_cost(["report", str(tmp_path)])
