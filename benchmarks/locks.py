"""Who may write into a results folder: one run at a time, and no run beside the workers of a run that was killed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from benchmarks import store
from benchmarks.errors import RunError

PATIENCE = 20.0  # [s] that a run waits for the workers of a killed one, which end soon after it on this machine
_POLL = 0.1  # [s]


@contextmanager
def lock(out: Path) -> Iterator[None]:
    """Hold the results folder, so that two runs at a time do not write into each other's run folders.

    Raises:
        RunError: the folder cannot be made or written, another process holds it, or workers of a run that was killed
            still work in it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle, workers = (out / ".lock").open("w"), (out / ".workers").open("w")
    except OSError as error:
        raise store.disk_error(error, out / ".lock") from error
    with handle, workers:
        try:
            _take(handle)
        except OSError as error:
            raise RunError(f"{out} is in use by another run; wait for it, or give another --out") from error
        _wait_for(workers, out)
        yield


def _wait_for(workers: IO[str], out: Path) -> None:
    """Wait until no worker holds the folder."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            _take(workers)
        except OSError as error:
            if time.monotonic() > until:
                raise RunError(f"jobs of a killed run still run in {out}; wait for them, or end them") from error
            time.sleep(_POLL)
        else:
            _let_go(workers)
            return


@contextmanager
def working(out: Path, key: str) -> Iterator[None]:
    """Hold the folder as a worker, among others, while a job runs; the job is listed in `running/`."""
    marker = running_file(out, key)
    marker.parent.mkdir(parents=True, exist_ok=True)
    with (out / ".workers").open("a") as handle:
        _take(handle, shared=True)
        marker.write_text("0")
        try:
            yield
        finally:
            marker.unlink(missing_ok=True)


def running_file(out: Path, key: str) -> Path:
    """Return the file that is there while the job `key` runs; it holds the share of the training that is done."""
    return out / store.RUNNING / key


if os.name == "nt":
    import msvcrt

    def _take(handle: IO[str], shared: bool = False) -> None:
        """Lock the file, or raise OSError. Windows has no shared locks here: its workers hold none."""
        if not shared:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]

    def _let_go(handle: IO[str]) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def _take(handle: IO[str], shared: bool = False) -> None:
        """Lock the file, or raise OSError; the system lets go when the process ends, however it ends."""
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _let_go(handle: IO[str]) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
