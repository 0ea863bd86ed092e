"""Ranks among numbers, found in place without sorting all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit


@jit(inner=True)
def select(values: Any, e: Int, count: Int, rank: Int) -> Real:
    """Return the value of a rank, counted from 0, among values[e, :count], which are put into another order."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[e, (low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[e, i] < pivot:
                i += 1
            while values[e, j] > pivot:
                j -= 1
            if i <= j:
                values[e, i], values[e, j] = values[e, j], values[e, i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return np.float64(values[e, rank])
