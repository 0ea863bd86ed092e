"""Rates of rare events, such as collisions, counted over all episodes of all seeds, with exact intervals."""

from __future__ import annotations

from benchmarks.config import Rate, Suite
from benchmarks.kinds import LearnerAgent
from benchmarks.summary import Summary
from marl_envs.metrics.safety import Rate as Counted
from marl_envs.metrics.safety import safety_rate


def count(suite: Suite, summary: Summary, environment: str, agent: str, rate: Rate) -> Counted | None:
    """Return the rate, or None where the environment counts no such thing, or nothing was there to count."""
    rows = [summary.get(environment, agent, metric) for metric in (rate.events, rate.of)]
    if rows[0] is None or rows[1] is None:
        return None
    events, of = (row.estimate.mean * row.estimate.seeds * episodes(suite, agent) for row in rows if row is not None)
    if not of > 0:
        return None
    return safety_rate(float(round(events)), of, rate.per)  # the sum of whole numbers, whose mean was taken


def episodes(suite: Suite, agent: str) -> int:
    """Return over how many episodes a seed's means are: evaluations of the training where these count."""
    result = suite.train.result
    times = result if isinstance(result, int) and isinstance(suite.agents[agent], LearnerAgent) else 1
    return suite.evaluate.episodes * times
