"""Roads as pictures: centre lines, the part of a network that is shown, and boxes on its lanes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.scene import Circle, Line, Point, Polygon, Rect, Shape, Text
from marl_envs.render.theme import Color, Theme, mix
from marl_envs.traffic.network import Network

Corner = NDArray[np.float64]  # x, y [m]
MARGIN = 20.0  # around the network [m]
SHOWN, SHOWN_OF_ONE = 150.0, 90.0  # of the roads at the rim [m]; the second where there is but one junction


class Track:
    """A centre line that can be asked where a distance on it lies."""

    def __init__(self, points: NDArray[np.float64]) -> None:
        self.points = points
        self.at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])

    def place(self, distance: float) -> tuple[float, float, float, float]:
        """Return x, y and the unit direction at `distance` [m]; before the start, on the first piece prolonged."""
        k = min(max(int(np.searchsorted(self.at, distance)) - 1, 0), len(self.points) - 2)
        (x0, y0), (x1, y1) = self.points[k].tolist(), self.points[k + 1].tolist()
        size = float(self.at[k + 1] - self.at[k]) or 1.0
        dx, dy, more = (x1 - x0) / size, (y1 - y0) / size, distance - float(self.at[k])
        return x0 + dx * more, y0 + dy * more, dx, dy

    def between(self, start: float, end: float) -> list[tuple[float, float]]:
        """Return the corners of the part from `start` to `end` [m]."""
        inner = self.points[(self.at > start) & (self.at < end)].tolist()
        return [self.place(start)[:2], *map(tuple, inner), self.place(end)[:2]]


class _Pieces(NamedTuple):
    key: NDArray[np.float64]  # of each point: its place on its drivable, far from those of others [m]
    base: NDArray[np.float64]  # of each drivable, where its keys begin [m]
    first: NDArray[np.int64]  # its first point
    along: NDArray[np.float64]  # of each point [m]
    line: NDArray[np.float64]  # x, y, and the unit direction to the next point


class RoadMap:
    """The part of a network around some junctions, as shapes in metres from its upper left corner."""

    def __init__(
        self, network: Network, junctions: Sequence[int], margin: float = MARGIN, reach: float | None = None
    ) -> None:
        """Show `junctions` and `reach` metres of the roads around them, with `margin` metres of free space."""
        self.network, self.junctions = network, tuple(junctions)
        first = network.first_point
        self.tracks = [Track(network.xy[first[d] : first[d + 1]]) for d in range(len(first) - 1)]
        low, high = _window(network, self.junctions, margin, reach)
        self.left, self.top = float(low[0]), float(high[1])
        self.width, self.height = (float(v) for v in high - low)

    def at(self, x: float, y: float) -> Point:
        """Return a place of the network in the picture, where y grows downwards."""
        return x - self.left, self.top - y

    def spots(self, place: NDArray[Any], dis: NDArray[Any]) -> NDArray[np.float64]:
        """Return where `dis` [m] on the drivables `place` are in the picture: (N, 4), x, y and the unit direction."""
        at, dis = self._pieces, dis.astype(np.float64)
        piece = np.searchsorted(at.key, at.base[place] + dis) - 1
        piece = np.clip(piece, at.first[place], at.first[place + 1] - 2)  # the last point begins no piece
        more = dis - at.along[piece]
        x, y, dx, dy = at.line[piece].T
        return np.stack([x + dx * more - self.left, self.top - y - dy * more, dx, -dy], axis=1)

    def boxes(self, place: NDArray[Any], front: NDArray[Any], long: Any, half: float) -> NDArray[np.float64]:
        """Return the corners, (N, 4, 2), of boxes as `box` has them, in the same order."""
        x, y, dx, dy = self.spots(place, front).T
        corners = [
            (x - dx * a + dy * b, y - dy * a - dx * b) for a, b in ((0, half), (0, -half), (long, -half), (long, half))
        ]
        return np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)

    @cached_property
    def _pieces(self) -> _Pieces:
        """All straight pieces of all drivables, one after another."""
        count = [len(track.at) for track in self.tracks]
        first = np.concatenate([[0], np.cumsum(count)])
        base = np.concatenate([[0.0], np.cumsum([2.0 * float(track.at[-1]) + 1e6 for track in self.tracks])])
        along = np.concatenate([track.at for track in self.tracks])
        points = np.concatenate([track.points for track in self.tracks])
        way = np.diff(points, axis=0, append=points[-1:])
        size = np.hypot(*way.T)[:, None]
        line = np.hstack([points, way / np.where(size > 0, size, 1.0)])
        return _Pieces(along + np.repeat(base[:-1], count), base, first, along, line)

    def holds(self, shape: Shape) -> bool:
        """Return whether a polygon or a text lies in the picture; other shapes do."""
        points = (
            shape.points if isinstance(shape, Polygon) else ((shape.x, shape.y),) if isinstance(shape, Text) else ()
        )
        return all(0 <= x <= self.width and 0 <= y <= self.height for x, y in points)

    def box(self, d: int, front: float, long: float, half: float) -> tuple[Point, ...]:
        """Return the corners of a box whose front is at `front` on drivable `d`, `long` back and `half` wide [m]."""
        x, y, dx, dy = self.tracks[d].place(front)
        corners = ((0.0, half), (0.0, -half), (-long, -half), (-long, half))
        return tuple(self.at(x + dx * a - dy * b, y + dy * a + dx * b) for a, b in corners)


def _window(
    network: Network, junctions: Sequence[int], margin: float, reach: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of what is shown: all junctions, and their roads for a while."""
    centres = network.junction_xy[list(junctions)]
    if reach is None:
        reach = SHOWN if len(junctions) > 1 else SHOWN_OF_ONE
    low = np.maximum(centres.min(axis=0) - reach, network.xy.min(axis=0)) - margin
    high = np.minimum(centres.max(axis=0) + reach, network.xy.max(axis=0)) + margin
    return low, high


@lru_cache(maxsize=8)
def roads(chart: RoadMap, theme: Theme) -> tuple[Shape, ...]:
    """Return what never moves."""
    network, lanes = chart.network, chart.network.num_lanes
    shapes: list[Shape] = [Rect(0, 0, chart.width, chart.height, theme.floor)]
    asphalt, mark = mix(theme.floor, theme.object, 0.55), mix(theme.floor, theme.page, 0.9)
    for d in [*range(lanes, len(chart.tracks)), *range(lanes)]:  # junctions first: roads end sharply
        width = float(network.lane_width[d if d < lanes else network.link_start[d - lanes]])
        points = chart.tracks[d].points.tolist()
        for a, b in pairwise(points):
            shapes += _strip(chart, a, b, width + 0.1, asphalt)
        bends = points[1:-1] if d >= lanes else ()  # of ways through junctions: without gaps on the outside
        shapes += [Circle(*chart.at(*point), width / 2 + 0.05, asphalt) for point in bends]
    for j in chart.junctions:
        links = range(network.first_link[j], network.first_link[j + 1])
        ways = [chart.tracks[lanes + k] for k in links]
        along = (0.2, 0.5, 0.8)  # of them: what lies between is road, and no further out than their lanes
        rim = _around([chart.at(*t.place(share * float(t.at[-1]))[:2]) for t in ways for share in along])
        if len(rim) > 2:
            shapes.append(Polygon(rim, asphalt))
    for lane in range(lanes):
        if network.lane_index[lane] > 0:  # a line between it and the lane to its left
            shapes += _dashes(chart, lane, float(network.lane_width[lane]) / 2, mark)
    return tuple(shapes)


def _around(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the corners of the smallest convex polygon around some points (Andrew's monotone chain)."""
    rims: list[list[Point]] = []
    for ordered in (sorted(set(points)), sorted(set(points), reverse=True)):
        rim: list[Point] = []
        for x, y in ordered:
            while len(rim) > 1 and _turn(rim[-2], rim[-1], (x, y)) <= 0:
                rim.pop()
            rim.append((x, y))
        rims.append(rim[:-1])
    return tuple(rims[0] + rims[1])


def _turn(a: Point, b: Point, c: Point) -> float:
    """Return a positive number where the way from a over b to c turns counter-clockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _strip(chart: RoadMap, a: Sequence[float], b: Sequence[float], width: float, fill: Color) -> Iterator[Shape]:
    """Yield a piece of road, cut to the picture."""
    start, end = _cut(chart, chart.at(*a), chart.at(*b))
    size = np.hypot(end[0] - start[0], end[1] - start[1])
    if size > 0:
        nx, ny = -(end[1] - start[1]) / size * width / 2, (end[0] - start[0]) / size * width / 2
        corners = ((start, 1), (start, -1), (end, -1), (end, 1))
        yield Polygon(tuple((float(p[0] + s * nx), float(p[1] + s * ny)) for p, s in corners), fill)


def _dashes(chart: RoadMap, lane: int, left: float, fill: Color) -> Iterator[Shape]:
    track = chart.tracks[lane]
    for at in np.arange(2.0, float(track.at[-1]) - 3.0, 9.0).tolist():
        ends = []
        for distance in (at, at + 3.0):
            x, y, dx, dy = track.place(distance)
            ends.append(chart.at(x - dy * left, y + dx * left))
        if all(0 <= x <= chart.width and 0 <= y <= chart.height for x, y in ends):
            yield Line(ends[0], ends[1], 0.25, fill)


def _cut(chart: RoadMap, a: Point, b: Point) -> tuple[Point, Point]:
    """Return the part of a straight line that lies in the picture; of length 0 if none does."""
    first, last = 0.0, 1.0
    for start, way, size in ((a[0], b[0] - a[0], chart.width), (a[1], b[1] - a[1], chart.height)):
        if way == 0:
            if not 0 <= start <= size:
                return a, a
            continue
        enter, leave = sorted(((0 - start) / way, (size - start) / way))
        first, last = max(first, enter), min(last, leave)
    if first >= last:
        return a, a
    return (
        (a[0] + first * (b[0] - a[0]), a[1] + first * (b[1] - a[1])),
        (a[0] + last * (b[0] - a[0]), a[1] + last * (b[1] - a[1])),
    )
