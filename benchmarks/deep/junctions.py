"""A family of single junctions: lanes, turns and demands that differ; some with arms, demand or drivers never seen."""

from __future__ import annotations

from typing import Any

from benchmarks.deep import signals
from benchmarks.deep.families import Family, Make

SETS = 32  # hours of arrivals of each demand


def varied(*rates: int) -> tuple[str, ...]:
    """Return unlike patterns of demand, at several rates."""
    return tuple(f"varied-{rate}" for rate in rates)


TASKS: tuple[signals.Place, ...] = (
    signals.Place("cross", varied(200, 350, 500)),
    signals.Place("cross", ("peak-300", "peak-450")),
    signals.Place("cross-2", varied(300, 600, 900)),
    signals.Place("cross-3", varied(400, 800, 1200)),
    signals.Place("cross-shared", varied(100, 200, 300)),
    signals.Place("cross-2-shared", varied(200, 350, 500)),
    signals.Place("arterial-1", varied(200, 350, 500)),
    signals.Place("arterial-1-3", varied(300, 500, 700)),
)


def maker(place: signals.Place, sets: int = SETS, **parameters: Any) -> Make:
    """Return what makes batches of hours at a place, as the network sees them."""
    shown: dict[str, Any] = {"observation": "summary", "actions": "fullest", **parameters}
    return lambda envs: signals.seen(signals.batch(place, envs, sets, **shown))


FAMILY = Family(
    name="junctions",
    tasks=tuple(maker(place) for place in TASKS),
    unseen={name: maker(place) for name, place in signals.UNSEEN.items()},
    metric="travel_time",
    sign=-1,
    envs=16,
    rounds=12,
    inner_steps=5_760,
    adapting=5_760,
    every=960,
    episodes=4,
    first=0.1,
    last=0.01,
    scratch_first=0.2,
)


def ruled(name: str) -> dict[str, float]:
    """Return the mean travel time of each rule at a place that was never seen."""
    return {rule: signals.ruled(rule, signals.UNSEEN[name]) for rule in signals.RULES}
