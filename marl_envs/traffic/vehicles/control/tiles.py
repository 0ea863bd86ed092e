"""Which tiles of the junction a vehicle covers, for each place of its front on each link's path."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.vehicles.types import PATH_STEP, Rules

Reals = NDArray[np.float64]
BITS = 64  # of a word


def tile_cover(rules: Rules, lengths: Reals, body: float, width: float, size: float) -> NDArray[np.uint64]:
    """Return the tiles [Q, W], as bits, that a vehicle covers whose front is on each point of the paths.

    Tiles are squares of `size` metres from stop line to stop line; rows from the south, from the west.

    Args:
        rules: the paths.
        lengths: of the links [K] [m].
        body: length of the vehicle, and what is kept free before and behind it [m]; the front's share is half of it.
        width: of the vehicle and what is kept free beside it [m].
        size: of a tile [m].
    """
    points = np.stack([rules.path_x, rules.path_y], axis=1)
    tiles = _tiles(rules, lengths, points, size)
    words = -(-len(tiles) // BITS)
    cover = np.zeros((len(points), words), np.uint64)
    back = round(rules.longest / PATH_STEP)
    for k in range(len(lengths)):
        first, last = int(rules.path_first[k]), int(rules.path_first[k + 1])
        front, rear = points[first + back : last], points[first : last - back]
        hit = _meet(front, rear, body, width, tiles, size)
        padded = np.zeros((len(hit), words * BITS), np.uint8)
        padded[:, : len(tiles)] = hit
        cover[first + back : last] = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
    return cover


def _tiles(rules: Rules, lengths: Reals, points: Reals, size: float) -> Reals:
    """Return the middles [n, 2] of the tiles from stop line to stop line [m]."""
    inside = np.zeros(len(points), np.bool_)
    begin = round(rules.before / PATH_STEP)
    for k, length in enumerate(lengths):
        first = int(rules.path_first[k]) + begin
        inside[first : first + int(length / PATH_STEP) + 1] = True
    low, high = points[inside].min(axis=0), points[inside].max(axis=0)
    number = np.ceil((high - low) / size - 1e-9).astype(int)
    x, y = (low[i] + (np.arange(number[i]) + 0.5) * size for i in range(2))
    return np.stack([np.tile(x, number[1]), np.repeat(y, number[0])], axis=1)


def _meet(front: Reals, rear: Reals, body: float, width: float, tiles: Reals, size: float) -> NDArray[np.bool_]:
    """Return which vehicles [n] and tiles [m] share a place, [n, m], by the separating axes."""
    chord = front - rear
    axis = chord / np.maximum(np.hypot(*chord.T), 1e-9)[:, None]
    apart = tiles[None] - ((front + rear) / 2.0)[:, None]
    along = np.abs((apart * axis[:, None]).sum(axis=2))
    across = np.abs(apart[..., 0] * axis[:, None, 1] - apart[..., 1] * axis[:, None, 0])
    spread = (np.abs(axis).sum(axis=1) * size / 2.0)[:, None]
    hit = (along <= body / 2.0 + spread) & (across <= width / 2.0 + spread)
    for i in range(2):
        turned = axis[:, 1 - i]
        half = body / 2.0 * np.abs(axis[:, i]) + width / 2.0 * np.abs(turned) + size / 2.0
        hit &= np.abs(apart[..., i]) <= half[:, None]
    result: NDArray[np.bool_] = hit
    return result
