"""What a job ran on, as a report may show it: no names of hosts, users or folders."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import marl_envs

PACKAGES = ("numpy", "numba", "polars")  # that a job's numbers or its time depend on
CPUINFO = Path("/proc/cpuinfo")
UNKNOWN = "a machine that is not known"  # of runs by an older version


@lru_cache
def versions() -> dict[str, str]:
    """Return the versions of marl_envs, Python and PACKAGES."""
    found = {"marl_envs": marl_envs.__version__, "python": platform.python_version()}
    return found | {package: version(package) for package in PACKAGES}


@lru_cache
def describe() -> str:
    """Return processor, cores, memory, system and versions in one line: the same for all jobs of a machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parts = [_processor(), f"{cores} core{'s' * (cores > 1)}", *_memory(), _system()]
    return ", ".join([*parts, *(f"{name} {number}" for name, number in versions().items())])


def load() -> float | None:
    """Return how many processes have wanted to run in the last minute, in the mean; None where nobody counts them."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def summarised(facts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line a machine: how many of the runs, whose facts these are, it has run, and what it is."""
    loads: dict[str, list[float | None]] = {}
    for fact in facts:
        loads.setdefault(fact.get("machine", UNKNOWN), []).append(fact.get("load"))
    lines = []
    for machine, found in loads.items():
        known = sorted(one for one in found if one is not None)
        busy = f"; load {known[0]:g} to {known[-1]:g}" if known else ""
        lines.append(f"{len(found)} jobs on {machine}{busy}")
    return lines


def _processor() -> str:
    """Return the processor's name."""
    try:
        for line in CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return " ".join(value.split())
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _memory() -> list[str]:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not every system says
        return []
    return [f"{total / (1 << 30):.1f} GiB"]


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):  # not Linux
        name = ""
    release = platform.release().partition("-")[0]  # what follows is whose kernel it is
    return " ".join(filter(None, [name, platform.system(), release]))
