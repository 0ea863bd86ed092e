"""Who gives way to whom: SUMO's tables of requests, laid over the crosses of the geometry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.formats.sumo_lanes import Way
from marl_envs.traffic.network import Network, Reals, RightOfWay

Pair = tuple[int, int]  # lane links


def right_of_way(
    network: Network, requests: Sequence[Sequence[int]], nodes: Sequence[Any], ways: Sequence[Way]
) -> tuple[Network, NDArray[np.uint8]]:
    """Return the network with a cross for every pair of foes, and the right of way at each cross.

    Two ways that SUMO calls foes but whose lines do not meet (they come within a car's width) get a cross where they
    are nearest. Ways from one lane have none: vehicles follow each other there, and as lines with corners part right at
    the lane's end, everyone on another way than the one before would wait until that is gone.

    Args:
        network: with the crosses of its lines.
        requests: of each junction and each of its lane links: its row in the junction's table, or -1.
        nodes: sumolib's junctions.
        ways: what the lane links are made from.

    Returns:
        The network, and rank[C, 2]: 1 for the link that goes first and 0 for the one that gives way; 0 for both where
        neither or either must.
    """
    foes, yields = _tables(network, requests, nodes)
    start = network.link_start
    apart = start[network.cross_links[:, 0]] != start[network.cross_links[:, 1]]
    crosses, crosses_at = network.cross_links[apart], network.cross_at[apart]
    known = {(a, b) for a, b in crosses.tolist()}
    missing = sorted({(min(pair), max(pair)) for pair in foes} - known)
    pairs = np.concatenate((crosses, np.array(missing, np.int32).reshape(-1, 2)))
    places = np.concatenate((crosses_at, np.array([_nearest(network, *p) for p in missing]).reshape(-1, 2)))
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, places = pairs[order].astype(np.int32), places[order]
    gives_way = np.array([((a, b) in yields, (b, a) in yields) for a, b in pairs.tolist()], np.bool_).reshape(-1, 2)
    rank = (gives_way[:, ::-1] & ~gives_way).astype(np.uint8)
    hostile = np.array([(a, b) in foes or (b, a) in foes for a, b in pairs.tolist()], np.bool_)
    wait_at = np.array([way.wait for way in ways]) * network.length[network.num_lanes :]
    added = np.array([way.added for way in ways], np.bool_)
    for array in (pairs, places, rank, gives_way, hostile, wait_at, added):
        array.flags.writeable = False
    own = RightOfWay(yields=gives_way, foes=hostile, wait_at=wait_at, added=added)
    return replace(network, cross_links=pairs, cross_at=places, cross_rank=rank, right_of_way=own), rank


def _tables(network: Network, requests: Sequence[Sequence[int]], nodes: Sequence[Any]) -> tuple[set[Pair], set[Pair]]:
    """Return the pairs of lane links that are foes, and those of which the first must give way to the second."""
    foes: set[Pair] = set()
    yields: set[Pair] = set()
    for j, (rows, node) in enumerate(zip(requests, nodes, strict=True)):
        first = int(network.first_link[j])
        for a, i in enumerate(rows):
            for b, k in enumerate(rows):
                if i != k and i >= 0 and k >= 0:
                    pair = (first + a, first + b)
                    foes |= {pair} if _bit(node._foes, i, k) else set()
                    yields |= {pair} if _bit(node._prohibits, i, k) else set()
    return foes, yields


def _bit(table: dict[int, str], row: int, column: int) -> bool:
    """Return a bit of a row of requests, which are written from the last to the first."""
    bits = table.get(row, "")
    return column < len(bits) and bits[-(column + 1)] == "1"


def _nearest(network: Network, a: int, b: int) -> tuple[float, float]:
    """Return where on each of two lane links that do not meet they are nearest [m]."""
    lines = [_line(network, network.num_lanes + k) for k in (a, b)]
    best = (math.inf, 0.0, 0.0)
    for one, other in ((0, 1), (1, 0)):  # without a meeting point, one of the two points is a corner
        (corners, along), (points, starts) = lines[one], lines[other]
        for p, s in zip(corners, along, strict=True):
            for q, r, t in zip(points, points[1:], starts, strict=False):
                piece = r - q
                k = min(1.0, max(0.0, float((p - q) @ piece) / max(float(piece @ piece), 1e-12)))
                at = (s, t + k * math.hypot(*piece))
                best = min(best, (math.hypot(*(q + k * piece - p)), *(at if one == 0 else at[::-1])))
    scale = [network.length[network.num_lanes + k] / max(lines[i][1][-1], 1e-9) for i, k in enumerate((a, b))]
    return best[1] * scale[0], best[2] * scale[1]


def _line(network: Network, drivable: int) -> tuple[Reals, Reals]:
    """Return the points of a line and how far along it they are [m]."""
    points = network.xy[network.first_point[drivable] : network.first_point[drivable + 1]]
    steps = np.hypot(*np.diff(points, axis=0).T)
    return points, np.concatenate(([0.0], np.cumsum(steps)))
