"""Comparing two agents: probability of improvement, and differences of runs with the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.statistics.estimates import NOTHING, Estimate, Floats, known_values, t_interval

Scores = Sequence[ArrayLike]

MOST_EXACT = 14  # pairs of which all 2^n signs are tried


def probability_of_improvement(
    first: Scores,
    second: Scores,
    repetitions: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Return how likely a run of `first` is better (higher) than an independent one of `second`.

    The mean over environments; of one it is Mann and Whitney's U / (runs x runs): ties count half.
    The interval resamples runs of both within each environment. 0.5: as good.

    Args:
        first: one list of scores an environment.
        second: the same environments; those where either has no score are left out.
        repetitions: number of resamples.
        seed: of the resampling.
        confidence: of the interval.

    Source: Agarwal et al. (2021).
    """
    groups = [(a, b) for a, b in _both(first, second) if a.size and b.size]
    if not groups:
        return NOTHING
    rng = np.random.default_rng(seed)
    value, draws = 0.0, np.zeros(repetitions)
    for a, b in groups:
        wins = _wins(a[:, None], b[None, :])
        value += float(wins.mean()) / len(groups)
        rows, columns = (rng.multinomial(n, np.full(n, 1 / n), size=repetitions) for n in (a.size, b.size))
        draws += ((rows @ wins) * columns).sum(axis=1) / wins.size / len(groups)
    return _estimate(value, draws, confidence, min(min(a.size, b.size) for a, b in groups))


def paired_improvement(
    first: Scores,
    second: Scores,
    repetitions: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Return the share of pairs (same environment, same seed) in which `first` is better, mean over environments.

    Ties count half. For runs that share a seed, and so episodes: what both find easy or hard drops out.

    Args:
        first: one list of scores an environment, in the order of seeds.
        second: the same environments and seeds; pairs with a NaN are left out.
        repetitions: number of resamples of pairs.
        seed: of the resampling.
        confidence: of the interval.

    Raises:
        ValueError: lists of different lengths.
    """
    groups = [_wins(a, b) for a, b in map(_pairs, *_aligned(first, second)) if a.size]
    if not groups:
        return NOTHING
    rng = np.random.default_rng(seed)
    value, draws = 0.0, np.zeros(repetitions)
    for wins in groups:
        value += float(wins.mean()) / len(groups)
        drawn = rng.multinomial(wins.size, np.full(wins.size, 1 / wins.size), size=repetitions)
        draws += drawn @ wins / wins.size / len(groups)
    return _estimate(value, draws, confidence, min(wins.size for wins in groups))


class Comparison(NamedTuple):
    """Runs of two agents with the same seeds in one environment."""

    difference: Estimate  # mean of first less second, with Student's t interval over pairs
    improvement: Estimate  # share of pairs in which first is higher, a tie counts half; Wilson's interval
    p_value: float  # of no difference, two-sided; NaN without pairs


def compare_pairs(first: ArrayLike, second: ArrayLike, seed: int = 0) -> Comparison:
    """Return how two agents compare in one environment, from one score a seed, in the order of seeds.

    Pairs with an undefined (NaN) score are left out. The share's interval is Wilson's, since resampled pairs that all
    agree would say that they always will.

    Raises:
        ValueError: lists of different lengths.
    """
    a, b = _pairs(first, second)
    better = wilson(float(_wins(a, b).sum()), a.size)
    return Comparison(t_interval(a - b), better, sign_flip_p_value(a - b, seed=seed))


def wilson(successes: float, trials: int, confidence: float = 0.95) -> Estimate:
    """Return the share of successes and its interval (Wilson 1927), which stays honest where all or none succeed."""
    if trials == 0:
        return NOTHING
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    share = successes / trials
    center = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    return Estimate(share, max(0.0, center - half), min(1.0, center + half), trials)


def sign_flip_p_value(differences: ArrayLike, repetitions: int = 10_000, seed: int = 0) -> float:
    """Return the two-sided p-value of a mean of 0 if signs were chance: exact up to 14 pairs, sampled beyond.

    It needs no normal distribution; of n pairs it cannot be below 2 / 2^n, so 5 pairs never reach 0.05.

    Source: Fisher's randomisation test (1935).
    """
    d = known_values(differences)
    if not d.size:
        return float("nan")
    if d.size <= MOST_EXACT:
        signs = 1 - 2 * ((np.arange(2**d.size)[:, None] >> np.arange(d.size)) & 1)
        sums = np.abs(signs @ d)
        return float((sums >= abs(d.sum()) - 1e-12 * np.abs(d).sum()).mean())
    rng = np.random.default_rng(seed)
    signs = 1 - 2 * rng.integers(2, size=(repetitions, d.size))
    sums = np.abs(signs @ d)
    return float((1 + (sums >= abs(d.sum()) - 1e-12 * np.abs(d).sum()).sum()) / (1 + repetitions))


def _wins(a: Floats, b: Floats) -> Floats:
    """Return 1 where a is greater, 0 where b is, 0.5 where neither."""
    return (a > b) + 0.5 * (a == b)


def _aligned(first: Scores, second: Scores) -> tuple[Scores, Scores]:
    if len(first) != len(second):
        raise ValueError(f"there must be as many environments on both sides, not {len(first)} and {len(second)}")
    return first, second


def _both(first: Scores, second: Scores) -> list[tuple[Floats, Floats]]:
    return [(known_values(a), known_values(b)) for a, b in zip(*_aligned(first, second), strict=True)]


def _pairs(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    a, b = (np.asarray(x, np.float64).ravel() for x in (first, second))
    if a.size != b.size:
        raise ValueError(f"pairs must be of the same seeds, not {a.size} and {b.size} runs")
    known = ~(np.isnan(a) | np.isnan(b))
    return a[known], b[known]


def _estimate(value: float, draws: Floats, confidence: float, runs: int) -> Estimate:
    low, high = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Estimate(value, float(low), float(high), runs)
