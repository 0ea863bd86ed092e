"""What runs in a worker process: one job, from its spec to its finished run folder."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks import store
from benchmarks.jobs import Job, code_digest

Execute = Callable[[Job, Path], dict[str, float]]

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
_WATCH = 0.5  # [s] between looks at whether the parent still lives


class Outcome(NamedTuple):
    """How a job ended: headline numbers to show, or an error (one line) with its traceback."""

    key: str
    job: Job
    seconds: float
    shown: dict[str, float]
    error: str = ""
    trace: str = ""
    disk: bool = False  # the results folder cannot be written: no use in starting further jobs


def perform(job: Job, key: str, out: Path, execute: Execute) -> Outcome:
    """Run one job and put its folder in place; errors come back in the outcome, so that other jobs go on.

    `execute(job, folder)` writes the run's files into `folder` and returns the numbers to show. An interrupted or
    failed job leaves its folder only if there is a checkpoint in it, from which the next attempt continues.
    """
    start, cpu = time.perf_counter(), time.process_time()
    part = out / "runs" / f"{key}{store.PART}"
    try:
        part = store.part_folder(out, key)
        (part / "config.json").write_text(_config(job))
        shown = execute(job, part)
        (part / store.TRAINING).unlink(missing_ok=True)
        seconds = time.perf_counter() - start
        store.commit(part, {"wall_seconds": seconds, "cpu_seconds": time.process_time() - cpu})
        return Outcome(key, job, seconds, shown)
    except OSError as error:
        _tidy(part)
        if error.errno in _DISK_ERRORS:
            message = str(store.disk_error(error, Path(error.filename or part)))
            return Outcome(key, job, 0.0, {}, message, disk=True)
        return _failed(key, job, error)
    except Exception as error:
        _tidy(part)
        return _failed(key, job, error)
    except BaseException:  # Ctrl-C
        _tidy(part)
        raise


def perform_in_worker(job: Job, key: str, out: Path, execute: Execute) -> Outcome:
    """Run one job in a worker process, which leaves Ctrl-C to its parent and ends when the parent has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    return perform(job, key, out, execute)


def get_ready() -> None:
    """Import what jobs need; the first call in a worker process."""
    import benchmarks.simulate  # noqa: F401


def _config(job: Job) -> str:
    """Return config.json: the spec and what it ran on."""
    import json
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for package in ("marl-envs", "numpy", "numba"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # run from a checkout that is not installed
            versions[package] = "not installed"
    return json.dumps({"job": job.model_dump(mode="json"), "code": code_digest(), "versions": versions}, indent=1)


def _failed(key: str, job: Job, error: Exception) -> Outcome:
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return Outcome(key, job, 0.0, {}, line, "".join(traceback.format_exception(error)))


def _tidy(part: Path) -> None:
    """Remove an unfinished run folder, unless a checkpoint in it lets the job continue."""
    if not (part / store.TRAINING).is_file():
        shutil.rmtree(part, ignore_errors=True)


_watcher: threading.Thread | None = None


def _end_with_parent() -> None:
    """End this process soon after its parent was killed, so that a new run does not meet an old one's workers."""
    global _watcher
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    if _watcher is None:
        _watcher = threading.Thread(target=watch, daemon=True)
        _watcher.start()
