"""Measuring rates fairly: all cases in turns, several times, by CPU time unless the question is about wall time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Block = Callable[[], int]  # does some work and returns how much, in the case's unit


@dataclass
class Case:
    """One thing to measure; `prepare` builds it (outside the measured time) and returns its block of work."""

    name: str
    prepare: Callable[[], Block]
    group: str  # ratios are taken to the peer of the same group
    peer: bool = False
    compared: bool = True  # whether a ratio to the peer means something
    clock: Callable[[], float] = time.process_time
    rates: list[float] = field(default_factory=list)  # units a second

    @property
    def median(self) -> float:
        """Median rate."""
        return statistics.median(self.rates)

    @property
    def best(self) -> float:
        """Best rate: what an undisturbed machine gives."""
        return max(self.rates)

    @property
    def spread(self) -> float:
        """(best - worst) / median."""
        return (max(self.rates) - min(self.rates)) / self.median


def prepare(cases: Sequence[Case]) -> list[Block]:
    """Return each case's block of work, run once so that compiling and cold caches are not measured."""
    blocks = [case.prepare() for case in cases]
    for block in blocks:
        block()
    return blocks


def measure(
    cases: Sequence[Case], blocks: Sequence[Block], seconds: float, repeats: int, tick: Callable[[], None]
) -> None:
    """Fill `rates` of every case with `repeats` rates, each over at least `seconds` of the case's clock.

    Cases take turns, so that a busy machine slows all alike. `tick` is called after every measurement.
    """
    for _ in range(repeats):
        for case, block in zip(cases, blocks, strict=True):
            case.rates.append(rate(block, seconds, case.clock))
            tick()


def rate(block: Block, seconds: float, clock: Callable[[], float]) -> float:
    """Return the work per second of `clock` over at least `seconds`."""
    start, done = clock(), 0
    while True:
        done += block()
        spent = clock() - start
        if spent >= seconds:
            return done / spent
