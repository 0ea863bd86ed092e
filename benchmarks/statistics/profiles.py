"""Performance profiles: which share of runs is better than a score, for every score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.statistics.estimates import Floats, known_values


class Profile(NamedTuple):
    """Shares of runs above thresholds, with a band; all [K]."""

    thresholds: Floats
    share: Floats
    low: Floats
    high: Floats


def performance_profile(
    strata: Sequence[ArrayLike],
    thresholds: ArrayLike,
    repetitions: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Profile:
    """Return the share of runs whose score is above each threshold, mean over environments.

    The band is pointwise, from resampling runs within each environment. NaN without any run.

    Args:
        strata: one list of scores (one a run) an environment; an environment without scores is left out.
        thresholds: scores, rising or not.
        repetitions: number of resamples.
        seed: of the resampling; the same seed gives the same band.
        confidence: of the band.

    Source: score distributions of Agarwal et al. (2021), after Dolan and More (2002).
    """
    groups = [np.sort(group) for group in map(known_values, strata) if group.size]
    levels = np.asarray(thresholds, np.float64).ravel()
    if not groups:
        nothing = np.full(levels.shape, np.nan)
        return Profile(levels, nothing, nothing, nothing)
    rng = np.random.default_rng(seed)
    share, draws = np.zeros(levels.size), np.zeros((repetitions, levels.size))
    for group in groups:
        above = (group[:, None] > levels).astype(np.float64)
        share += above.mean(axis=0) / len(groups)
        # How often each run is drawn says all: no array [repetitions, runs, levels] is needed.
        drawn = rng.multinomial(group.size, np.full(group.size, 1 / group.size), size=repetitions)
        draws += drawn @ above / group.size / len(groups)
    low, high = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0)
    return Profile(levels, share, low, high)
