"""Shapes that overlays of several families share: arrows, rings, paths, and the colours of heat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from marl_envs.render.scene import Circle, Line, Point, Polygon, Shape
from marl_envs.render.theme import Color, Theme, mix

OVERLAYS = ("paths", "waits", "heat", "conflicts", "ttc", "greedy")  # what a family may show above its scene
RECENT = 50  # frames that heat is counted over


def arrow(start: Point, end: Point, width: float, fill: Color, trim: float = 0.0) -> Iterator[Shape]:
    """Yield an arrow whose line is `width` thick; `trim` is left free at both ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    head = 3.0 * width
    if length <= 2 * trim + 0.5 * head:
        return
    dx, dy = dx / length, dy / length
    tip = (end[0] - trim * dx, end[1] - trim * dy)
    neck = (tip[0] - head * dx, tip[1] - head * dy)
    if length - 2 * trim > head:
        yield Line((start[0] + trim * dx, start[1] + trim * dy), neck, width, fill)
    half = 0.55 * head
    yield Polygon((tip, (neck[0] - half * dy, neck[1] + half * dx), (neck[0] + half * dy, neck[1] - half * dx)), fill)


def ring(x: float, y: float, radius: float, width: float, fill: Color) -> Circle:
    """Return a circle that one can see through."""
    return Circle(x, y, radius, (*fill[:3], 0), fill, width)


def path(points: Sequence[Point], width: float, fill: Color) -> Iterator[Shape]:
    """Yield straight lines through the points."""
    for one, other in pairwise(points):
        if one != other:
            yield Line(one, other, width, fill)


def warmth(share: float, theme: Theme) -> Color:
    """Return the colour of heat, `share` in (0, 1]: from a trace of orange to dark brown, ever less transparent."""
    share = min(1.0, max(0.0, share))
    deep = mix(theme.wanted_edge, theme.ink, 0.35)
    red, green, blue, _ = mix(theme.wanted, deep, max(0.0, 2.0 * share - 1.0))
    return red, green, blue, round(255 * (0.18 + 0.62 * share))


def seen_through(fill: Color, opacity: float) -> Color:
    """Return a colour with another opacity, 0 to 1."""
    return (*fill[:3], round(255 * opacity))
