"""Whether agents trained apart get along: cross-play between seeds, its gap and ratio, with intervals over seeds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from marl_envs.core.params import ParameterError, check_int
from marl_envs.metrics.checks import Floats, finite


class Interval(NamedTuple):
    """A value with its percentile interval over seeds."""

    value: float
    low: float
    high: float


class CrossPlay(NamedTuple):
    """Means of a cross-play matrix, in its unit (the ratio: 1)."""

    self_play: Interval  # mean of the diagonal
    cross_play: Interval  # mean of all else
    gap: Interval  # self-play less cross-play
    ratio: Interval  # cross-play over self-play; NaN unless self-play is above 0
    seeds: int


def cross_play(matrix: Any, repetitions: int = 2000, seed: int = 0, confidence: float = 0.95) -> CrossPlay:
    """Return self-play, cross-play, gap and ratio of a matrix of returns, with intervals over seeds.

    Entry [a, b] is the mean return of a team whose first role is played by the agents of training run a, the second by
    those of run b; so where roles differ both orders are in it. Entries share runs, so resampling cells would give far
    too narrow intervals: the bootstrap draws runs, and takes rows and columns together. Two draws of the same run are
    no cross-play: such cells are left out of its mean.

    Unit: that of the matrix. Range: any; a gap of 0: partners are interchangeable.

    Args:
        matrix: [R, R], at least 2 runs.
        repetitions: of the bootstrap.
        seed: of the bootstrap; the same seed gives the same interval.
        confidence: of the intervals.

    Source: Hu, Lerer, Peysakhovich and Foerster, "Other-play" (2020).
    """
    values = finite("matrix", matrix, 2)
    runs = len(values)
    if values.shape != (runs, runs) or runs < 2:
        raise ParameterError(f"matrix must be square with at least 2 runs, not of shape {values.shape}")
    check_int("repetitions", repetitions, 1)
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence must be between 0 and 1, not {confidence!r}")
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(runs, size=runs) for _ in range(repetitions))
    samples = np.array([_means(values, rows) for rows in drawn if len(set(rows.tolist())) > 1]).reshape(-1, 4)
    own = _means(values, np.arange(runs))
    tails = (0.5 - confidence / 2, 0.5 + confidence / 2)
    both, cross, gap, ratio = (_interval(own[i], samples[:, i], tails) for i in range(4))
    return CrossPlay(both, cross, gap, ratio, runs)


def _means(values: Floats, rows: Any) -> tuple[float, float, float, float]:
    part = values[np.ix_(rows, rows)]
    apart = rows[:, None] != rows[None, :]
    own, cross = float(values[rows, rows].mean()), float(part[apart].mean())
    return own, cross, own - cross, cross / own if own > 0 else float("nan")


def _interval(value: float, samples: Floats, tails: tuple[float, float]) -> Interval:
    known = samples[~np.isnan(samples)]
    if np.isnan(value) or not known.size:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, tails)
    return Interval(value, float(low), float(high))


def jackknife(matrix: Any) -> tuple[float, float]:
    """Return the gap and its standard error by leaving out one run (row and column) at a time; at least 3 runs.

    Unit: that of the matrix. A check on the bootstrap's interval that needs no random numbers.

    Source: Efron and Stein (1981).
    """
    values = finite("matrix", matrix, 2)
    runs = len(values)
    if values.shape != (runs, runs) or runs < 3:
        raise ParameterError(f"matrix must be square with at least 3 runs, not of shape {values.shape}")
    rows = np.arange(runs)
    left = np.array([_means(values, rows[rows != r])[2] for r in rows])
    error = np.sqrt((runs - 1) / runs * ((left - left.mean()) ** 2).sum())
    return _means(values, rows)[2], float(error)
