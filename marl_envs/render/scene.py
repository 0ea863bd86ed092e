"""What to draw: flat shapes in cell units, without pygame.

x grows to the right and y downwards; cell (row, col) covers x in [col, col + 1] and y in [row, row + 1]. Shapes are
values: equal shapes are drawn once and reused, so a family's scene builds them from few distinct sizes and colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, inf
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

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


Single: TypeAlias = Rect | Circle | Polygon | Line | Text


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """One shape, given as if (0, 0) were its place, at many `places`, float (N, 2): for what comes by the thousand.

    All copies share one image, so they stand on whole pixels.
    """

    shape: Single
    places: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Polygons:
    """Filled polygons of equally many corners, float (N, K, 2), one colour each: bodies by the hundred."""

    corners: NDArray[Any]
    fills: Sequence[Color]


Shape: TypeAlias = Single | Many | Polygons


@dataclass(frozen=True, slots=True)
class View:
    """How closely a scene is looked at, and which part of it: what an artist may simplify or leave out."""

    cell: float  # [pixels] of a cell
    left: float  # [cells] the part that is seen
    top: float
    right: float
    bottom: float

    def sees(self, x: NDArray[Any], y: NDArray[Any], margin: float = 1.0) -> NDArray[np.bool_]:
        """Return which of the points (x, y) are seen, with `margin` cells around the picture."""
        inside: NDArray[np.bool_] = (x >= self.left - margin) & (x <= self.right + margin)
        inside &= (y >= self.top - margin) & (y <= self.bottom + margin)
        return inside


WHOLE = View(48.0, -inf, -inf, inf, inf)  # all of it, in full detail


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


@dataclass(frozen=True, slots=True)
class Moment:
    """What overlays are made from: now, how it came about, and what is known of what comes next."""

    frames: Sequence[Frame]  # the last ones, oldest first; the very last is now
    actions: tuple[float, ...] = ()  # of all agents, that led here from the frame before; empty: unknown
    values: NDArray[Any] | None = None  # float [A, N]: what the policy expects of each action now
    chosen: int | None = None  # the agent that is looked at
    elsewhere: Sequence[tuple[Point, NDArray[Any]]] = ()  # what it expects at other places, float [N] each

    @property
    def frame(self) -> Frame:
        """The frame that is shown."""
        return self.frames[-1]


Overlay: TypeAlias = Callable[[Moment, Theme], Iterable[Shape]]  # what to draw above a scene


class Artist(Protocol):
    """What a family gives the renderer, made by the function `artist(params)` of its module `render`."""

    @property
    def reach(self) -> float:
        """From the middle of an agent to its rim [cells]: where a click finds it."""

    @property
    def actions(self) -> Sequence[str]:
        """Names of the actions, by their numbers; those beyond have none."""

    @property
    def keys(self) -> Mapping[str, int]:
        """Actions by the keys that suit them, for who drives an agent; digits are actions everywhere."""

    @property
    def overlays(self) -> Mapping[str, Overlay]:
        """What can be shown above the scene, by names of `marl_envs.render.marks.OVERLAYS`."""

    @property
    def without(self) -> Mapping[str, str]:
        """Why there is no such overlay, by name, of all that are missing."""

    def rest(self, frame: Frame, agent: int) -> int:
        """Return a driven agent's action while no key is held; -1: time stands still until one is."""

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the agents are [cells]; None for one that is nowhere."""

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the environment."""

    def extent(self) -> tuple[float, float]:
        """Return width and height of every scene [cells]."""

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`, no more of it than `view` asks for."""

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way between two frames, for smooth pictures."""

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as plain text."""


@runtime_checkable
class KindsArtist(Protocol):
    """An artist of agents of several kinds, whose actions, keys and reach differ."""

    def of(self, agent: int) -> Artist:
        """Return the artist whose `actions`, `keys` and `reach` are those of the agent's kind."""


@runtime_checkable
class Pedals(Protocol):
    """An artist of agents whose actions may be numbers, for who drives one; without a key the action is 0."""

    @property
    def pedals(self) -> Mapping[str, float]:
        """Shares, in [-1, 1], of the largest action (or of the smallest, below 0) by the keys that suit them."""


@runtime_checkable
class Surveyor(Protocol):
    """An artist that knows what the agent would observe elsewhere: so a policy's expectations become a map."""

    def elsewhere(self, frame: Frame) -> tuple[list[Point], NDArray[Any]]:
        """Return places [cells], and the observation that the agent would have at each now, [S, ...]."""


def artist_of(artist: Artist, agent: int) -> Artist:
    """Return the artist that knows what an agent's kind can do."""
    return artist.of(agent) if isinstance(artist, KindsArtist) else artist


def dots(start: Point, end: Point, gap: float, radius: float, fill: Color, trim: float = 0.0) -> Iterator[Circle]:
    """Yield a dotted line: a disc every `gap` on the way from `start` to `end`, none within `trim` of either."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    for i in range(1, int(length / gap) + 1):
        if trim <= gap * i <= length - trim:
            share = gap * i / length
            yield Circle(start[0] + dx * share, start[1] + dy * share, radius, fill)


def dotted(starts: NDArray[Any], ends: NDArray[Any], gap: float, radius: float, fill: Color, trim: float = 0.0) -> Many:
    """Return the dotted lines from `starts` to `ends`, float (N, 2) each, as `dots` has them, all with one image."""
    way = np.asarray(ends, np.float64) - starts
    length = np.hypot(way[:, 0], way[:, 1])
    count = (length / gap).astype(np.int64)
    line = np.repeat(np.arange(len(way)), count)
    along = gap * (np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count) + 1)
    kept = (along >= trim) & (along <= length[line] - trim)
    line, along = line[kept], along[kept]
    places = np.asarray(starts, np.float64)[line] + way[line] * (along / length[line])[:, None]
    return Many(Circle(0, 0, radius, fill), places)
