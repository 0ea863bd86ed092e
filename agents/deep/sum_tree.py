"""A sum tree: draw numbered places in proportion to their weights, in logarithmic time (Schaul et al. 2016)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class SumTree:
    """`size` places with weights of at least 0.

    Attributes:
        nodes: float64 [2 * leaves]; node k is the sum of nodes 2k and 2k + 1, places lie from `leaves` on.
    """

    def __init__(self, size: int) -> None:
        """Start with weights of 0."""
        self.leaves = 1 << max(size - 1, 0).bit_length()
        self.nodes = np.zeros(2 * self.leaves)

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self.nodes[1])

    def __getitem__(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the weights of places."""
        weights: NDArray[np.float64] = self.nodes[places + self.leaves]
        return weights

    def __setitem__(self, places: NDArray[np.int64], weights: NDArray[np.float64] | float) -> None:
        """Set the weights of places; of a place that is named twice the last one holds."""
        nodes = np.asarray(places) + self.leaves
        self.nodes[nodes] = weights
        while self.leaves > 1 and nodes[0] > 1:  # sums anew, not differences, so that no rounding adds up
            nodes = nodes // 2
            self.nodes[nodes] = self.nodes[2 * nodes] + self.nodes[2 * nodes + 1]

    def find(self, amounts: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the place in which each amount in [0, total) falls if weights are laid end to end."""
        node, left = np.ones(len(amounts), np.int64), np.array(amounts, np.float64)
        for _ in range(self.leaves.bit_length() - 1):
            node *= 2
            # Rounding must not lead to where nothing is.
            right = (left >= self.nodes[node]) & (self.nodes[node + 1] > 0)
            left -= np.where(right, self.nodes[node], 0.0)
            node += right
        return node - self.leaves
