"""Engines: the same numbers on each, deaths of workers included; a missing extra is named."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import store
from benchmarks.__main__ import main
from benchmarks.config import load_suite
from benchmarks.engines import ENGINES, Choice, check
from benchmarks.errors import InputError, RunError
from benchmarks.jobs import code_digest, expand, job_key
from benchmarks.runner import run_missing
from benchmarks.suite import run_suite
from benchmarks.worker import Outcome, Task, run_task
from tests.benchmarks.fakes import fake_run, printed, quiet_console, write_suite
from tests.benchmarks.fates import deadly_run, threads_allowed

# Of a local cluster: its processes, and what its libraries leave to the garbage collector
LIBRARIES = ("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def on_a_cluster(name: str, package: str) -> Any:
    """Return the parameter of an engine that needs an extra."""
    missing = not _installed(package)
    skip = pytest.mark.skipif(missing, reason=f"needs {package} (extra `{ENGINES[name].extra}`)")
    marks = [getattr(pytest.mark, name), skip, *map(pytest.mark.filterwarnings, LIBRARIES)]
    marks.append(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
    return pytest.param(Choice(name, 2, "local" if name == "slurm" else None), marks=marks, id=name)


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


CLUSTERS = [on_a_cluster("dask", "distributed"), on_a_cluster("ray", "ray"), on_a_cluster("slurm", "submitit")]
EVERY = [pytest.param(Choice("loky", 2), id="loky"), *CLUSTERS]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fake suite's file."""
    return write_suite(tmp_path_factory.mktemp("engines"), seeds=2)


@pytest.fixture(scope="module")
def alone(suite: Path) -> Path:
    """Its results, run without workers."""
    run_suite(str(suite), suite.parent / "alone", None, Choice("serial"), quiet_console(), fake_run)
    return suite.parent / "alone"


def finished(out: Path) -> set[str]:
    return {path.name for path in (out / "runs").iterdir() if (path / store.DONE).is_file()}


@pytest.mark.parametrize("choice", EVERY)
def test_the_same_bytes_on_every_engine(
    suite: Path, alone: Path, tmp_path: Path, choice: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    run_suite(str(suite), tmp_path / "out", None, choice, quiet_console(), threads_allowed)
    assert (tmp_path / "out" / "summary.csv").read_bytes() == (alone / "summary.csv").read_bytes()
    keys = finished(alone)
    assert finished(tmp_path / "out") == keys
    for key in keys:
        files = [store.run_folder(out, key) / "episodes.parquet" for out in (tmp_path / "out", alone)]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert {(store.run_folder(tmp_path / "out", key) / "threads").read_text() for key in keys} == {"1 1"}
    assert "NUMBA_NUM_THREADS" not in os.environ


@pytest.mark.filterwarnings("ignore:A worker stopped:UserWarning")
@pytest.mark.parametrize("choice", EVERY)
def test_deaths_and_errors_cost_only_their_jobs(suite: Path, tmp_path: Path, choice: Choice) -> None:
    jobs = {job_key(job): job for job in expand(load_suite(suite)) if job.agent != "learner"}
    out, console = tmp_path / "out", quiet_console()
    with pytest.raises(RunError) as caught:
        run_missing(jobs, out, choice, deadly_run, console)
    assert str(caught.value).startswith("2 of 6 jobs failed"), printed(console)
    names = {jobs[key].title for key in set(jobs) - finished(out)}
    assert names == {"tiny / greedy / seed 0", "floor / greedy / seed 0"}
    text = printed(console)
    assert "tiny / greedy / seed 0: its worker died" in text
    assert "floor / greedy / seed 0: ValueError: a bad table" in text
    assert "in deadly_run" in text  # the traceback
    run_missing(jobs, out, Choice("serial"), fake_run, quiet_console())
    assert finished(out) == set(jobs)
    assert list((out / store.RUNNING).iterdir()) == []


def test_worker_with_other_code_is_refused(suite: Path, tmp_path: Path) -> None:
    job = expand(load_suite(suite))[0]
    outcome = run_task(Task(job_key(job), job.model_dump_json(), str(tmp_path), "0123", fake_run))
    assert "this worker has other code" in outcome.error
    assert list(tmp_path.iterdir()) == []


def test_what_a_lost_attempt_has_finished_does_not_run_again(suite: Path, tmp_path: Path) -> None:
    job = expand(load_suite(suite))[0]
    key = job_key(job)
    task = Task(key, job.model_dump_json(), str(tmp_path), code_digest(), fake_run)
    first = run_task(task)
    before = (store.run_folder(tmp_path, key) / store.DONE).stat().st_mtime_ns
    assert run_task(task._replace(attempt=1)) == first
    assert (store.run_folder(tmp_path, key) / store.DONE).stat().st_mtime_ns == before


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without extras."""
    for entry in ENGINES.values():
        if entry.package:
            monkeypatch.setitem(sys.modules, entry.package, None)


@pytest.mark.parametrize("name", ["dask", "ray", "slurm"])
def test_missing_extra_is_named(
    bare: None, name: str, suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(suite), "--out", str(tmp_path / "out"), "--engine", name]) == 2
    message = capsys.readouterr().err
    assert f"error: --engine {name} needs the extra '{name}', which is not installed" in message
    assert f"pip install -e '.[bench,{name}]'" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice("spark"), "--engine: no engine 'spark'; allowed are serial, loky"),
        (Choice("loky", 0), "--workers must be at least 1, not 0"),
        (Choice("loky", 2, "tcp://there"), "--address: --engine loky runs on this machine and takes none"),
    ],
)
def test_bad_choices(choice: Choice, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(choice)


def test_lost_outcome_says_why() -> None:
    outcome = Outcome.of_lost("key", RuntimeError("gone\nfor good"))
    assert outcome.lost
    assert outcome.error == "its worker died (RuntimeError: gone)"
