"""The cheapest assignment of robots to tasks, by scipy (extra `plan`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NOBODY = -1


def cheapest(costs: NDArray[Any], forbidden: float) -> NDArray[np.int64]:
    """Return for each row its column, or NOBODY [R], such that as many as possible are matched, at the least total.

    Args:
        costs: what each pair costs, at least 0, [R, C].
        forbidden: pairs that cost this or more are never matched.

    Raises:
        ImportError: scipy is not installed.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise ImportError('the cheapest assignment needs scipy: pip install "marl-envs[plan]"') from error
    chosen = np.full(len(costs), NOBODY, np.int64)
    open_pairs = costs < forbidden
    # A forbidden pair costs more than all allowed ones together, so it is taken only where nothing else is left.
    bound = 1.0 + float(costs[open_pairs].max(initial=0.0)) * min(costs.shape)
    rows, columns = linear_sum_assignment(np.where(open_pairs, costs, bound))
    allowed = open_pairs[rows, columns]
    chosen[rows[allowed]] = columns[allowed]
    return chosen
