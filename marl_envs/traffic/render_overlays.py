"""What can be shown above roads: full lanes, ways through junctions, and lines between vehicles with a number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from marl_envs.render.cutting import cut_line
from marl_envs.render.marks import seen_through, warmth
from marl_envs.render.scene import Frame, Line, Moment, Point, Rect, Shape, Text
from marl_envs.render.theme import Color, Theme
from marl_envs.traffic.pictures import RoadMap

JAM = 7.5  # [m] of lane that a standing vehicle takes
SLOW, NEAR = 0.5, 8.0  # [m/s] and [m]: who stands behind somebody waits for him
MARGIN, WITHIN = 3.0, 8.0  # [s] of a conflict that is shown, and until one is there
TTC_SHOWN, TTC_CRITICAL = 5.0, 1.5  # [s]


def way(chart: RoadMap, d: int, width: float, fill: Color, start: float = 0.0, end: float = np.inf) -> Iterator[Shape]:
    """Yield the centre line of drivable `d` from `start` to `end` [m], cut to the picture."""
    track = chart.tracks[d]
    corners = [chart.at(*point) for point in track.between(start, min(end, float(track.at[-1])))]
    for one, other in itertools.pairwise(corners):
        ends = cut_line(one, other, 0.0, 0.0, chart.width, chart.height)
        if ends is not None and ends[0] != ends[1]:
            yield Line(*ends, width, fill)


def lane_heat(chart: RoadMap, moment: Moment, theme: Theme) -> Iterator[Shape]:
    """Yield how full the lanes are: vehicles, for what would fit if all stood."""
    place, lanes = moment.frame["place"], chart.network.num_lanes
    on = np.bincount(place[(place >= 0) & (place < lanes)], minlength=lanes)
    for lane in np.flatnonzero(on).tolist():
        share = float(on[lane]) * JAM / float(chart.network.length[lane])
        yield from way(chart, lane, 0.9 * float(chart.network.lane_width[lane]), warmth(round(10 * share) / 10, theme))


def followers(frame: Frame) -> Iterator[tuple[int, int, float, float]]:
    """Yield vehicle, the one ahead on the same drivable, the gap [m], and the time to collision [s] (or inf)."""
    slots = np.flatnonzero(frame["place"] >= 0)
    order = slots[np.lexsort((frame["dis"][slots], frame["place"][slots]))].tolist()
    for v, u in itertools.pairwise(order):
        if frame["place"][v] == frame["place"][u]:
            gap = float(frame["dis"][u] - frame["body"][u] - frame["dis"][v])
            closing = float(frame["speed"][v] - frame["speed"][u])
            yield v, u, gap, max(0.0, gap) / closing if closing > 0.0 else np.inf


def tied(
    start: Point, end: Point, text: str, width: float, fill: Color, theme: Theme, large: float = 1.0
) -> Iterator[Shape]:
    """Yield a line between two vehicles with a number in its middle, `large` times the usual size."""
    yield Line(start, end, width, fill)
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    yield Rect(x - 2.2 * large, y - 1.2 * large, 4.4 * large, 2.4 * large, seen_through(theme.page, 0.85), 0.6 * large)
    yield Text(x, y, text, 1.5 * large, theme.ink)
