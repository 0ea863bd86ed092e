"""A run does not begin beside the workers of a killed one."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from benchmarks import locks
from benchmarks.errors import RunError
from benchmarks.locks import lock, running_file, working

KEY = "0123456789abcdef"


def test_run_is_refused_while_workers_of_another_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    beside = pytest.raises(RunError, match="jobs of a killed run still run in")
    # Workers do not disturb each other
    with working(tmp_path, KEY), working(tmp_path, KEY[::-1]), beside, lock(tmp_path):
        pass
    with lock(tmp_path), working(tmp_path, KEY):  # nor does the run that they belong to
        assert running_file(tmp_path, KEY).is_file()
    assert not running_file(tmp_path, KEY).exists()


def test_run_waits_for_workers_that_end(tmp_path: Path) -> None:
    began, ended = threading.Event(), []

    def work() -> None:
        with working(tmp_path, KEY):
            began.set()
            time.sleep(0.3)
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    with lock(tmp_path):
        assert ended == [True]
    thread.join()
