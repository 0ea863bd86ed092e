"""A suite that is killed again and again gives, in the end, what an uninterrupted one gives."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import record, store
from benchmarks.config import load_suite
from benchmarks.jobs import ROOT, expand, job_key
from benchmarks.summary import summarise, write_csv
from tests.benchmarks.fakes import write_suite
from tests.benchmarks.killing import LONGEST

EARLY = 0.25  # share of the kills that come at any moment, most of them before the first job


def start(suite: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.benchmarks.killing", str(suite), str(out), str(workers)]
    with said(out).open("wb") as output:
        return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


def said(out: Path) -> Path:
    return out.with_suffix(".txt")


def finished(out: Path) -> set[str]:
    runs = out / "runs"
    return {path.name for path in runs.iterdir() if path.suffix != store.PART} if runs.is_dir() else set()


def kill_at_random(suite: Path, out: Path, workers: int, stream: random.Random) -> None:
    """Start a run and kill it, after some more of its jobs have finished, or at any moment."""
    target = len(finished(out)) + stream.randrange(1, 4)
    until = time.monotonic() + (stream.uniform(0, 2) if stream.random() < EARLY else 120)
    process = start(suite, out, workers)
    while len(finished(out)) < target and time.monotonic() < until:
        assert process.poll() is None, said(out).read_text()
        time.sleep(0.01)
    time.sleep(stream.uniform(0, LONGEST))
    process.kill()
    assert process.wait() == -9, "the suite was over before it was killed"


def summary_of(suite: Path, out: Path) -> bytes:
    loaded = load_suite(suite)
    keys = [job_key(job) for job in expand(loaded)]
    write_csv(
        out / "summary.csv",
        summarise(loaded, store.read_runs(out, keys, "episodes.parquet"), record.units(loaded)),
    )
    return (out / "summary.csv").read_bytes()


@pytest.mark.parametrize(
    ("seeds", "kills", "workers"), [(3, 3, 1), pytest.param(12, 20, 2, marks=pytest.mark.slow, id="60-jobs-20-kills")]
)
def test_killed_suite_ends_like_an_uninterrupted_one(tmp_path: Path, seeds: int, kills: int, workers: int) -> None:
    suite = write_suite(tmp_path, seeds=seeds)
    keys = {job_key(job) for job in expand(load_suite(suite))}
    assert len(keys) == 5 * seeds
    stream, out = random.Random(kills), tmp_path / "killed"
    for _ in range(kills):
        kill_at_random(suite, out, workers, stream)
    for folder in (out, tmp_path / "whole"):
        process = start(suite, folder, workers)
        assert process.wait() == 0, said(folder).read_text()
        assert {path.name for path in (folder / "runs").iterdir()} == keys  # none lost, nothing left over
    assert summary_of(suite, out) == summary_of(suite, tmp_path / "whole")
    for key in keys:
        files = [store.run_folder(folder, key) / "episodes.parquet" for folder in (out, tmp_path / "whole")]
        assert files[0].read_bytes() == files[1].read_bytes()
    starts = Counter((out / "diary").read_text().split())
    assert set(starts) == keys
    assert sum(starts.values()) <= len(keys) + kills * workers  # only what ran when a run was killed ran again
    assert sum(starts.values()) > len(keys)  # and some did


def test_worker_ends_whose_parent_was_gone_before_it_asked() -> None:
    program = "import time; from benchmarks.worker import join_pool; join_pool(parent=2**22 + 1); time.sleep(60)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=50).returncode == 1
