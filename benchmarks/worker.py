"""What runs in a worker process: one job, from its spec to its finished run folder."""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import ctrl_c, machine, store
from benchmarks.errors import RunError
from benchmarks.jobs import Job, Spec, code_digest
from benchmarks.locks import working

Execute = Callable[[Any, Path], dict[str, float]]  # of a spec and the folder of its run

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
_WATCH = 0.5  # [s] between looks at whether the parent still lives


class Task(NamedTuple):
    """A job on its way to a worker: all that it needs to know."""

    key: str
    spec: str  # the job (or another kind of spec) as JSON
    out: str  # the results folder
    code: str  # digest of the code that is to run it
    execute: Execute
    attempt: int = 0
    kind: type[Any] = Job  # which model reads the spec


class Outcome(NamedTuple):
    """How a job ended: headline numbers to show, or an error (one line) with its traceback."""

    key: str
    seconds: float
    shown: dict[str, float]
    error: str = ""
    trace: str = ""
    disk: bool = False  # the results folder cannot be written: no use in starting further jobs
    lost: bool = False  # its worker died: worth another attempt

    @classmethod
    def of_lost(cls, key: str, error: BaseException) -> Outcome:
        """Return the outcome of a job whose worker died."""
        lines = str(error).strip().splitlines() or [""]
        return cls(key, 0.0, {}, f"its worker died ({type(error).__name__}: {lines[0]})", lost=True)


def run_task(task: Task) -> Outcome:
    """Run one task, in whatever process: refuse other code than the driver's, and what a lost attempt has finished."""
    if code_digest() != task.code:
        other = f"this worker has other code ({code_digest()}) than the driver ({task.code}): update its checkout"
        return Outcome(task.key, 0.0, {}, other)
    folder = store.run_folder(Path(task.out), task.key)
    if task.attempt and folder.is_dir() and store.check(folder) is None:
        facts = store.facts(folder)
        return Outcome(task.key, facts["wall_seconds"], facts["shown"])
    return perform(task.kind.model_validate_json(task.spec), task.key, Path(task.out), task.execute)


def run_tasks(tasks: list[Task]) -> list[Outcome]:
    """Run several tasks, one after the other, in a process of a pool."""
    _settle()
    return [run_task(task) for task in tasks]


def perform(job: Spec, key: str, out: Path, execute: Execute) -> Outcome:
    """Run one job and put its folder in place; errors come back in the outcome, so that other jobs go on.

    `execute(job, folder)` writes the run's files into `folder` and returns the numbers to show. An interrupted or
    failed job leaves its folder only if there is a checkpoint in it, from which the next attempt continues.
    """
    part = out / "runs" / f"{key}{store.PART}"
    try:
        with working(out, key):
            _tidy(part)
            return Outcome(key, *_run(job, store.part_folder(out, key), execute))
    except OSError as error:
        _tidy(part)
        if error.errno in _DISK_ERRORS:
            message = str(store.disk_error(error, Path(error.filename or part)))
            return Outcome(key, 0.0, {}, message, disk=True)
        return _failed(key, error)
    except RunError as error:
        _tidy(part)
        return Outcome(key, 0.0, {}, str(error), disk=True)
    except Exception as error:
        _tidy(part)
        return _failed(key, error)
    except BaseException:  # Ctrl-C
        _tidy(part)
        raise


def _run(job: Spec, part: Path, execute: Execute) -> tuple[float, dict[str, float]]:
    """Run one job in the folder `part` and put that in place; return its seconds and the numbers to show."""
    start, cpu = time.perf_counter(), time.process_time()
    (part / "config.json").write_text(_config(job))
    with ctrl_c.noticed() as pressed:
        shown = execute(job, part)
        if pressed():  # a training inside may have been cut short
            raise KeyboardInterrupt
    (part / store.TRAINING).unlink(missing_ok=True)
    seconds = time.perf_counter() - start
    ran_on = {"machine": machine.describe(), "load": machine.load()}
    store.commit(part, {"wall_seconds": seconds, "cpu_seconds": time.process_time() - cpu, "shown": shown, **ran_on})
    return seconds, shown


def join_pool(parent: int) -> None:
    """Leave Ctrl-C to the parent (its process number), and end when it has: first of all in a process of a pool."""
    with suppress(ValueError):  # not the main thread: nobody sends it signals
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with(parent)


def get_ready(execute: Execute) -> None:
    """Do nothing: that `execute` has arrived in this process means that its module, which may be heavy, is imported."""


@cache
def _settle() -> None:
    """Keep what is imported out of garbage collections: pools ask for one after every job, and it would look at all."""
    gc.collect()
    gc.freeze()


def _config(job: Spec) -> str:
    """Return config.json: the spec and what it ran on."""
    return json.dumps(
        {"job": job.model_dump(mode="json"), "code": code_digest(), "versions": machine.versions()}, indent=1
    )


def _failed(key: str, error: Exception) -> Outcome:
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return Outcome(key, 0.0, {}, line, "".join(traceback.format_exception(error)))


def _tidy(part: Path) -> None:
    """Remove an unfinished run folder, unless a checkpoint in it lets the job continue."""
    if not (part / store.TRAINING).is_file():
        shutil.rmtree(part, ignore_errors=True)


_watcher: threading.Thread | None = None


def _end_with(parent: int) -> None:
    """End this process soon after its parent was killed, so that a new run does not meet an old one's workers.

    The parent says who it is, as it may be gone before this process can ask.
    """
    global _watcher

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    if _watcher is None:
        _watcher = threading.Thread(target=watch, daemon=True)
        _watcher.start()
