"""Rows of the table about starts made ready for tasks never seen, and about training in randomised simulations."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any

import numpy as np

from benchmarks.deep.ours import spread
from benchmarks.deep.row import Row
from benchmarks.statistics.estimates import Estimate, t_interval

SEEDS = range(1, 9)  # settings were chosen on 20 to 22
NEAR = 1.05  # times the travel time of the best rule: the level at junctions
SHARE = 0.7  # of PIBT's deliveries: the level on floors
SIX = SEEDS[:6]  # of trainings in randomised simulations
IN_SUMO = 2  # hours under each rule
UNITS = {"travel_time": "travel time [s]", "deliveries": "deliveries"}


def junctions() -> list[Row]:
    """Signals at junctions that were never seen."""
    from benchmarks.deep import junctions as places

    rules = {name: places.ruled(name) for name in places.FAMILY.unseen}
    levels = {name: NEAR * min(times.values()) for name, times in rules.items()}
    known = {name: ", ".join(starmap("{} {:.1f}".format, times.items())) for name, times in rules.items()}
    return starts(places.FAMILY, levels, known)


def floors() -> list[Row]:
    """Robots on floors that were never seen."""
    from benchmarks.deep import floors as places

    planned = {name: places.planned(name) for name in places.FAMILY.unseen}
    levels = {name: SHARE * deliveries for name, deliveries in planned.items()}
    return starts(places.FAMILY, levels, {name: f"PIBT {deliveries:.1f}" for name, deliveries in planned.items()})


def starts(family: Any, levels: Mapping[str, float], known: Mapping[str, str]) -> list[Row]:
    """Return what a meta-learned start is worth beside a jointly trained one and a new network, at each place.

    Args:
        family: see `families`.
        levels: of each place, in its metric, for the steps saved.
        known: of each place, what others come to.
    """
    from benchmarks.deep import families

    begin, played = time.process_time(), {}
    for seed in SEEDS:
        for kind in families.STARTS:
            start = families.made_ready(family, kind, seed)
            for place in family.unseen:
                played[place, kind, seed] = families.course(family, place, start, seed)
    seconds = time.process_time() - begin
    rows: list[Row] = []
    for place in family.unseen:
        histories = {kind: [played[place, kind, seed] for seed in SEEDS] for kind in families.STARTS}
        rows += _of_place(family, place, histories, levels[place], known[place])
    return [replace(rows[0], cpu_seconds=seconds), *rows[1:]]


def _of_place(family: Any, place: str, histories: Mapping[str, Any], level: float, known: str) -> list[Row]:
    """Return the rows of a place: at once, in the end, and gains with their intervals."""
    from benchmarks.deep import families

    where, unit, ours = f"{family.name}, {place}", UNITS[family.metric], histories["meta-learned"]
    rows = []
    for moment, k in (("not seen before", 0), (f"after {family.adapting} steps there", -1)):
        each = {kind: [families.scores(family, one)[k] for one in them] for kind, them in histories.items()}
        others = "; ".join(f"{kind} {np.mean(them):.3g} ({spread(them)})" for kind, them in each.items())
        rows.append(
            Row(where, f"{moment}: {unit} {others}; {known}", "-", float(np.mean(each["meta-learned"])), None, 0.0)
        )
    for control in ("scratch", "joint"):
        pairs = zip(histories[control], ours, strict=True)
        worth = np.array([families.worth(family, first, second, level) for first, second in pairs])
        over = f"meta-learned over {control}"
        for what, values in ((f"jump start, {unit}", worth[:, 0]), (f"% of steps saved to {level:.3g}", worth[:, 1])):
            rows.append(_gain(where, f"{over}: {what}", values.tolist()))
    return rows


def _gain(where: str, what: str, values: Sequence[float], seconds: float = 0.0) -> Row:
    """Return the row of a gain, met where its interval lies above 0."""
    found: Estimate = t_interval(values)
    text = f"{what}, 95 % interval {found.low:.3g} to {found.high:.3g}"
    return Row(where, text, "above 0", found.mean, found.low > 0.0, seconds)


def randomising() -> list[Row]:
    """Signals trained in one simulation or in many, at targets outside both, and inside SUMO."""
    from benchmarks.deep import randomised

    begin, rows = time.process_time(), []
    learners = {kind: [randomised.trained(kind, seed) for seed in SIX] for kind in randomised.TRAININGS}
    for target in randomised.TARGETS:
        each = {
            kind: [randomised.travel_time(one, target, seed) for one, seed in zip(them, SIX, strict=True)]
            for kind, them in learners.items()
        }
        others = "; ".join(f"{kind} {np.mean(times):.4g} ({spread(times)})" for kind, times in each.items())
        values = [a - b for a, b in zip(each["plain"], each["randomised"], strict=True)]
        seconds, begin = time.process_time() - begin, time.process_time()
        what = f"travel time [s] of {others}: randomised over plain"
        rows.append(_gain(f"randomised, {target}", what, values, seconds))
    return [*rows, *_in_sumo(learners)]


def _in_sumo(learners: Mapping[str, Sequence[Any]]) -> list[Row]:
    """Return the rows of RiLSA inside SUMO: rules, and networks at once and after learning at our RiLSA."""
    from benchmarks.deep import in_sumo, randomised

    where = "RiLSA inside SUMO"
    if in_sumo.missing() is not None:
        return [Row(where, "not played: extra sumo", "-", None, None, 0.0)]
    begin, rows = _cpu(), []
    for rule in in_sumo.RULES:
        played = in_sumo.ruled(rule, IN_SUMO)
        rows.append(_travel(where, rule, played.metrics["travel_time"], played.metrics["delay"], _cpu() - begin))
        begin = _cpu()
    adapted = [randomised.adapted(one, "RiLSA", seed) for one, seed in zip(learners["randomised"], SIX, strict=True)]
    times = {}
    for kind, them in {**learners, "randomised, adapted": adapted}.items():
        hours = [in_sumo.learned(one, seed) for one, seed in zip(them, SIX, strict=True)]
        times[kind], delays = (np.array([one.mean(name) for one in hours]) for name in ("travel_time", "delay"))
        rows.append(_travel(where, kind, times[kind], delays, _cpu() - begin))
        begin = _cpu()
    for better, worse in (("randomised", "plain"), ("randomised, adapted", "randomised")):
        rows.append(_gain(where, f"{better} over {worse}: travel time [s]", (times[worse] - times[better]).tolist()))
    return rows


def _travel(where: str, who: str, times: Any, delays: Any, seconds: float) -> Row:
    """Return the row of what was measured in hours of SUMO's."""
    what = f"{who}: travel time [s] ({spread(times)}), delay {np.mean(delays):.1f}"
    return Row(where, what, "-", float(np.mean(times)), None, seconds)


def _cpu() -> float:
    """Return the CPU time of this process and of those that it has waited for [s]."""
    return sum(os.times()[:4])


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "ready-junctions": junctions,
    "ready-floors": floors,
    "randomised": randomising,
}
