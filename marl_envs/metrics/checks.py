"""What metrics ask of their arguments: arrays of numbers of a shape, probabilities, counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def numbers(name: str, value: Any, ndim: int, low: float = -np.inf) -> Floats:
    """Return `value` as float64 with `ndim` axes and at least one element; NaN passes.

    Raises:
        ParameterError: no array of numbers, other axes, empty, infinite, or below `low`.
    """
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be an array of numbers with {ndim} axes, not {value!r}") from None
    if array.ndim != ndim or array.size == 0:
        raise ParameterError(f"{name} must have {ndim} axes and at least one element, not the shape {array.shape}")
    wrong = np.argwhere(np.isinf(array) | (array < low))
    if len(wrong):
        where = wrong[0].tolist()
        span = "finite" if low == -np.inf else f"finite and at least {low:g}"
        raise ParameterError(f"{name}{where} must be {span}, not {array[tuple(where)]}")
    return array


def finite(name: str, value: Any, ndim: int, low: float = -np.inf) -> Floats:
    """Return `value` as `numbers` does; NaN is refused, too."""
    array = numbers(name, value, ndim, low)
    wrong = np.argwhere(np.isnan(array))
    if len(wrong):
        raise ParameterError(f"{name}{wrong[0].tolist()} must be a number, not NaN")
    return array


def integers(name: str, value: Any, ndim: int, low: int = 0) -> Ints:
    """Return `value` as int64 with `ndim` axes, each at least `low`; may be empty.

    Raises:
        ParameterError: no array of integers, other axes, or below `low`.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise ParameterError(f"{name} must be an array of integers, not {array.dtype}")
    if array.ndim != ndim:
        raise ParameterError(f"{name} must have {ndim} axes, not the shape {array.shape}")
    wrong = np.argwhere(array < low)
    if len(wrong):
        where = wrong[0].tolist()
        raise ParameterError(f"{name}{where} must be at least {low}, not {array[tuple(where)]}")
    return array.astype(np.int64)


def probabilities(name: str, value: Any, ndim: int) -> Floats:
    """Return `value` as float64 whose last axis holds probabilities that sum to 1 (within 1e-6).

    Raises:
        ParameterError: other axes, a negative number, or another sum.
    """
    array = finite(name, value, ndim, 0.0)
    sums = array.sum(axis=-1)
    wrong = np.argwhere(np.abs(sums - 1.0) > 1e-6)
    if len(wrong):
        where = wrong[0].tolist()
        raise ParameterError(f"{name}{where} must be probabilities that sum to 1, not to {sums[tuple(where)]}")
    return array
