"""A row of the networks' table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure and its target."""

    experiment: str
    what: str
    target: str
    ours: float
    met: bool
    cpu_seconds: float

    def cells(self) -> tuple[str, ...]:
        """Return what the table shows."""
        met = "yes" if self.met else "no"
        return self.experiment, self.what, self.target, f"{self.ours:.4g}", met, f"{self.cpu_seconds:.0f}"


def timed(play: Callable[[], float]) -> tuple[float, float]:
    """Return what `play` returns and the CPU time it took [s]."""
    begin = time.process_time()
    return play(), time.process_time() - begin
