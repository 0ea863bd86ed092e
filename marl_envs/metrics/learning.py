"""How a training went: time to reach a level and hold it, area under the curve, churn of the policy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from marl_envs.core.params import ParameterError, check_choice, check_int
from marl_envs.metrics.checks import Floats, finite, integers, numbers
from marl_envs.metrics.scores import Better


class Reached(NamedTuple):
    """When runs reached a level and held it."""

    times: Floats  # [R] steps; NaN where a run did not (censored)
    share: float  # of runs that did
    restricted_mean: float  # mean of min(time, last evaluation) [steps]: what is known with censored runs


def time_to_level(steps: Any, values: Any, level: float, hold: int = 3, better: Better = "higher") -> Reached:
    """Return when each run first was at `level` in an evaluation and in the next `hold` - 1 as well.

    Unit: that of `steps`. Range: the steps; NaN (censored) for runs that never did. A mean over the runs that did alone
    would praise a learner that succeeds rarely, so the mean is restricted: runs that did not count with the end.

    Args:
        steps: [K] when the evaluations were, increasing.
        values: [R, K] one row a run; NaN where an evaluation was undefined, which is not at the level.
        level: such as 0.9 of what the planner gets.
        hold: evaluations in a row that count.
        better: whether higher or lower values are good.

    Source: restricted mean survival time, Royston and Parmar (2013); 90 % of the optimum is a convention.
    """
    times, runs = finite("steps", steps, 1), numbers("values", values, 2)
    if runs.shape[1] != times.size or (np.diff(times) <= 0).any():
        raise ParameterError(f"steps must increase and be as many as evaluations, {runs.shape[1]}, not {times.size}")
    check_int("hold", hold, 1)
    check_choice("better", better, ("higher", "lower"))
    good = runs >= level if better == "higher" else runs <= level
    reached = np.full(len(runs), np.nan)
    if hold <= times.size:
        held = np.array([good[:, k : k + hold].all(axis=1) for k in range(times.size - hold + 1)]).T
        some = held.any(axis=1)
        reached[some] = times[held.argmax(axis=1)[some]]
    known = ~np.isnan(reached)
    return Reached(reached, float(known.mean()), float(np.where(known, reached, times[-1]).mean()))


def area_under_curve(steps: Any, values: Any) -> float:
    """Return the mean value over the training: the area below the curve (trapezoids) over its length.

    Unit: that of the values. Range: that of the values.

    Args:
        steps: [K] when the evaluations were, increasing; at least two.
        values: [K].
    """
    times, found = finite("steps", steps, 1), finite("values", values, 1)
    if times.shape != found.shape or len(times) < 2 or (np.diff(times) <= 0).any():
        raise ParameterError("steps must increase and be as many as values, at least two")
    return float(((found[1:] + found[:-1]) / 2 * np.diff(times)).sum() / (times[-1] - times[0]))


def policy_churn(before: Any, after: Any, visited: Any = None) -> float:
    """Return the share of visited states whose greedy action changed between two evaluations.

    Unit: 1. Range: 0 to 1; NaN if no state was visited.

    Args:
        before: integers [S], the greedy action in each state, earlier.
        after: the same, later.
        visited: bool [S]; None: all.

    Source: Schaul, Barreto, Quan and Ostrovski, "The phenomenon of policy churn" (2022).
    """
    first, second = integers("before", before, 1), integers("after", after, 1)
    chosen = np.ones(first.shape, bool) if visited is None else np.asarray(visited)
    if first.shape != second.shape or chosen.shape != first.shape or chosen.dtype != np.bool_:
        raise ParameterError("before, after and visited (bool) must have the same length")
    changed = (first != second)[chosen]
    return float(changed.mean()) if changed.size else float("nan")
