"""Tile coding: from a vector of numbers to one row in each of K tables, for learners on sums of tables.

Each tiling cuts the box [low, high] into equal tiles, `bins` along each dimension, and is displaced against the first
by i / K of a tile times 1, 3, 5 ... along the dimensions: displaced alike they would leave diagonal traces (Miller and
Glanz 1996; Sutton and Barto 2018, 9.5.4). A displaced tiling has one tile more along each dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import MultiDiscrete
from numpy.typing import ArrayLike, NDArray

from marl_envs.core.params import ParameterError, check_int


class TileCoder:
    """Codes vectors as tiles; every tiling is a table of its own, so no two tiles share a weight."""

    def __init__(
        self, low: ArrayLike, high: ArrayLike, bins: int | Sequence[int] | NDArray[Any] = 8, tilings: int = 8
    ) -> None:
        """Prepare `tilings` tilings of the box from `low` to `high`.

        Args:
            low: smallest values that are told apart, one a dimension; what lies outside counts as the nearest inside.
            high: largest values.
            bins: tiles along each dimension, or along all.
            tilings: tables, K.

        Raises:
            ParameterError: a number is out of range, or an edge of the box is missing or not finite.
        """
        self.low, self.high = np.array(low, np.float64), np.array(high, np.float64)
        if self.low.ndim != 1 or self.low.shape != self.high.shape or not len(self.low):
            raise ParameterError(f"low and high must be lists of numbers of one length, not {low!r} and {high!r}")
        if not (np.isfinite(self.low).all() and np.isfinite(self.high).all() and (self.low < self.high).all()):
            raise ParameterError(f"low must lie below high, both finite, but they are {low!r} and {high!r}")
        counts = [bins] * len(self.low) if isinstance(bins, (int, np.integer)) else list(bins)
        if len(counts) != len(self.low):
            raise ParameterError(f"bins must be one number for each of {len(self.low)} dimensions, not {bins!r}")
        self.bins = np.array([check_int(f"bins[{d}]", count, 1, 10_000) for d, count in enumerate(counts)])
        self.tilings = check_int("tilings", tilings, 1, 1000)
        self._make_tables()

    def _make_tables(self) -> None:
        places = 2 * np.arange(len(self.bins)) + 1  # 1, 3, 5 ...
        self._offsets = np.arange(self.tilings)[:, None] * places % self.tilings / self.tilings  # [K, D] in tiles
        shape = self.bins + 1
        self._strides = np.concatenate([np.cumprod(shape[:0:-1])[::-1], [1]]).astype(np.int64)
        self.size = int(np.prod(shape))
        if self.size > 2**31 - 1:
            raise ParameterError(f"bins {self.bins.tolist()} make {self.size} tiles a tiling: use fewer")

    @property
    def space(self) -> MultiDiscrete:
        """Space of coded observations: K integers, each below the number of tiles of a tiling."""
        return MultiDiscrete([self.size] * self.tilings, dtype=np.int32)  # type: ignore[arg-type]

    def code(self, vectors: NDArray[Any]) -> NDArray[np.int32]:
        """Return the tiles int32 [..., K] of vectors [..., D].

        Raises:
            ValueError: another number of dimensions, or NaN.
        """
        vectors = np.asarray(vectors, np.float64)
        if vectors.shape[-1:] != self.low.shape or np.isnan(vectors).any():
            raise ValueError(f"tile coding needs {len(self.low)} numbers a vector and no NaN, not {vectors!r}")
        inside = np.clip(vectors, self.low, self.high)
        scaled = (inside - self.low) / (self.high - self.low) * self.bins
        cells = np.floor(scaled[..., None, :] + self._offsets).astype(np.int64)
        return (cells @ self._strides).astype(np.int32)

    def to_config(self) -> dict[str, Any]:
        """Return the coder as a JSON-able dict."""
        return {
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "bins": self.bins.tolist(),
            "tilings": self.tilings,
        }
