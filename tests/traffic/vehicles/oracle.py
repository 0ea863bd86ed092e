"""Vehicles as rectangles in plain Python, from a frame and the network's lines alone."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from typing import Any

from marl_envs.traffic.network import Network

Point = tuple[float, float]


def point_at(network: Network, d: int, at: float) -> Point:
    """Return the point at a distance on a drivable; before its start and behind its end the line goes straight on."""
    line = network.xy[network.first_point[d] : network.first_point[d + 1]].tolist()
    for k, (a, b) in enumerate(pairwise(line)):
        size = math.dist(a, b)
        if at <= size or k == len(line) - 2:
            return a[0] + (b[0] - a[0]) * at / size, a[1] + (b[1] - a[1]) * at / size
        at -= size
    raise AssertionError("a line has at least two points")


def rectangle(network: Network, frame: dict[str, Any], v: int) -> list[Point]:
    """Return the corners of vehicle `v`, counter-clockwise."""
    d, dis, body = int(frame["place"][v]), float(frame["dis"][v]), float(frame["body"][v])
    front = point_at(network, d, dis)
    came, rest = int(frame["came"][v]), dis - body
    behind = rest < 0 and came >= 0
    rear = point_at(network, came, float(network.length[came]) + rest) if behind else point_at(network, d, rest)
    size = math.dist(front, rear)
    ux, uy = (front[0] - rear[0]) / size, (front[1] - rear[1]) / size
    mx, my = (front[0] + rear[0]) / 2, (front[1] + rear[1]) / 2
    a, b = body / 2, float(frame["width"][v]) / 2
    return [
        (mx + ux * i * a - uy * k * b, my + uy * i * a + ux * k * b) for i, k in ((1, -1), (1, 1), (-1, 1), (-1, -1))
    ]


def overlap(one: list[Point], other: list[Point]) -> float:
    """Return the area that two convex polygons share (Sutherland and Hodgman's clipping)."""
    for (x0, y0), (x1, y1) in pairwise([*other, other[0]]):
        clipped: list[Point] = []
        for a, b in pairwise([*one, one[0]]) if one else ():
            sides = [(x1 - x0) * (p[1] - y0) - (y1 - y0) * (p[0] - x0) for p in (a, b)]
            if sides[0] >= 0:
                clipped.append(a)
            if sides[0] * sides[1] < 0:
                t = sides[0] / (sides[0] - sides[1])
                clipped.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
        one = clipped
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in pairwise([*one, one[0]]))) / 2 if one else 0.0


def gap_on_path(network: Network, frame: dict[str, Any], v: int, u: int) -> float | None:
    """Return the gap between two vehicles that are on one path [m], else None."""
    (d, at), (b, to) = ((int(frame["place"][w]), float(frame["dis"][w])) for w in (v, u))
    if d == b:
        return abs(to - at) - float(frame["body"][v if at > to else u])
    for (one, x), (other, y), w in (((d, at), (b, to), u), ((b, to), (d, at), v)):
        onto_lane = one >= network.num_lanes and network.link_end[one - network.num_lanes] == other
        if (onto_lane and frame["came"][w] == one) or (
            other >= network.num_lanes and network.link_start[other - network.num_lanes] == one
        ):
            return float(network.length[one]) - x + y - float(frame["body"][w])
    return None


def touching(network: Network, frame: dict[str, Any]) -> set[tuple[int, int]]:
    """Return the pairs of vehicles that share more than a trace of area; of those on one path, that have no gap.

    Where a path bends, the corners of rectangles whose bumpers are near each other may overlap.
    """
    boxes = {v: rectangle(network, frame, v) for v in range(len(frame["place"])) if frame["place"][v] >= 0}
    found = set()
    for v, u in combinations(boxes, 2):
        if overlap(boxes[v], boxes[u]) > 0.02:
            gap = gap_on_path(network, frame, v, u)
            if gap is None or gap < 0.0:
                found.add((v, u))
    return found
