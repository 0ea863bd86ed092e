"""What can be shown above a junction: ways ahead, who waits for whom, full lanes, conflicts, times to collision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from marl_envs.render.marks import arrow, ring, seen_through
from marl_envs.render.scene import Frame, Moment, Overlay, Point, Rect, Shape, Text
from marl_envs.render.theme import Theme, mix
from marl_envs.render.waiting import in_circles
from marl_envs.traffic.network import Network
from marl_envs.traffic.pictures import RoadMap
from marl_envs.traffic.render_overlays import (
    MARGIN,
    NEAR,
    SLOW,
    TTC_CRITICAL,
    TTC_SHOWN,
    WITHIN,
    followers,
    lane_heat,
    tied,
    way,
)
from marl_envs.traffic.vehicles.types import NONE

SHORT = ("keep", "faster", "slower", "brake!", "left", "straight", "right")


class VehicleOverlays:
    """The overlays of a layout; `body` returns the middle (x, y) of vehicle v in a frame, in the network's metres."""

    def __init__(self, network: Network, chart: RoadMap, body: Callable[[Frame, int], Any]) -> None:
        self.network, self.map, self._body = network, chart, body
        self.all: dict[str, Overlay] = {
            "paths": self.paths,
            "waits": self.waits,
            "heat": partial(lane_heat, chart),
            "conflicts": self.conflicts,
            "ttc": self.ttc,
            "greedy": self.greedy,
        }

    def paths(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield the way of each agent to the end of its lane, through the junction, and onto the next lane."""
        frame, lanes = moment.frame, self.network.num_lanes
        for a, v in enumerate(frame["slot"].tolist()):
            if v == NONE or frame["place"][v] < 0:
                continue
            fill = theme.agent if a == moment.chosen else mix(theme.floor, theme.agent, 0.5)
            d, link = int(frame["place"][v]), int(frame["exit"][v])
            yield from way(self.map, d, 0.6, fill, start=float(frame["dis"][v]))
            if d < lanes and link != NONE:
                yield from way(self.map, link, 0.6, fill)
                d = link
            if d >= lanes:
                yield from way(self.map, int(self.network.link_end[d - lanes]), 0.6, fill, end=25.0)

    def waits(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield an arrow from each vehicle that stands to the one it waits for: ahead of it, or of its conflict."""
        waiting, caught = self.waits_for(moment.frame)
        for v, u in waiting.items():
            fill = theme.ink if v in caught else theme.wanted_edge
            start, end = self._at(moment.frame, v), self._at(moment.frame, u)
            if self._shown(start, end):
                yield from arrow(start, end, 0.5, fill)
                if v in caught:
                    yield ring(*start, 3.2, 0.5, fill)

    def waits_for(self, frame: Frame) -> tuple[dict[int, int], set[int]]:
        """Return which vehicle waits for which, and who waits, over others, for itself."""
        waiting = {v: u for v, u, gap, _ in followers(frame) if frame["speed"][v] < SLOW and gap < NEAR}
        for v, u in zip(frame["slot"].tolist(), frame["foe"].tolist(), strict=True):
            if NONE not in (v, u) and frame["place"][v] >= 0 and frame["speed"][v] < SLOW:
                waiting.setdefault(v, u)
        return waiting, in_circles(waiting)

    def conflicts(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield a line to the vehicle of each agent's most pressing conflict, with the time between the two [s]."""
        frame = moment.frame
        for a, (v, u) in enumerate(zip(frame["slot"].tolist(), frame["foe"].tolist(), strict=True)):
            near = frame["margin"][a] < MARGIN and frame["until"][a] < WITHIN
            if NONE in (v, u) or not near or min(frame["place"][v], frame["place"][u]) < 0:
                continue
            start, end = self._at(frame, v), self._at(frame, u)
            if self._shown(start, end):
                fill = theme.ink if frame["margin"][a] < TTC_CRITICAL else theme.wanted_edge
                yield from tied(start, end, f"{max(0.0, float(frame['margin'][a])):.1f} s", 0.4, fill, theme)

    def ttc(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield a line from each vehicle to the one ahead on its lane that it would hit within seconds, and when."""
        frame = moment.frame
        for v, u, _, seconds in followers(frame):
            start, end = self._at(frame, v), self._at(frame, u)
            if seconds < TTC_SHOWN and self._shown(start, end):
                fill = theme.ink if seconds < TTC_CRITICAL else theme.wanted_edge
                yield from tied(start, end, f"{seconds:.1f} s", 0.5, fill, theme)

    def greedy(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield what promises most to each agent."""
        if moment.values is None:
            return
        for v, values in zip(moment.frame["slot"].tolist(), moment.values, strict=True):
            if v == NONE or moment.frame["place"][v] < 0 or not np.isfinite(values).any():
                continue
            x, y = self._at(moment.frame, v)
            best = int(np.nanargmax(values))
            if self._shown((x, y)):
                yield Rect(x - 3.4, y + 2.0, 6.8, 2.4, seen_through(theme.page, 0.85), 0.6)
                yield Text(x, y + 3.2, SHORT[best] if best < len(SHORT) else str(best), 1.5, theme.ink)

    def _at(self, frame: Frame, v: int) -> Point:
        middle = self._body(frame, v)
        return self.map.at(middle.x, middle.y)

    def _shown(self, *points: Point) -> bool:
        return all(0 <= x <= self.map.width and 0 <= y <= self.map.height for x, y in points)
