"""What to draw: flat shapes in cell units, without pygame.

x grows to the right and y downwards; cell (row, col) covers x in [col, col + 1] and y in [row, row + 1]. Shapes are
values: equal shapes are drawn once and reused, so a family's scene builds them from few distinct sizes and colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot
from typing import Any, Protocol, TypeAlias

from marl_envs.render.theme import Color, Theme

Point: TypeAlias = tuple[float, float]
Frame: TypeAlias = dict[str, Any]  # one moment of an environment: small arrays by name


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle with corners rounded by `radius`; `edge` is drawn inside it, `edge_width` wide."""

    x: float
    y: float
    width: float
    height: float
    fill: Color
    radius: float = 0.0
    edge: Color | None = None
    edge_width: float = 0.0


@dataclass(frozen=True, slots=True)
class Circle:
    """A disc around (x, y); `edge` is drawn inside it, `edge_width` wide."""

    x: float
    y: float
    radius: float
    fill: Color
    edge: Color | None = None
    edge_width: float = 0.0


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled polygon through `points`."""

    points: tuple[Point, ...]
    fill: Color


@dataclass(frozen=True, slots=True)
class Line:
    """A line from `start` to `end` with round ends."""

    start: Point
    end: Point
    width: float
    fill: Color


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text centred on (x, y), its letters about `size` high. Left out where it would be unreadable."""

    x: float
    y: float
    text: str
    size: float
    fill: Color


Shape: TypeAlias = Rect | Circle | Polygon | Line | Text


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture: a background that rarely changes, the shapes above it in drawing order, and a line of values."""

    width: float  # [cells]
    height: float  # [cells]
    page: Color  # around the scene and behind the values
    ink: Color  # the values
    faint: Color  # their labels
    background: tuple[Shape, ...]  # share one tuple between frames: it is drawn once
    shapes: tuple[Shape, ...]
    values: tuple[tuple[str, str], ...] = ()  # (label, value), shown above the scene


class Artist(Protocol):
    """What a family gives the renderer, made by the function `artist(params)` of its module `render`."""

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the environment."""

    def scene(self, frame: Frame, theme: Theme) -> Scene:
        """Return the picture of `frame`."""

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way between two frames, for smooth pictures."""

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as plain text."""


def dots(start: Point, end: Point, gap: float, radius: float, fill: Color, trim: float = 0.0) -> Iterator[Circle]:
    """Yield a dotted line: a disc every `gap` on the way from `start` to `end`, none within `trim` of either."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    for i in range(1, int(length / gap) + 1):
        if trim <= gap * i <= length - trim:
            share = gap * i / length
            yield Circle(start[0] + dx * share, start[1] + dy * share, radius, fill)
