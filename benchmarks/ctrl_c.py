"""Whether Ctrl-C was pressed while a job ran in this process, also where something inside took it for itself.

A training stops at Ctrl-C and returns what it has (`agents.interrupt`). What calls it may go on, as the experiments
with networks do, and its figures would be those of a training that was cut short.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def noticed() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether Ctrl-C has been pressed since, whoever has handled it.

    Python writes the number of every signal that it handles into a socket. Outside the main thread, or where somebody
    else reads these numbers (as asyncio does), nothing is noticed.
    """
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = _write_to(writing.fileno())
        try:
            yield lambda: signal.SIGINT in _read(reading)
        finally:
            if before is not None:
                signal.set_wakeup_fd(before)


def _write_to(file: int) -> int | None:
    """Have signals' numbers written to `file`; return where they went before, or None where that cannot be changed."""
    try:
        before = signal.set_wakeup_fd(file, warn_on_full_buffer=False)
    except ValueError:  # not the main thread
        return None
    if before == -1:
        return before
    signal.set_wakeup_fd(before)
    return None


def _read(numbers: socket.socket) -> bytes:
    """Return the numbers of the signals that have come."""
    try:
        return numbers.recv(4096)
    except BlockingIOError:
        return b""
