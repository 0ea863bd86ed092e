"""Plane geometry of roads [m], in the order of operations of CityFlow, so that every length has the same bits.

Dynamics and geometry follow CityFlow (Apache-2.0), roadnet.cpp.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit

Point = tuple[float, float]
Line = Sequence[Point]

EPS = 1e-8  # what counts as parallel, and as on a segment
CURVE_PIECES = 10  # straight pieces of a computed curve
SHORT_PULL = 5.0  # least length of the pulls of a curve at a junction at least as wide [m]


def norm(p: Point) -> float:
    """Return the length of a vector."""
    return math.sqrt(p[0] * p[0] + p[1] * p[1])


def _minus(a: Point, b: Point) -> Point:
    return a[0] - b[0], a[1] - b[1]


def _plus(a: Point, b: Point) -> Point:
    return a[0] + b[0], a[1] + b[1]


def _times(a: Point, k: float) -> Point:
    return a[0] * k, a[1] * k


def unit(a: Point) -> Point:
    """Return the vector of length 1 in the same direction."""
    size = norm(a)
    return a[0] / size, a[1] / size


def length_of(line: Line) -> float:
    """Return the length of a polyline."""
    total = 0.0
    for a, b in itertools.pairwise(line):
        total += norm(_minus(b, a))
    return total


def point_at(line: Line, distance: float) -> Point:
    """Return the point of a polyline at `distance` from its start, which is held within the line."""
    rest = min(max(distance, 0.0), length_of(line))
    if rest <= 0:
        return line[0]
    for a, b in itertools.pairwise(line):
        size = norm(_minus(a, b))
        if rest <= size:
            return _plus(a, _times(_minus(b, a), rest / size))
        rest -= size
    return line[-1]


def direction_at(line: Line, distance: float) -> Point:
    """Return the unit direction of a polyline at `distance` from its start."""
    rest = distance
    for a, b in itertools.pairwise(line):
        size = norm(_minus(b, a))
        if rest < size:
            return unit(_minus(b, a))
        rest -= size
    return unit(_minus(line[-1], line[-2]))


def trimmed(line: Line, at_start: float, at_end: float) -> list[Point]:
    """Return the polyline with its first and last point moved inwards, along their segments."""
    points = list(line)
    points[0] = _plus(points[0], _times(unit(_minus(points[1], points[0])), at_start))
    points[-1] = _minus(points[-1], _times(unit(_minus(points[-1], points[-2])), at_end))
    return points


def lane_lines(line: Line, widths: Sequence[float]) -> list[list[Point]]:
    """Return the centre line of each lane of a road, from the leftmost to the rightmost.

    A lane's points are those of the road, moved to the right along the normal of the mean direction there.
    """
    normals = []
    for k in range(len(line)):
        if k == 0:
            u = unit(_minus(line[1], line[0]))
        elif k + 1 == len(line):
            u = unit(_minus(line[k], line[k - 1]))
        else:
            u = unit(_plus(unit(_minus(line[k + 1], line[k])), unit(_minus(line[k], line[k - 1]))))
        normals.append((u[1], -u[0]))
    lanes = []
    left = 0.0
    for width in widths:
        offset = (left + (left + width)) / 2.0
        lanes.append([_plus(p, _times(n, offset)) for p, n in zip(line, normals, strict=True)])
        left += width
    return lanes


def link_curve(start: Line, end: Line, start_width: float, end_width: float) -> list[Point]:
    """Return the cubic Bezier curve from lane `start` to lane `end`, both untrimmed, as a polyline.

    The second pull points along the end lane where it is short: a slip of CityFlow's that its lengths depend on.
    """
    at = length_of(start) - start_width
    a, b = point_at(start, at), point_at(end, end_width)
    size = norm(_minus(b, a))
    leave, arrive = direction_at(start, at), direction_at(end, end_width)
    pull = (leave[0] * size * 0.5, leave[1] * size * 0.5)
    back = (-arrive[0] * size * 0.5, -arrive[1] * size * 0.5)
    if pull[0] * pull[0] + pull[1] * pull[1] < SHORT_PULL * SHORT_PULL and start_width >= SHORT_PULL:
        pull = (SHORT_PULL * leave[0], SHORT_PULL * leave[1])
    if back[0] * back[0] + back[1] * back[1] < SHORT_PULL * SHORT_PULL and end_width >= SHORT_PULL:
        back = (SHORT_PULL * arrive[0], SHORT_PULL * arrive[1])
    corners = [a, _plus(a, pull), _plus(b, back), b]
    return [_bezier(corners, k / CURVE_PIECES) for k in range(CURVE_PIECES + 1)]


def _bezier(corners: list[Point], t: float) -> Point:
    while len(corners) > 1:
        corners = [_between(p, q, t) for p, q in itertools.pairwise(corners)]
    return corners[0]


def _between(p: Point, q: Point, t: float) -> Point:
    return (q[0] - p[0]) * t + p[0], (q[1] - p[1]) * t + p[1]


@jit(inline=True)
def _sign(x: Real) -> Int:
    return int(x + EPS > 0) - int(x < EPS)


@jit(inline=True)
def _on_segment(ax: Real, ay: Real, bx: Real, by: Real, x: Real, y: Real) -> Any:
    """Return whether (x, y), which lies on the line through a and b, lies between them."""
    across = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    along = (x - ax) * (x - bx) + (y - ay) * (y - by)
    return _sign(across) == 0 and _sign(along) <= 0


@jit(inner=True)
def _first_cross(xy: Any, a0: Int, a1: Int, b0: Int, b1: Int, at: Any, c: Int) -> Any:
    """Write into at[c] where polyline b first meets polyline a, as distances on a and b; return whether it does.

    A segment of b parallel to one of a is left out of the distance on b: a slip of CityFlow's.
    """
    on_a = 0.0
    for i in range(a0, a1 - 1):
        ax, ay = xy[i, 0], xy[i, 1]
        ux, uy = xy[i + 1, 0] - ax, xy[i + 1, 1] - ay
        on_b = 0.0
        for j in range(b0, b1 - 1):
            bx, by = xy[j, 0], xy[j, 1]
            vx, vy = xy[j + 1, 0] - bx, xy[j + 1, 1] - by
            across = ux * vy - uy * vx
            if _sign(across) == 0:
                continue
            k = ((bx - ax) * vy - (by - ay) * vx) / across
            x, y = ax + ux * k, ay + uy * k
            if _on_segment(ax, ay, xy[i + 1, 0], xy[i + 1, 1], x, y) and _on_segment(
                bx, by, xy[j + 1, 0], xy[j + 1, 1], x, y
            ):
                at[c, 0] = on_a + math.sqrt((x - ax) * (x - ax) + (y - ay) * (y - ay))
                at[c, 1] = on_b + math.sqrt((x - bx) * (x - bx) + (y - by) * (y - by))
                return True
            on_b += math.sqrt(vx * vx + vy * vy)
        on_a += math.sqrt(ux * ux + uy * uy)
    return False


@jit
def find_crosses(xy: Any, first: Any, k0: Int, k1: Int, pair: Any, at: Any) -> Any:
    """Write the pairs of polylines k0..k1-1 that meet into pair[C, 2] and where [m] into at[C, 2]; return how many.

    Polyline k has the points xy[first[k]] .. xy[first[k + 1] - 1].
    """
    count = np.int64(0)  # not a literal, which would be compiled for itself
    for a in range(k0, k1):
        for b in range(a + 1, k1):
            if _first_cross(xy, first[a], first[a + 1], first[b], first[b + 1], at, count):
                pair[count, 0], pair[count, 1] = a, b
                count += 1
    return count
