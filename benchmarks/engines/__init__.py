"""Engines: where jobs run. Each is one small file with one class; which one runs a job has no influence on its numbers.

A new engine is a file with a class of the form `Engine` and a line in ENGINES.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from benchmarks.errors import InputError
from benchmarks.worker import Execute, Outcome, Task


class Engine(Protocol):
    """Runs tasks in `workers` processes at a time; made by `open_engine`."""

    workers: int

    def start(self, execute: Execute) -> None:
        """Let the workers start and import what `execute` needs, without waiting for them."""
        ...

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yield the outcome of every task once, in any order; of a task whose worker died, one with `lost` set."""
        ...

    def close(self) -> None:
        """End the workers that this engine started, at once, running tasks included."""
        ...


class Entry(NamedTuple):
    """Where an engine is, and the extra and the package that it needs, if any."""

    engine: str
    package: str = ""
    extra: str = ""
    address: str = ""  # what --address is for it; "" where it takes none


ENGINES = {
    "serial": Entry("benchmarks.engines.serial:Serial"),
    "loky": Entry("benchmarks.engines.loky_pool:LokyPool"),
    "dask": Entry("benchmarks.engines.dask_cluster:DaskCluster", "distributed", "dask", "tcp://HOST:8786"),
    "ray": Entry("benchmarks.engines.ray_cluster:RayCluster", "ray", "ray", "HOST:6379, or auto"),
    "slurm": Entry("benchmarks.engines.slurm:Slurm", "submitit", "slurm", "a partition, or local"),
}


class Choice(NamedTuple):
    """What the user says about where jobs run."""

    name: str = "loky"
    workers: int = 1
    address: str | None = None

    @property
    def arguments(self) -> str:
        """Return what the command line says of it; the address is the user's own business."""
        engine = "" if self.name == "loky" else f"--engine {self.name} "
        return f"{engine}--workers {self.workers}"


def check(choice: Choice) -> None:
    """Raise InputError for an unknown engine, one that is not installed, or an address that it does not take."""
    if choice.name not in ENGINES:
        raise InputError(f"--engine: no engine {choice.name!r}; allowed are {', '.join(ENGINES)}")
    if choice.workers < 1:
        raise InputError(f"--workers must be at least 1, not {choice.workers}")
    entry = ENGINES[choice.name]
    if choice.address is not None and not entry.address:
        raise InputError(f"--address: --engine {choice.name} runs on this machine and takes none")
    if entry.package:
        try:
            importlib.import_module(entry.package)
        except ImportError as error:
            raise InputError(
                f"--engine {choice.name} needs the extra {entry.extra!r}, which is not installed ({error}): "
                f"pip install -e '.[bench,{entry.extra}]'"
            ) from error


def open_engine(choice: Choice, out: Path) -> Engine:
    """Return the engine; `out` is the results folder, which all workers must see under this path.

    A pool of one worker is no pool: its jobs run in this process.

    Raises:
        InputError: see `check`.
        RunError: no cluster answers at the address.
    """
    check(choice)
    name = "serial" if choice.name == "loky" and choice.workers == 1 else choice.name
    module, _, attribute = ENGINES[name].engine.partition(":")
    made: Any = getattr(importlib.import_module(module), attribute)
    engine: Engine = made(choice.workers, choice.address, out)
    return engine
