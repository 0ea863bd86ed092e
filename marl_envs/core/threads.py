"""Runs a range kernel on threads: kernels release the GIL and environments are independent: any split is exact.

A step takes some tens of microseconds a thread, about as long as the operating system takes to wake one. So a worker
that has nothing to do watches for the next job for a while (as OpenMP's do) before it goes to sleep.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

import numpy as np

from marl_envs.core.atomic import watch
from marl_envs.core.family import Range
from marl_envs.core.params import ParameterError, check_int

_PATIENCE = 100_000  # looks before going to sleep, about 0.1 ms
# Looks between seeing a job and taking it: the caller must have left the interpreter by then, for whoever finds
# the GIL taken sleeps.
_COURTESY = 1500


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

    def run(self, kernel: Range, table: Any, count: int) -> None:
        """Call `kernel(table, first, last)` on ranges that cover 0..count-1 and wait for all of them."""
        if self.num_threads == 1:
            kernel(table, 0, count)
            return
        edges = [count * k // self.num_threads for k in range(self.num_threads + 1)]
        workers = self._hire()
        workers.begin((kernel, table, edges))
        try:
            kernel(table, 0, edges[1])
        finally:
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


class _Workers:
    """The threads, and what passes between them and the caller. Worker k does the range edges[k + 1]..edges[k + 2]."""

    def __init__(self, count: int) -> None:
        self.owner = os.getpid()
        self._job: Any = None
        self._errors: list[BaseException] = []
        self._tickets = np.zeros(1 + count, np.int64)  # of the last job; and of the last that each worker has done
        self._sleepers: dict[int, bool] = {}  # whom to wake; dict.pop decides who takes an entry out
        self._wake = [_taken_lock() for _ in range(count)]
        self._done = [_taken_lock() for _ in range(count)]
        for k in range(count):
            threading.Thread(target=self._work, args=(k,), name=f"marl_envs_{k}", daemon=True).start()

    def begin(self, job: Any) -> None:
        """Let the workers start on `job`: (kernel, table, edges)."""
        self._job = job
        self._tickets[0] += 1
        for k, lock in enumerate(self._wake):
            if self._sleepers.pop(k, False):
                lock.release()

    def finish(self) -> None:
        """Wait until all workers have done the job; raise what a kernel raised there."""
        ticket = int(self._tickets[0])
        for k, lock in enumerate(self._done):
            watch(self._tickets, k + 1, ticket - 1, _PATIENCE, 0)
            lock.acquire()
        if self._errors:
            raise self._errors.pop()

    def dismiss(self) -> None:
        """End the threads."""
        if self.owner == os.getpid() and self._job != ():
            self.begin(())

    def _work(self, k: int) -> None:
        seen = 0
        while True:
            if watch(self._tickets, 0, seen, _PATIENCE, _COURTESY) == seen:
                self._sleep(k, seen)
                continue
            seen += 1
            if self._job == ():
                return
            kernel, table, edges = self._job
            try:
                kernel(table, edges[k + 1], edges[k + 2])
            except BaseException as error:
                self._errors.append(error)
            self._done[k].release()
            self._tickets[k + 1] = seen  # after the release, so that who sees it finds the lock free

    def _sleep(self, k: int, seen: int) -> None:
        """Sleep until there is a job after number `seen`."""
        self._sleepers[k] = True
        # A job may have come since; then the caller has taken the entry out and wakes us, or we take it out ourselves.
        if self._tickets[0] == seen or self._sleepers.pop(k, None) is None:
            self._wake[k].acquire()


def _taken_lock() -> Any:
    lock = threading.Lock()
    lock.acquire()
    return lock
