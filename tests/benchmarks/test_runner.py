"""Running a suite: what is missing runs, failures are told and cost only themselves, and everything resumes.

What several workers make of it, and what happens when they die: test_engines.py.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
from pathlib import Path

import pytest

from agents.interrupt import Interrupt
from benchmarks import ctrl_c, store
from benchmarks.config import load_suite
from benchmarks.errors import RunError
from benchmarks.jobs import Job, expand, job_key
from benchmarks.runner import run_missing
from benchmarks.worker import perform
from tests.benchmarks.fakes import fake_run, printed, quiet_console, write_suite


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Job]:
    """The fake suite's 15 jobs."""
    return {job_key(job): job for job in expand(load_suite(write_suite(tmp_path)))}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A results folder."""
    return tmp_path / "results"


def finished(out: Path) -> set[str]:
    return {path.name for path in (out / "runs").iterdir() if (path / store.DONE).is_file()}


class Counting:
    """A job function that counts its calls and fails as told."""

    def __init__(self, fail_at: int = -1, error: BaseException | None = None) -> None:
        self.calls = 0
        self.fail_at = fail_at
        self.error = error

    def __call__(self, job: Job, folder: Path) -> dict[str, float]:
        self.calls += 1
        if self.calls == self.fail_at and self.error is not None:
            (folder / "episodes.parquet").write_text("half")
            raise self.error
        return fake_run(job, folder)


def test_runs_everything_and_shows_each_job(jobs: dict[str, Job], out: Path) -> None:
    console = quiet_console()
    run_missing(jobs, out, 1, fake_run, console)
    assert finished(out) == set(jobs)
    text = printed(console)
    for job in jobs.values():
        assert job.title in text
    assert "deliveries 30.00" in text


def test_second_run_runs_nothing(jobs: dict[str, Job], out: Path) -> None:
    run_missing(jobs, out, 1, fake_run, quiet_console())
    again, console = Counting(), quiet_console()
    run_missing(jobs, out, 1, again, console)
    assert again.calls == 0
    assert "15 of 15 jobs were finished before; 0 to run" in printed(console)


def test_only_what_is_missing_or_damaged_runs(jobs: dict[str, Job], out: Path) -> None:
    run_missing(jobs, out, 1, fake_run, quiet_console())
    damaged, half = sorted(jobs)[:2]
    (store.run_folder(out, damaged) / "episodes.parquet").write_bytes(b"PAR1 nonsense")
    (store.run_folder(out, half) / store.DONE).unlink()
    again, console = Counting(), quiet_console()
    run_missing(jobs, out, 1, again, console)
    assert again.calls == 2
    assert finished(out) == set(jobs)
    text = printed(console)
    assert f"{damaged}: episodes.parquet is damaged (its checksum differs); the job will run again" in text
    assert f"{half}: half written; the job will run again" in text


def test_failing_job_is_told_and_the_others_go_on(jobs: dict[str, Job], out: Path) -> None:
    console = quiet_console()
    with pytest.raises(RunError, match="1 of 15 jobs failed; the others are kept"):
        run_missing(jobs, out, 1, Counting(3, ValueError("a [bad] table")), console)
    assert len(finished(out)) == 14
    title = list(jobs.values())[2].title
    assert f"{title}: ValueError: a [bad] table" in printed(console)
    run_missing(jobs, out, 1, fake_run, quiet_console())
    assert finished(out) == set(jobs)


def test_full_disk_stops_and_keeps_what_was_finished(jobs: dict[str, Job], out: Path) -> None:
    full = Counting(4, OSError(errno.ENOSPC, "No space left on device", "episodes.parquet"))
    with pytest.raises(
        RunError, match=r"cannot write episodes.parquet: No space left on device; finished runs are kept"
    ):
        run_missing(jobs, out, 1, full, quiet_console())
    assert full.calls == 4
    assert len(finished(out)) == 3
    assert len(list((out / "runs").iterdir())) == 3
    again = Counting()
    run_missing(jobs, out, 1, again, quiet_console())
    assert again.calls == 12


def test_full_disk_while_a_run_is_put_in_place(
    jobs: dict[str, Job], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_rename(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source))

    key, job = next(iter(jobs.items()))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_rename)
        outcome = perform(job, key, out, fake_run)
    assert outcome.disk
    assert "No space left on device" in outcome.error
    assert list((out / "runs").iterdir()) == []


def test_results_folder_that_cannot_be_made(jobs: dict[str, Job], out: Path) -> None:
    out.write_text("a file")
    with pytest.raises(RunError, match="failed"):
        run_missing(jobs, out, 1, fake_run, quiet_console())
    assert out.read_text() == "a file"


def test_interrupt_leaves_a_state_that_resumes(jobs: dict[str, Job], out: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_missing(jobs, out, 1, Counting(6, KeyboardInterrupt()), quiet_console())
    assert len(finished(out)) == len(list((out / "runs").iterdir())) == 5
    again = Counting()
    run_missing(jobs, out, 1, again, quiet_console())
    assert again.calls == 10


def test_what_a_training_made_of_ctrl_c_is_not_kept(jobs: dict[str, Job], out: Path) -> None:
    """A training takes Ctrl-C for itself and returns early; what the job makes of that is no result."""
    pressing: list[bool] = [True]
    played: list[bool] = []

    def cut_short(job: Job, folder: Path) -> dict[str, float]:
        with Interrupt() as interrupt:
            if len(played) == 2 and pressing.pop():
                os.kill(os.getpid(), signal.SIGINT)
        played.append(interrupt.asked)
        return fake_run(job, folder)

    first = dict(list(jobs.items())[:4])
    with pytest.raises(KeyboardInterrupt):
        run_missing(first, out, 1, cut_short, quiet_console())
    assert played == [False, False, True]
    assert finished(out) == set(list(first)[:2])
    run_missing(first, out, 1, fake_run, quiet_console())
    assert finished(out) == set(first)


def test_signals_go_where_they_went_before() -> None:
    mine, other = socket.socketpair()
    with mine, other:
        mine.setblocking(False)
        other.setblocking(False)
        assert signal.set_wakeup_fd(other.fileno()) == -1
        try:
            with ctrl_c.noticed() as pressed, Interrupt():  # somebody else reads them, and goes on doing so
                os.kill(os.getpid(), signal.SIGINT)
                assert not pressed()
            assert mine.recv(10) == bytes([signal.SIGINT])
        finally:
            assert signal.set_wakeup_fd(-1) == other.fileno()
    with ctrl_c.noticed() as pressed, Interrupt():
        assert not pressed()
        os.kill(os.getpid(), signal.SIGINT)
        assert pressed()
    assert signal.set_wakeup_fd(-1) == -1


def test_interrupted_job_with_a_checkpoint_continues_from_it(jobs: dict[str, Job], out: Path) -> None:
    key, job = list(jobs.items())[-1]

    def stopped(job: Job, folder: Path) -> dict[str, float]:
        (folder / store.TRAINING).write_text("half way")
        raise KeyboardInterrupt

    seen = []

    def resumed(job: Job, folder: Path) -> dict[str, float]:
        seen.append((folder / store.TRAINING).read_text())
        return fake_run(job, folder)

    with pytest.raises(KeyboardInterrupt):
        run_missing({key: job}, out, 1, stopped, quiet_console())
    console = quiet_console()
    run_missing({key: job}, out, 1, resumed, console)
    assert seen == ["half way"]
    assert f"{job.title}: continues from its checkpoint" in printed(console)
    assert not (store.run_folder(out, key) / store.TRAINING).exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_missing_is_prepared_once(jobs: dict[str, Job], out: Path, workers: int) -> None:
    prepared: list[list[Job]] = []
    first = dict(list(jobs.items())[:4])
    run_missing(first, out, workers, fake_run, quiet_console(), prepared.append)
    run_missing(jobs, out, workers, fake_run, quiet_console(), prepared.append)
    run_missing(jobs, out, workers, fake_run, quiet_console(), prepared.append)
    assert prepared == [list(first.values()), list(jobs.values())[4:]]
