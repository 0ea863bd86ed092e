"""Two results seed by seed: how often the second is better, and by how much."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.statistics import NOTHING, Estimate, t_interval


class Paired(NamedTuple):
    """What pairs of values say; a positive difference is an improvement."""

    difference: Estimate  # mean of after - before (before - after where less is better), Student's t interval
    improvement: Estimate  # share of seeds that became better, a tie counts half; Wilson's interval


def paired(before: ArrayLike, after: ArrayLike, higher: bool = True) -> Paired:
    """Compare values of the same seeds, in the same order; pairs with an undefined (NaN) value are left out."""
    gain = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    gain = (gain if higher else -gain)[~np.isnan(gain)]
    return Paired(t_interval(gain), wilson(float((gain > 0).sum() + 0.5 * (gain == 0).sum()), len(gain)))


def wilson(successes: float, trials: int, confidence: float = 0.95) -> Estimate:
    """Return the share and its interval (Wilson 1927), which stays honest where all or none succeed."""
    if trials == 0:
        return NOTHING
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    share = successes / trials
    center = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    return Estimate(share, max(0.0, center - half), min(1.0, center + half), trials)


def verdict(difference: Estimate) -> str:
    """Return better, worse, same (no seed differs, or the mean does not) or unclear (the interval holds 0)."""
    low, high = difference.low, difference.high
    if difference.mean == 0 and (low == high or difference.seeds == 1):
        return "same"
    return "better" if low > 0 else "worse" if high < 0 else "unclear"
