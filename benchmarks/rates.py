"""Rates of rare events, such as collisions, counted over all episodes of all seeds, with exact intervals."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.config import Rate, Suite
from benchmarks.kinds import LearnerAgent
from benchmarks.summary import Summary


class Counted(NamedTuple):
    """Events, what they could have happened to, and the rate with its 95 % interval."""

    events: float
    of: float
    rate: float
    low: float
    high: float


def garwood(events: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a Poisson mean of which `events` were seen (Garwood 1936).

    Without an event it begins at 0 and, for 95 %, ends at 3.69: two-sided, where the rule of three is one-sided.
    """
    from scipy.special import gammaincinv

    tail = (1.0 - confidence) / 2.0
    low = float(gammaincinv(events, tail)) if events > 0 else 0.0
    return low, float(gammaincinv(events + 1.0, 1.0 - tail))


def count(suite: Suite, summary: Summary, environment: str, agent: str, rate: Rate) -> Counted | None:
    """Return the rate, or None where the environment counts no such thing, or nothing was there to count."""
    rows = [summary.get(environment, agent, metric) for metric in (rate.events, rate.of)]
    if rows[0] is None or rows[1] is None:
        return None
    events, of = (row.estimate.mean * row.estimate.seeds * episodes(suite, agent) for row in rows if row is not None)
    if not of > 0:
        return None
    events = float(round(events))  # the sum of whole numbers, whose mean was taken
    low, high = (rate.per * end / of for end in garwood(events))
    return Counted(events, of, rate.per * events / of, low, high)


def episodes(suite: Suite, agent: str) -> int:
    """Return over how many episodes a seed's means are: evaluations of the training where these count."""
    result = suite.train.result
    times = result if isinstance(result, int) and isinstance(suite.agents[agent], LearnerAgent) else 1
    return suite.evaluate.episodes * times
