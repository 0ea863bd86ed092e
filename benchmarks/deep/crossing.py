"""Rows of the table about cars at a crossing: networks beside the suite's tables and rules, on the same episodes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from benchmarks.deep.ours import gain, spread
from benchmarks.deep.row import Row

SUITE = "intersection"
SEEDS = range(5)  # the suite's; settings were chosen on 20 to 24
RULES = ("all-way-stop", "engine-driver", "reservation")
CRASHES = "collisions in 1,000 cars"


class Played(NamedTuple):
    """What came out: mean delay [s] of each seed, all their episodes, and CPU time [s]."""

    delays: list[float]
    episodes: list[Any]
    seconds: float

    @property
    def crashes(self) -> str:
        """Collisions in 1,000 vehicles with their interval, as text."""
        from benchmarks.deep import cars

        found = cars.collisions(self.episodes)
        return f"{found.rate:.3g} ({found.low:.2g} to {found.high:.2g})"


def played(play: Callable[[int], list[Any]]) -> Played:
    """Return what `play` plays with each seed."""
    from benchmarks.deep import cars

    begin = time.process_time()
    each = [play(seed) for seed in SEEDS]
    seconds = time.process_time() - begin
    return Played([cars.mean_delay(one) for one in each], [episode for one in each for episode in one], seconds)


def beside(environment: str) -> list[Row]:
    """The suite's rules: to compare with, no target."""
    rows = []
    for rule in RULES:
        found = played(partial(_ruled, environment, rule))
        what = f"{rule}: mean delay [s] ({spread(found.delays)}); {found.crashes} {CRASHES}"
        mean = sum(found.delays) / len(SEEDS)
        rows.append(Row(f"crossing, {environment}", what, "-", mean, None, found.seconds))
    return rows


def learning(environment: str, names: tuple[str, ...], table: str) -> list[Row]:
    """Networks and the suite's table that is paid alike: delay, collisions, and the gain over that table."""
    from benchmarks.deep import cars

    known = played(lambda seed: cars.tabulated(cars.job(environment, table, seed)))
    mean = sum(known.delays) / len(SEEDS)
    what = f"table {table}: mean delay [s] ({spread(known.delays)}); {known.crashes} {CRASHES}"
    rows = [Row(f"crossing, {environment}", what, "-", mean, None, known.seconds)]
    for name in names:
        found = played(partial(_network, environment, table, name))
        rows += _rows(f"crossing, {environment}", name, found, known)
    return rows


def _ruled(environment: str, rule: str, seed: int) -> list[Any]:
    """Return the episodes of a rule."""
    from benchmarks.deep import cars

    return cars.ruled(cars.job(environment, rule, seed))


def _network(environment: str, table: str, name: str, seed: int) -> list[Any]:
    """Return the episodes of a network on the task of a table of the suite."""
    from benchmarks.deep import cars

    return cars.learned(name, cars.job(environment, table, seed), cars.STEPS[environment])


def _rows(where: str, name: str, found: Played, known: Played) -> list[Row]:
    """Return the rows of a network beside a table."""
    from benchmarks.deep import cars

    worst, rate = max(found.delays), cars.collisions(found.episodes).rate
    mean = sum(known.delays) / len(SEEDS)
    difference, interval, sure = gain(known.delays, found.delays)
    return [
        Row(
            where,
            f"{name}: delay [s], worst of {len(SEEDS)} seeds ({spread(found.delays)})",
            f"at most the table's mean, {mean:.2f}",
            worst,
            worst <= mean,
            found.seconds,
        ),
        Row(where, f"{name}: {CRASHES} ({found.crashes})", "0", rate, rate == 0.0, 0.0),
        Row(where, f"{name}: delay [s] less than the table's, {interval}", "above 0", difference, sure, 0.0),
    ]


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "crossing-4-rules": lambda: beside("cross-4"),
    "crossing-4-own": lambda: learning("cross-4", ("own reward",), "independent-q"),
    "crossing-4-team": lambda: learning("cross-4", ("shared reward", "VDN"), "shared-q"),
    "crossing-4-qmix": lambda: learning("cross-4", ("QMIX",), "shared-q"),
    "crossing-8-vdn": lambda: learning("cross-8", ("VDN",), "shared-q"),
}
