"""Rows of the table about traffic: signals with networks beside rules and a table, and on junctions never seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.deep.ours import spread
from benchmarks.deep.row import Row, by_seed

SEEDS = (1, 2, 3)  # settings were chosen on 10


def switching(name: str, reward: str) -> list[Row]:
    """Signals that learn at one place: the worst seed's travel time, beside the rules and tables of that reward."""
    from benchmarks.deep import signals

    place, steps, table_steps = signals.LEARNED[name]
    rules = {rule: signals.ruled(rule, place) for rule in signals.RULES}
    table = [signals.tabulated(place, reward, seed, table_steps) for seed in SEEDS]

    def play(seed: int) -> float:
        return signals.elsewhere(signals.learned(place, reward, seed, steps), place, seed)

    times, seconds = by_seed(play, SEEDS)
    others = ", ".join(f"{rule} {score:.1f}" for rule, score in rules.items())
    what = f"{reward} reward: travel time [s], worst ({spread(times)}); table {spread(table)}; {others}"
    wanted = rules["MaxPressure"]
    return [Row(f"signals, {name}", what, f"below MaxPressure, {wanted:.1f}", max(times), max(times) < wanted, seconds)]


def prepared(seed: int) -> Any:
    """Return a network that learned on the cross from many kinds of demand."""
    from benchmarks.deep import signals

    return signals.learned(signals.MANY, "individual", seed, signals.LEARNED["cross"].steps)


def unseen() -> list[Row]:
    """A network that learned on the cross, at other places, at once."""
    from benchmarks.deep import signals

    begin, rows = time.process_time(), []
    learners = {seed: prepared(seed) for seed in SEEDS}
    for name, place in signals.UNSEEN.items():
        times = [signals.elsewhere(learners[seed], place, seed) for seed in SEEDS]
        seconds, begin = time.process_time() - begin, time.process_time()
        rules = {rule: signals.ruled(rule, place) for rule in signals.RULES}
        others = ", ".join(f"{rule} {score:.1f}" for rule, score in rules.items())
        what, wanted = f"not seen before: travel time [s], worst ({spread(times)}); {others}", rules["fixed time"]
        target, met = f"below fixed time, {wanted:.1f}", max(times) < wanted
        rows.append(Row(f"signals, cross to {name}", what, target, max(times), met, seconds))
    return rows


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "signals-cross": lambda: switching("cross", "individual"),
    "signals-grid": lambda: switching("grid-2x2", "individual"),
    "signals-grid-shared": lambda: switching("grid-2x2", "team"),
    "signals-unseen": unseen,
}
