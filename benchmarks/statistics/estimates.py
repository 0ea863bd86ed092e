"""Estimates from a few numbers a seed: intervals, IQM, median, optimality gap, stratified bootstrap; deterministic.

The unit of inference is the seed (one training run, one stream of episodes): episodes of one seed are averaged first,
because they share what was learned and are not independent. Intervals of one environment are Student's t intervals over
the seeds' means: with 3 to 5 seeds a bootstrap interval is far too narrow (it cannot leave the range of the values),
the t interval is exact for normal means, and honest about how little 3 seeds say. Where scores of several environments
are pooled, seeds are resampled within each environment (stratified bootstrap, percentile interval).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEW_SEEDS = 5  # below this many seeds tables say that intervals are rough

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean (or IQM) with its 95 % interval over `seeds` values; low and high are NaN where there is none."""

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def margin(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    def scaled(self, factor: float) -> Estimate:
        """Return the estimate of `factor` (at least 0) times the quantity."""
        return Estimate(self.mean * factor, self.low * factor, self.high * factor, self.seeds)


NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0)


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the mean of one value a seed and Student's t interval; NaN (undefined) values are left out.

    A single seed has a mean but no interval (NaN).
    """
    data = known_values(values)
    if not data.size:
        return NOTHING
    mean = float(data.mean())
    if data.size == 1:
        return Estimate(mean, float("nan"), float("nan"), 1)
    from scipy.special import stdtrit

    half = float(stdtrit(data.size - 1, 0.5 + confidence / 2)) * float(data.std(ddof=1)) / data.size**0.5
    return Estimate(mean, mean - half, mean + half, int(data.size))


def iqm(values: ArrayLike) -> float:
    """Return the interquartile mean: the mean after cutting the lowest and highest quarter (rounded down)."""
    data = np.sort(known_values(values))
    cut = int(0.25 * data.size)
    return float(data[cut : data.size - cut].mean()) if data.size else float("nan")


def median(values: ArrayLike) -> float:
    """Return the median; NaN of nothing."""
    data = known_values(values)
    return float(np.median(data)) if data.size else float("nan")


def optimality_gap(values: ArrayLike, target: float = 1.0) -> float:
    """Return by how much scores fall short of `target` on average; what is above it does not make up for the rest.

    Range: at least 0, 0 if all reach the target; NaN of nothing.
    """
    data = known_values(values)
    return float(target - np.minimum(data, target).mean()) if data.size else float("nan")


def caution(runs: int) -> str | None:
    """Return what to say of intervals from so few runs, or None from FEW_SEEDS on."""
    if runs >= FEW_SEEDS:
        return None
    return f"{runs} run{'' if runs == 1 else 's'}: intervals of fewer than {FEW_SEEDS} runs are rough, and too narrow"


def stratified_bootstrap(
    strata: Sequence[ArrayLike],
    statistic: Callable[[Floats], float] = iqm,
    repetitions: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Return `statistic` of all values together and its percentile interval, resampling within each stratum.

    Args:
        strata: one list of values (one a seed) an environment.
        statistic: function of the pooled values.
        repetitions: number of resamples.
        seed: of the resampling; the same seed gives the same interval.
        confidence: of the interval.
    """
    groups = [group for group in map(known_values, strata) if group.size]
    if not groups:
        return NOTHING
    rng = np.random.default_rng(seed)
    samples = np.concatenate([group[rng.integers(group.size, size=(repetitions, group.size))] for group in groups], 1)
    draws = [statistic(sample) for sample in samples]
    low, high = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2])
    pooled = np.concatenate(groups)
    return Estimate(statistic(pooled), float(low), float(high), min(group.size for group in groups))


def known_values(values: ArrayLike) -> Floats:
    """Return the values as one flat array, without those that are undefined (NaN)."""
    data = np.asarray(values, dtype=np.float64).ravel()
    return data[~np.isnan(data)]
