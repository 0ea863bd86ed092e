"""The live table: what it counts, what it shows as running, and how long it thinks the rest takes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.board import Board, shown
from benchmarks.config import load_suite
from benchmarks.jobs import Job, expand, job_key
from benchmarks.locks import running_file, working
from benchmarks.runner import run_missing
from benchmarks.worker import Outcome
from tests.benchmarks.fakes import fake_run, write_suite


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Job]:
    """The fake suite's 15 jobs: 9 that do not train, 6 learners."""
    return {job_key(job): job for job in expand(load_suite(write_suite(tmp_path)))}


def text_of(board: Board) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    console.print(board)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_cells_are_counted_and_the_rest_estimated_from_jobs_alike(jobs: dict[str, Job], tmp_path: Path) -> None:
    board = Board(jobs, tmp_path, workers=2)
    assert board.remaining() is None
    first, second = list(jobs)[:2]  # floor / greedy / seeds 0 and 1
    board.add(Outcome(first, 4.0, {}))
    board.add(Outcome(second, 0.0, {}, error="broken"))
    assert board.remaining() is None  # no learner has ended
    assert "about ? left" in text_of(board)
    learner = next(key for key, job in jobs.items() if job.agent == "learner")
    board.add(Outcome(learner, 10.0, {}))
    assert board.remaining() == (7 * 4.0 + 5 * 10.0) / 2
    text = text_of(board)
    assert "3/15 jobs" in text
    assert "about 0:00:39 left" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("floor") and "greedy" in line)
    assert row == ["floor", "greedy", "1/3", "1", "4.0"]


def test_running_jobs_show_their_share(jobs: dict[str, Job], tmp_path: Path) -> None:
    key = list(jobs)[-1]
    board = Board(jobs, tmp_path, workers=1)
    with working(tmp_path, key):
        assert f"running  {jobs[key].title}" in text_of(board)
        running_file(tmp_path, key).write_text("0.25")
        assert f"{jobs[key].title}  25%" in text_of(board)
    assert "running" not in text_of(board)


def test_many_cells_are_cut_with_a_count(jobs: dict[str, Job], tmp_path: Path) -> None:
    job = next(iter(jobs.values()))
    many = {str(n): job.model_copy(update={"environment": f"e{n:02}"}) for n in range(20)}
    board = Board(many, tmp_path, workers=1)
    for n in range(10):
        board.add(Outcome(str(n), 1.0, {}))
    text = text_of(board)
    assert "and 8 more" in text
    assert "e19" in text  # what is left comes first


def test_terminal_shows_the_table_and_failures_only(jobs: dict[str, Job], tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    run_missing(jobs, tmp_path / "out", 1, fake_run, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "15/15 jobs" in text
    assert "done    " not in text
    with shown(Board(jobs, tmp_path, 1), Console(file=io.StringIO())):  # no terminal: nothing is drawn
        pass
