"""Rows of the table about traffic: signals with networks beside rules and a table, and on junctions never seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.deep.ours import spread
from benchmarks.deep.row import Row, by_seed
from benchmarks.statistics.estimates import Estimate, t_interval

SEEDS = (1, 2, 3)  # settings were chosen on 10


def switching(name: str, reward: str) -> list[Row]:
    """Signals that learn at one place: the worst seed's travel time, beside the rules and the table of the suite."""
    from benchmarks.deep import signals

    place, steps, table_steps = signals.LEARNED[name]
    rules = {rule: signals.ruled(rule, place) for rule in signals.RULES}
    table = [signals.tabulated(place, seed, table_steps) for seed in SEEDS] if reward == "individual" else []

    def play(seed: int) -> float:
        return signals.elsewhere(signals.learned(place, reward, seed, steps), place, seed)

    times, seconds = by_seed(play, SEEDS)
    others = ", ".join(f"{rule} {score:.1f}" for rule, score in rules.items())
    if table:
        others = f"table {spread(table)}; {others}"
    what = f"{reward} reward: travel time [s], worst ({spread(times)}); {others}"
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


def adapting(name: str) -> list[Row]:
    """The same steps at a place from nothing and from what was learned elsewhere: jump start and steps saved."""
    from benchmarks.deep import signals

    place, begin = signals.UNSEEN[name], time.process_time()
    level = signals.NEAR * signals.ruled("threshold", place)
    scratch = [signals.course(place, seed) for seed in SEEDS]
    transfer = [signals.course(place, seed, start=prepared(seed)) for seed in SEEDS]
    gains = [signals.adapted(*pair, level) for pair in zip(scratch, transfer, strict=True)]
    seconds = time.process_time() - begin
    firsts, lasts = (
        [spread([one.evaluations[k].mean("travel_time") for one in them]) for them in (transfer, scratch)]
        for k in (0, -1)
    )
    jumps = t_interval([one.jump_start for one in gains])
    saved = t_interval([100.0 * signals.saved(one, signals.ADAPTING) for one in gains])
    where = f"signals, cross to {name}"
    begins = f"{_with('jump start [s]', jumps)}: at first {firsts[0]}, from nothing {firsts[1]}"
    steps = f"steps to {level:.1f} s: saved % of {signals.ADAPTING}"
    ends = f"{_with(steps, saved)}: in the end {lasts[0]}, from nothing {lasts[1]}"
    return [
        Row(where, begins, "above 0", jumps.mean, jumps.low > 0.0, seconds),
        Row(where, ends, "above 0", saved.mean, saved.low > 0.0, 0.0),
    ]


def _with(what: str, found: Estimate) -> str:
    """Return what was estimated, with its interval."""
    return f"{what}, 95 % interval {found.low:.1f} to {found.high:.1f}"


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "signals-cross": lambda: switching("cross", "individual"),
    "signals-grid": lambda: switching("grid-2x2", "individual"),
    "signals-grid-shared": lambda: switching("grid-2x2", "team"),
    "signals-unseen": unseen,
    "signals-adapted-pairs": lambda: adapting("cross, pairs"),
    "signals-adapted-rilsa": lambda: adapting("RiLSA"),
}
