"""The observation "image" of both tasks: which cells it shows, how they are coded, and the space.

A cell is coded as one integer, LAYER_BITS bits a layer, the first layer lowest. Kernels look up the codes of the cells
around a robot, and then spread them out layer by layer: whole rows of numbers at a time, by vector instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit

LAYER_BITS = 4  # so that eight layers, with headings from 0 to 4, fit into 31 bits
LAYER_MASK = (1 << LAYER_BITS) - 1
ONWARD = ((-1, 0), (1, 0), (0, -1), (0, 1))  # (rows, columns) one ahead, by heading
ASIDE = ((0, 1), (0, -1), (-1, 0), (1, 0))  # one to the right, by heading


def sight_table(radius: int, stride: int, rotated: bool) -> NDArray[np.int32]:
    """Return offsets [4, V] of the cells of the square around a robot, by heading, in the picture's reading order.

    Args:
        radius: of the square [cells].
        stride: from one row of the floor to the next.
        rotated: whether ahead is up; else north is.
    """

    def offset(heading: int, up: int, right: int) -> int:
        (down, east), (aside_down, aside_east) = ONWARD[heading], ASIDE[heading]
        return (up * down + right * aside_down) * stride + up * east + right * aside_east

    reach = range(-radius, radius + 1)
    return np.array([[offset(h * rotated, -i, j) for i in reach for j in reach] for h in range(4)], np.int32)


def image_space(layers: tuple[str, ...], cells: int) -> spaces.Box:
    """Return the space of the vector [layers * cells]: zeros and ones, but headings are from 0 to 4."""
    high = np.repeat([4 if layer.endswith("direction") else 1 for layer in layers], cells).astype(np.float32)
    return spaces.Box(np.zeros_like(high), high, dtype=np.float32)


def code_of(layers: tuple[str, ...], shown: Mapping[str, int]) -> int:
    """Return the code of a cell, from the value that each layer shows of it."""
    return sum(int(shown[layer]) << LAYER_BITS * y for y, layer in enumerate(layers))


@jit(inline=True)
def spread(code: Any, obs: Any, layers: Int, e: Int, a: Int) -> None:
    """Write obs[e, a], layer after layer, from the cells' codes code[e, :], which are used up."""
    cells = code.shape[1]
    for layer in range(layers):
        first = layer * cells
        for w in range(cells):
            rest = code[e, w]
            obs[e, a, first + w] = np.float32(np.int32(rest & LAYER_MASK))
            code[e, w] = rest >> LAYER_BITS
