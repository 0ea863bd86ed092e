"""Rows of the table about traffic: signals with networks beside rules and a table, and on junctions never seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.deep.ours import spread
from benchmarks.deep.row import Row, timed
from benchmarks.statistics.estimates import Estimate, t_interval

SEEDS = (1, 2, 3)  # settings were chosen on 10


def switching(name: str, reward: str) -> list[Row]:
    """Signals that learn at one place: the worst seed's travel time, beside the rules and the table of the suite."""
    from benchmarks.deep import signals

    place, steps, table_steps = signals.LEARNED[name]
    rules = {rule: signals.ruled(rule, place) for rule in signals.RULES}
    table = [signals.tabulated(place, seed, table_steps) for seed in SEEDS] if reward == "individual" else []
    played = [
        timed(lambda seed=seed: signals.elsewhere(signals.learned(place, reward, seed, steps), place, seed))  # type: ignore[misc]
        for seed in SEEDS
    ]
    times, seconds = [score for score, _ in played], sum(spent for _, spent in played)
    others = ", ".join(f"{rule} {score:.1f}" for rule, score in rules.items())
    if table:
        others = f"table {spread(table)}; {others}"
    what = f"{reward} reward: travel time [s], worst ({spread(times)}); {others}"
    wanted = rules["MaxPressure"]
    return [Row(f"signals, {name}", what, f"below MaxPressure, {wanted:.1f}", max(times), max(times) < wanted, seconds)]


def unseen() -> list[Row]:
    """A network that learned on the cross, at other places: at once, and after short learning there."""
    from benchmarks.deep import signals

    learners, rows = {}, []
    begin = time.process_time()
    for seed in SEEDS:
        learners[seed] = signals.learned(signals.MANY, "individual", seed, signals.LEARNED["cross"].steps)
    before = time.process_time() - begin
    for name, place in signals.UNSEEN.items():
        played = [timed(lambda s=seed, p=place: signals.elsewhere(learners[s], p, s)) for seed in SEEDS]  # type: ignore[misc]
        times, seconds = [score for score, _ in played], sum(spent for _, spent in played)
        rules = {rule: signals.ruled(rule, place) for rule in signals.RULES}
        others = ", ".join(f"{rule} {score:.1f}" for rule, score in rules.items())
        what, wanted = f"not seen before: travel time [s], worst ({spread(times)}); {others}", rules["fixed time"]
        target, met = f"below fixed time, {wanted:.1f}", max(times) < wanted
        rows.append(Row(f"signals, cross to {name}", what, target, max(times), met, before + seconds))
        before = 0.0
    return [*rows, *(row for name in signals.ADAPTED for row in adapting(name, learners))]


def adapting(name: str, learners: dict[int, Any]) -> list[Row]:
    """The same steps at a place from nothing and from what was learned elsewhere: jump start and steps saved."""
    from benchmarks.deep import signals

    place, steps, every = signals.UNSEEN[name], signals.ADAPTING, signals.EVALUATED
    begin = time.process_time()
    scratch = [signals.course(place, seed, steps, every) for seed in SEEDS]
    transfer = [signals.course(place, seed, steps, every, learners[seed]) for seed in SEEDS]
    gains = [signals.adapted(*pair) for pair in zip(scratch, transfer, strict=True)]
    seconds = time.process_time() - begin
    ends = [[history.evaluations[-1].mean("travel_time") for history in them] for them in (scratch, transfer)]
    jumps = t_interval([one.jump_start for one in gains])
    saved = t_interval([100.0 * signals.saved(one, steps) for one in gains])
    where, last = f"signals, cross to {name}", f"in the end ({spread(ends[1])}), from nothing ({spread(ends[0])})"
    return [
        Row(where, _with("jump start [s]", jumps), "above 0", jumps.mean, jumps.low > 0.0, seconds),
        Row(where, f"{_with('% of steps saved', saved)}; {last}", "above 0", saved.mean, saved.low > 0.0, 0.0),
    ]


def _with(what: str, found: Estimate) -> str:
    """Return what was estimated, with its interval."""
    return f"{what}, 95 % interval {found.low:.1f} to {found.high:.1f}"


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "signals-cross": lambda: switching("cross", "individual"),
    "signals-grid": lambda: switching("grid-2x2", "individual"),
    "signals-grid-shared": lambda: switching("grid-2x2", "team"),
    "signals-unseen": unseen,
}
