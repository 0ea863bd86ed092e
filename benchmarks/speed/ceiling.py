"""What a second processor is worth here: two processes that share nothing against one. Threads can't do better.

Virtual processors are often halves of one core, or share its caches; then even separate processes gain much less
than a factor of two, and the figure for threads says little without this one.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from benchmarks.speed import ours
from benchmarks.speed.measure import rate

_AHEAD = 0.2  # [s] from asking both processes to their common start


def two_processes(params: dict[str, Any], num_envs: int, seconds: float, repeats: int) -> float:
    """Return the joint rate of two processes with half the environments each, over that of one process with all.

    Rates are by wall time; the median of `repeats` ratios, each over `seconds`.
    """
    ratios = []
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for _ in range(repeats + 1):  # the first warms up
            alone = pool.submit(_rate, params, num_envs, seconds, time.time() + _AHEAD).result()
            start = time.time() + _AHEAD
            jobs = [pool.submit(_rate, params, num_envs // 2, seconds, start) for _ in range(2)]
            ratios.append(sum(job.result() for job in jobs) / alone)
    return statistics.median(ratios[1:])


def _rate(params: dict[str, Any], num_envs: int, seconds: float, start: float) -> float:
    """Return agent-steps per second of wall time from the moment `start` on."""
    block = ours.batch(params, num_envs)
    block()
    time.sleep(max(0.0, start - time.time()))
    return rate(block, seconds, time.perf_counter)
