"""What can be shown above roads: full lanes, ways through junctions, and lines between vehicles with a number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from marl_envs.render.cutting import cut_line
from marl_envs.render.marks import seen_through, warmth
from marl_envs.render.scene import Line, Moment, Point, Rect, Shape, Text
from marl_envs.render.theme import Color, Theme
from marl_envs.traffic.pictures import RoadMap

JAM = 7.5  # [m] of lane that a standing vehicle takes


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


def tied(start: Point, end: Point, text: str, width: float, fill: Color, theme: Theme) -> Iterator[Shape]:
    """Yield a line between two vehicles with a number in its middle."""
    yield Line(start, end, width, fill)
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    yield Rect(x - 2.2, y - 1.2, 4.4, 2.4, seen_through(theme.page, 0.85), 0.6)
    yield Text(x, y, text, 1.5, theme.ink)
