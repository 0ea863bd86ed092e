"""Runs a range kernel on threads: kernels release the GIL and environments are independent: any split is exact.

A step takes some tens of microseconds a thread, about as long as the operating system takes to wake one. So workers
do their jobs in compiled code that never asks for the GIL, and one that has nothing to do watches for the next job
for a while (as OpenMP's threads do) before it goes to sleep.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from marl_envs.core.atomic import DONE, JOB, address_of, is_done, post, serve
from marl_envs.core.family import Range
from marl_envs.core.params import ParameterError, check_int

_PATIENCE = 1_000_000  # looks before going to sleep, about half a millisecond
_libc: Any = ctypes.CDLL(None) if os.name == "posix" else None


def available() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """A fixed number of threads; the caller's own is one of them. Workers start on first use, anew after a fork."""

    def __init__(self, num_threads: int) -> None:
        """Raise ParameterError if there are fewer processors than `num_threads`."""
        self.num_threads = check_int("num_threads", num_threads, 1)
        if num_threads > available():
            raise ParameterError(f"num_threads is {num_threads}, but this process may use {available()} processors")
        self._workers: _Workers | None = None

    def run(self, kernel: Range, table: Any, operation: int, count: int) -> None:
        """Call `kernel(table, operation, first, last)` on ranges that cover 0..count-1 and wait for all of them."""
        if self.num_threads == 1:
            kernel(table, operation, 0, count)
            return
        if not hasattr(kernel, "overloads"):
            _run_plain(kernel, table, operation, [count * k // self.num_threads for k in range(self.num_threads + 1)])
            return
        workers = self._hire()
        workers.begin(address_of(kernel), table, operation, count)
        try:
            kernel(table, operation, 0, count // self.num_threads)
        finally:  # also on Ctrl-C: the next job must not meet this one
            workers.finish()

    def _hire(self) -> _Workers:
        if self._workers is None or self._workers.owner != os.getpid():  # a forked child has no threads but this one
            self._workers = _Workers(self.num_threads - 1)
            weakref.finalize(self, self._workers.dismiss)
        return self._workers

    def close(self) -> None:
        """Stop the workers; the next `run` starts new ones."""
        if self._workers is not None:
            self._workers.dismiss()
        self._workers = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without threads."""
        return {"num_threads": self.num_threads, "_workers": None}


def _run_plain(kernel: Range, table: Any, operation: int, edges: list[int]) -> None:
    """Run a kernel that is not compiled (NUMBA_DISABLE_JIT=1)."""
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        jobs = [pool.submit(kernel, table, operation, a, b) for a, b in pairwise(edges)]
    for job in jobs:
        job.result()


class _Workers:
    """The threads and their mailbox. Worker k does the range edges[k + 1]..edges[k + 2]."""

    def __init__(self, count: int) -> None:
        self.owner = os.getpid()
        self._count = count
        self._mailbox = np.zeros(DONE + count + count + 2, np.int64)
        self._job = 0
        self._dismissed = False
        self._caller = -1  # processor of the thread that posted the last job to a sleeper
        self._sleepers: dict[int, bool] = {}  # whom to wake; dict.pop decides who takes an entry out
        self._wake = [threading.Lock() for _ in range(count)]
        post(self._mailbox, count, 0, 0, self._mailbox, 0, 0)  # compile or load what is needed, in this thread
        is_done(self._mailbox, count, 0, 0)
        for k, lock in enumerate(self._wake):
            lock.acquire()
            threading.Thread(target=self._work, args=(k,), name=f"marl_envs_{k}", daemon=True).start()

    def begin(self, address: int, table: Any, operation: int, count: int) -> None:
        """Let the workers start on the kernel at `address`, over 0..count-1 less the caller's share, the first."""
        self._job += 1
        post(self._mailbox, self._count, self._job, address, table, operation, count)
        if self._sleepers:
            self._caller = _current_processor()
            for k, lock in enumerate(self._wake):
                if self._sleepers.pop(k, False):
                    lock.release()

    def finish(self) -> None:
        """Wait until all workers have done the job."""
        while not is_done(self._mailbox, self._count, self._job, _PATIENCE):
            time.sleep(0)  # the machine is busy: let the worker have this processor

    def dismiss(self) -> None:
        """End the threads."""
        if self.owner == os.getpid() and not self._dismissed:
            self._dismissed = True
            self.begin(0, self._mailbox, 0, 0)

    def _work(self, k: int) -> None:
        seen = 0
        while True:
            seen = serve(self._mailbox, self._count, k, seen, _PATIENCE)
            if seen < 0:
                return
            self._sleepers[k] = True
            # A job may have come since; then the caller has taken the entry out and wakes us, or we take it out.
            if self._mailbox[JOB] == seen or self._sleepers.pop(k, None) is None:
                self._wake[k].acquire()
                _leave_processor(self._caller)


def _current_processor() -> int:
    """Return which processor this thread runs on, or -1 where the system does not say."""
    return _libc.sched_getcpu() if hasattr(_libc, "sched_getcpu") else -1


def _leave_processor(processor: int) -> None:
    """Move this thread to another processor than that one, and let it go anywhere from then on.

    Linux likes to wake a thread where its waker runs; the two would take turns there for milliseconds.
    """
    if processor >= 0 and hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        if others := allowed - {processor}:
            os.sched_setaffinity(0, others)
            os.sched_setaffinity(0, allowed)
