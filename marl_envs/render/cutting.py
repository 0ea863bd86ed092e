"""Boxes around shapes, and shapes cut to a box, so that a close camera draws no more than it sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from marl_envs.render.scene import Circle, Line, Point, Polygon, Rect

Drawn = Rect | Circle | Polygon | Line
Box = tuple[float, float, float, float]  # left, top, right, bottom [cells]


def box_of(shape: Drawn) -> Box:
    """Return the smallest box around a shape."""
    if isinstance(shape, Rect):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    if isinstance(shape, Circle):
        return shape.x - shape.radius, shape.y - shape.radius, shape.x + shape.radius, shape.y + shape.radius
    points, reach = (shape.points, 0.0) if isinstance(shape, Polygon) else ((shape.start, shape.end), shape.width / 2)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach


def cut(shape: Drawn, left: float, top: float, right: float, bottom: float) -> Drawn | None:
    """Return the part of a shape within a box, or None; discs, and the edges of rectangles, are kept whole."""
    if isinstance(shape, Rect):
        reach = max(shape.radius, shape.edge_width)  # so that the edges stay outside where they were
        x0, y0 = max(shape.x, left - reach), max(shape.y, top - reach)
        x1, y1 = min(shape.x + shape.width, right + reach), min(shape.y + shape.height, bottom + reach)
        return replace(shape, x=x0, y=y0, width=x1 - x0, height=y1 - y0) if x1 > x0 and y1 > y0 else None
    if isinstance(shape, Polygon):
        points = cut_polygon(shape.points, left, top, right, bottom)
        return Polygon(points, shape.fill) if len(points) > 2 else None
    if isinstance(shape, Line):
        reach = shape.width
        ends = cut_line(shape.start, shape.end, left - reach, top - reach, right + reach, bottom + reach)
        return Line(*ends, shape.width, shape.fill) if ends else None
    return shape


def cut_polygon(points: tuple[Point, ...], left: float, top: float, right: float, bottom: float) -> tuple[Point, ...]:
    """Return the corners of a polygon within a box (Sutherland and Hodgman 1974)."""
    for axis, limit, sign in ((0, left, 1.0), (0, right, -1.0), (1, top, 1.0), (1, bottom, -1.0)):
        points = _half(points, lambda p, axis=axis, limit=limit, sign=sign: sign * (p[axis] - limit))  # type: ignore[misc]
    return points


def _half(points: tuple[Point, ...], inside: Callable[[Point], float]) -> tuple[Point, ...]:
    """Return the part of a polygon where `inside`, a distance from a straight line, is not negative."""
    kept: list[Point] = []
    for one, other in zip(points, (*points[1:], *points[:1]), strict=True):
        a, b = inside(one), inside(other)
        if a >= 0:
            kept.append(one)
        if (a >= 0) != (b >= 0):
            share = a / (a - b)
            kept.append((one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])))
    return tuple(kept)


def cut_line(
    start: Point, end: Point, left: float, top: float, right: float, bottom: float
) -> tuple[Point, Point] | None:
    """Return the part of a straight line within a box, or None (Liang and Barsky 1984)."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    first, last = 0.0, 1.0
    for way, low, high in ((dx, left - x, right - x), (dy, top - y, bottom - y)):
        if way == 0:
            if low > 0 or high < 0:
                return None
            continue
        enter, leave = sorted((low / way, high / way))
        first, last = max(first, enter), min(last, leave)
    if first > last:
        return None
    return (x + first * dx, y + first * dy), (x + last * dx, y + last * dy)
