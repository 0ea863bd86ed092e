"""A row of the networks' table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure and its target."""

    experiment: str
    what: str
    target: str
    ours: float | None  # None: not played here, `what` says why
    met: bool | None  # None: a comparison without a target
    cpu_seconds: float

    def cells(self) -> tuple[str, ...]:
        """Return what the table shows."""
        met = "-" if self.met is None else "yes" if self.met else "no"
        ours = "not played" if self.ours is None else f"{self.ours:.4g}"
        return self.experiment, self.what, self.target, ours, met, f"{self.cpu_seconds:.0f}"


def by_seed(play: Callable[[int], float], seeds: Iterable[int]) -> tuple[list[float], float]:
    """Return what `play` returns for each seed and the CPU time that all took [s]."""
    begin = time.process_time()
    return [play(seed) for seed in seeds], time.process_time() - begin
