"""How equally something is shared: Jain's index, Gini's coefficient, and how far the worst is from the mean.

For amounts that are not negative (deliveries, waiting), never for rewards. The families' own `jain_fairness` is the
same index, computed in their kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.metrics.checks import finite


def jain(amounts: Any) -> float:
    """Return Jain's index (sum x)^2 / (n sum x^2) of amounts [n].

    Unit: 1. Range: 1/n (one has everything) to 1 (all the same); NaN where all are 0.

    Source: Jain, Chiu and Hawe (1984).
    """
    x = finite("amounts", amounts, 1, 0.0)
    most = x.max()
    if most == 0:
        return float("nan")
    x = x / most  # squares of tiny amounts would vanish
    return float(x.sum() ** 2 / (x.size * (x**2).sum()))


def gini(amounts: Any, unbiased: bool = False) -> float:
    """Return Gini's coefficient sum_ij |x_i - x_j| / (2 n^2 mean) of amounts [n].

    Unit: 1. Range: 0 (all the same) to (n-1)/n (one has everything), with `unbiased` to 1, since that form is n/(n-1)
    times as large; NaN where all are 0, and unbiased for a single one.

    Source: Gini (1912); the unbiased form Deltas (2003).
    """
    x = np.sort(finite("amounts", amounts, 1, 0.0))
    n, total = x.size, x.sum()
    if total == 0 or (unbiased and n == 1):
        return float("nan")
    ranks = 2 * np.arange(1, n + 1) - n - 1  # sum_ij |x_i - x_j| = 2 sum_i rank_i x_i of sorted amounts
    value = float((ranks * (x / total)).sum() / n)
    return value * n / (n - 1) if unbiased else value


def worst_to_mean(amounts: Any) -> float:
    """Return the greatest amount over the mean, such as of waiting times [n].

    Unit: 1. Range: 1 (all the same) to n (one has everything); NaN where all are 0.
    """
    x = finite("amounts", amounts, 1, 0.0)
    most = float(x.max())
    return most / float(x.mean()) if most > 0 else float("nan")
