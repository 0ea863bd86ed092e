"""Runs a range kernel on threads: kernels release the GIL and environments are independent: any split is exact."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from marl_envs.core.family import Range
from marl_envs.core.params import ParameterError, check_int


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
        self._pool: ThreadPoolExecutor | None = None
        self._owner = 0

    def run(self, kernel: Range, table: Any, count: int) -> None:
        """Call `kernel(table, first, last)` on ranges that cover 0..count-1 and wait for all of them."""
        if self.num_threads == 1:
            kernel(table, 0, count)
            return
        edges = [count * k // self.num_threads for k in range(self.num_threads + 1)]
        pool = self._workers()
        jobs = [pool.submit(kernel, table, a, b) for a, b in pairwise(edges[1:])]
        kernel(table, 0, edges[1])
        for job in jobs:
            job.result()

    def _workers(self) -> ThreadPoolExecutor:
        if self._pool is None or self._owner != os.getpid():  # a forked child has no threads but this one
            self._pool = ThreadPoolExecutor(self.num_threads - 1, thread_name_prefix="marl_envs")
            self._owner = os.getpid()
        return self._pool

    def close(self) -> None:
        """Stop the workers."""
        if self._pool is not None and self._owner == os.getpid():
            self._pool.shutdown()
        self._pool = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without threads."""
        return {"num_threads": self.num_threads, "_pool": None, "_owner": 0}
