"""How a junction looks: roads, signal heads, and vehicles as rectangles, as a picture and as text.

A vehicle is coloured by how fast it is for what is allowed: orange stands, blue drives. At the end of each lane that a
signal controls is a bar: green where any link from it is open, else dark. A number at the start of a lane says how many
vehicles wait outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.canvas import fitted_size
from marl_envs.render.scene import Frame, Line, Point, Polygon, Rect, Scene, Shape, Text
from marl_envs.render.theme import Color, Theme, mix
from marl_envs.traffic.network import Network
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.phases import Signal

MARGIN = 20.0  # around the network [m]
SHOWN, SHOWN_OF_ONE = 150.0, 90.0  # of the roads at the rim [m]; the second where there is but one signal
CAR_WIDTH = 2.0  # [m]
BAR = 1.2  # thickness of a signal's bar [m]


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


class SignalsArtist:
    """Draws frames of one network; `env.frame` says what a frame holds."""

    def __init__(self, network: Network, signals: Sequence[Signal]) -> None:
        self.network, self.signals = network, signals
        first = network.first_point
        self.tracks = [Track(network.xy[first[d] : first[d + 1]]) for d in range(len(first) - 1)]
        low, high = _window(network, signals)
        self.left, self.top = float(low[0]), float(high[1])
        self.width, self.height = (float(v) for v in high - low)

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the network."""
        return fitted_size(self.width / 8.0, self.height / 8.0)

    def scene(self, frame: Frame, theme: Theme) -> Scene:
        """Return the picture of `frame`."""
        created, finished, driving = frame["trips"].tolist()
        values = (
            ("time", f"{float(frame['seconds']):.0f} s"),
            ("driving", str(driving)),
            ("outside", str(created - finished - driving)),
            ("arrived", str(finished)),
        )
        return Scene(
            width=self.width,
            height=self.height,
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=_roads(self, theme),
            shapes=tuple(s for s in (*self._heads(frame, theme), *self._vehicles(frame, theme)) if self._inside(s)),
            values=values,
        )

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way: only vehicles that stay on their lane have moved."""
        same = (before["place"] == after["place"]) & (after["dis"] >= before["dis"])
        dis = np.where(same, before["dis"] + share * (after["dis"] - before["dis"]), before["dis"])
        return {**before, "dis": dis.astype(np.float32)}

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text: for each signal its phase and the vehicles on the lanes that lead to it."""
        network, lanes = self.network, self.network.num_lanes
        on = np.bincount(frame["place"][frame["place"] >= 0], minlength=len(network.length))
        lines = []
        for a, signal in enumerate(self.signals):
            roads = [r for r in network.junction_roads[signal.junction] if network.road_end[r] == signal.junction]
            counts = ", ".join(
                f"{network.road_ids[r]} {'+'.join(map(str, on[network.first_lane[r] : network.first_lane[r + 1]]))}"
                for r in roads
            )
            stage = ("green", "yellow", "all red")[int(frame["stage"][a])]
            lines.append(f"signal_{a} phase {int(frame['phase'][a])} ({stage}): {counts}")
        created, finished, driving = frame["trips"].tolist()
        inside = int(on[lanes:].sum())
        lines.append(
            f"{float(frame['seconds']):.0f} s: {driving - inside} vehicles on roads and {inside} in junctions: "
            f"{driving} driving, {created - finished - driving} outside, {finished} arrived"
        )
        return "\n".join(lines) + "\n"

    def _at(self, x: float, y: float) -> Point:
        """Return a place of the network in the picture, where y grows downwards."""
        return x - self.left, self.top - y

    def _inside(self, shape: Shape) -> bool:
        points = (
            shape.points if isinstance(shape, Polygon) else ((shape.x, shape.y),) if isinstance(shape, Text) else ()
        )
        return all(0 <= x <= self.width and 0 <= y <= self.height for x, y in points)

    def _bar(self, d: int, along: float, half: float, thick: float, fill: Color) -> Polygon:
        """Return a bar across drivable `d`, from `along` [m] backwards."""
        return Polygon(self._box(d, along, thick, half), fill)

    def _box(self, d: int, front: float, long: float, half: float) -> tuple[Point, ...]:
        """Return the corners of a box whose front is at `front` on drivable `d`."""
        x, y, dx, dy = self.tracks[d].place(front)
        corners = ((0.0, half), (0.0, -half), (-long, -half), (-long, half))
        return tuple(self._at(x + dx * a - dy * b, y + dy * a + dx * b) for a, b in corners)

    def _heads(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        """Yield the signals' bars, and the numbers of vehicles outside."""
        network = self.network
        closed = mix(theme.ink, theme.object, 0.2)
        changing = dict(zip((s.junction for s in self.signals), frame["stage"].tolist(), strict=True))
        for signal in self.signals:
            links = range(network.first_link[signal.junction], network.first_link[signal.junction + 1])
            opened = {int(network.link_start[k]) for k in links if frame["open"][k]}
            for lane in sorted({int(network.link_start[k]) for k in links}):
                fill = theme.goal if lane in opened else (theme.wanted if changing[signal.junction] == 1 else closed)
                half = 0.42 * float(network.lane_width[lane])
                yield self._bar(lane, float(network.length[lane]), half, BAR, fill)
        for lane in np.flatnonzero(frame["outside"]).tolist():
            x, y, *_ = self.tracks[lane].place(0.0)
            yield Text(*self._at(x, y), str(int(frame["outside"][lane])), 6.0, theme.ink)

    def _vehicles(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        for v in np.flatnonzero(frame["place"] >= 0).tolist():
            d, dis = int(frame["place"][v]), float(frame["dis"][v])
            fill = mix(theme.wanted, theme.agent, round(5 * float(frame["share"][v])) / 5)
            yield Polygon(self._box(d, dis, float(frame["body"][v]), CAR_WIDTH / 2), fill)
            yield Polygon(self._box(d, dis - 1.0, 1.0, 0.7 * CAR_WIDTH / 2), mix(fill, theme.agent_ink, 0.6))


def _window(network: Network, signals: Sequence[Signal]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of what is shown: all signals, and their roads for a while."""
    centres = network.junction_xy[[signal.junction for signal in signals]]
    reach = SHOWN if len(signals) > 1 else SHOWN_OF_ONE
    low = np.maximum(centres.min(axis=0) - reach, network.xy.min(axis=0)) - MARGIN
    high = np.minimum(centres.max(axis=0) + reach, network.xy.max(axis=0)) + MARGIN
    return low, high


def artist(params: Any) -> SignalsArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    values = params if isinstance(params, dict) else vars(params)
    return SignalsArtist(*network_of(values["network"], values["phases"]))


@lru_cache(maxsize=8)
def _roads(artist: SignalsArtist, theme: Theme) -> tuple[Shape, ...]:
    """Return what never moves."""
    network, lanes = artist.network, artist.network.num_lanes
    shapes: list[Shape] = [Rect(0, 0, artist.width, artist.height, theme.floor)]
    asphalt, mark = mix(theme.floor, theme.object, 0.55), mix(theme.floor, theme.page, 0.9)
    for d in [*range(lanes, len(artist.tracks)), *range(lanes)]:  # junctions first: roads end sharply
        width = float(network.lane_width[d if d < lanes else network.link_start[d - lanes]])
        points = artist.tracks[d].points.tolist()
        for a, b in pairwise(points):
            shapes += _strip(artist, a, b, width + 0.1, asphalt)
    for signal in artist.signals:
        links = range(network.first_link[signal.junction], network.first_link[signal.junction + 1])
        middles = [artist.tracks[lanes + k] for k in links]
        shapes.append(Polygon(_around([artist._at(*t.place(float(t.at[-1]) / 2)[:2]) for t in middles]), asphalt))
    for lane in range(lanes):
        if network.lane_index[lane] > 0:  # a line between it and the lane to its left
            shapes += _dashes(artist, lane, float(network.lane_width[lane]) / 2, mark)
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


def _strip(artist: SignalsArtist, a: Sequence[float], b: Sequence[float], width: float, fill: Color) -> Iterator[Shape]:
    """Yield a piece of road, cut to the picture."""
    start, end = _cut(artist, artist._at(*a), artist._at(*b))
    size = np.hypot(end[0] - start[0], end[1] - start[1])
    if size > 0:
        nx, ny = -(end[1] - start[1]) / size * width / 2, (end[0] - start[0]) / size * width / 2
        corners = ((start, 1), (start, -1), (end, -1), (end, 1))
        yield Polygon(tuple((float(p[0] + s * nx), float(p[1] + s * ny)) for p, s in corners), fill)


def _dashes(artist: SignalsArtist, lane: int, left: float, fill: Color) -> Iterator[Shape]:
    track = artist.tracks[lane]
    for at in np.arange(2.0, float(track.at[-1]) - 3.0, 9.0).tolist():
        ends = []
        for distance in (at, at + 3.0):
            x, y, dx, dy = track.place(distance)
            ends.append(artist._at(x - dy * left, y + dx * left))
        if all(0 <= x <= artist.width and 0 <= y <= artist.height for x, y in ends):
            yield Line(ends[0], ends[1], 0.25, fill)


def _cut(artist: SignalsArtist, a: Point, b: Point) -> tuple[Point, Point]:
    """Return the part of a straight line that lies in the picture; of length 0 if none does."""
    first, last = 0.0, 1.0
    for start, way, size in ((a[0], b[0] - a[0], artist.width), (a[1], b[1] - a[1], artist.height)):
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
