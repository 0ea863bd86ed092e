"""Zones: where on two links of a junction the bodies of vehicles could touch, from the links' lines.

The reference knows points where lines cross. Bodies have a width, so they can touch before and after such a point,
where two links begin on one lane and part, and where two links come together on one lane.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.engine.types import CROSS, FORK, MERGE
from marl_envs.traffic.network import Network

SPACING = 0.5  # of the points at which lines are compared [m]
MARGIN = 0.5  # besides the width of a body: it does not bend with its line [m]

Points = NDArray[np.float64]


class Zone(NamedTuple):
    """A zone as seen from one of its two links, which are counted from 0; places in metres along the links."""

    link: int
    kind: int  # CROSS, MERGE or FORK
    foe: int
    claim: int  # 1: this link goes first; -1: the other; 0: they go as they come
    begin: float
    end: float
    foe_begin: float
    foe_end: float


@lru_cache(maxsize=16)
def find_zones(network: Network, width: float) -> tuple[Zone, ...]:
    """Return the zones of all pairs of links, each from both sides; kept, as environments share a network.

    Args:
        network: the network.
        width: of the widest vehicle [m].
    """
    claims = _claims(network)
    lines = [sampled(network, k) for k in range(network.num_links)]
    zones = []
    for j in range(len(network.junction_ids)):
        for a in range(network.first_link[j], network.first_link[j + 1]):
            for b in range(a + 1, network.first_link[j + 1]):
                places = _near(lines[a], lines[b], width + MARGIN)
                if places is None:
                    continue
                kind = CROSS
                if network.link_end[a] == network.link_end[b]:
                    kind = MERGE
                elif network.link_start[a] == network.link_start[b]:
                    kind = FORK
                claim = claims.get((a, b), _by_kind(network, a, b))
                zones.append(Zone(a, kind, b, claim, *places))
                zones.append(Zone(b, kind, a, -claim, *places[2:], *places[:2]))
    return tuple(zones)


def _claims(network: Network) -> dict[tuple[int, int], int]:
    """Return who goes first at each cross: 1 for the first of the pair."""
    ranks = network.cross_rank.astype(int)
    signs = np.sign(ranks[:, 0] - ranks[:, 1]).tolist()
    return {(a, b): sign for (a, b), sign in zip(network.cross_links.tolist(), signs, strict=True)}


def _by_kind(network: Network, a: int, b: int) -> int:
    """Return who goes first where two links do not cross, by their kinds."""
    rank = network.road_link_kind[network.link_movement[[a, b]]].astype(int)
    return int(np.sign(rank[0] - rank[1]))


def sampled(network: Network, link: int) -> tuple[Points, Points]:
    """Return points of a link's line [P, 2], and where they are on the link [P] [m]."""
    d = network.num_lanes + link
    line = network.xy[network.first_point[d] : network.first_point[d + 1]]
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))))
    at = np.linspace(0.0, along[-1], max(2, math.ceil(along[-1] / SPACING) + 1))
    points = np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1)
    return points, at * (network.length[d] / max(along[-1], 1e-9))


def _near(
    one: tuple[Points, Points], other: tuple[Points, Points], reach: float
) -> tuple[float, float, float, float] | None:
    """Return where each of two lines is nearer than `reach` to the other: from, to, and the same of the other."""
    (p, at), (q, foe_at) = one, other
    if (p.min(0) > q.max(0) + reach).any() or (q.min(0) > p.max(0) + reach).any():
        return None
    near = ((p[:, None] - q[None]) ** 2).sum(-1) < reach * reach
    if not near.any():
        return None
    return *_range(at, near.any(1)), *_range(foe_at, near.any(0))


def _range(at: Points, near: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the part of a link that the marked points stand for."""
    first, last = np.flatnonzero(near)[[0, -1]]
    return float(at[max(first - 1, 0)]), float(at[min(last + 1, len(at) - 1)])
