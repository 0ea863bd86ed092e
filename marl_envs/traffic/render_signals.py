"""What can be shown of the vehicles at signals: who waits for whom or for the light, conflicts, times to collision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from marl_envs.render.marks import arrow, ring
from marl_envs.render.scene import Frame, Moment, Overlay, Point, Shape
from marl_envs.render.theme import Theme
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
    tied,
)

NONE = -1
FAR = 125.0  # [m] width of a picture from which on marks grow with it, so that numbers can be read


class Coming(NamedTuple):
    """A vehicle on its way to the point where two links cross."""

    seconds: float  # until its front is there
    vehicle: int


class SignalOverlays:
    """The overlays of vehicles of the engine's own drivers; frames of older files, without speeds, show nothing."""

    def __init__(self, network: Network, chart: RoadMap) -> None:
        self.network, self.map = network, chart
        self._large = max(1.0, chart.width / FAR)
        self._body = min(2.0, self._large)  # of what is drawn around a vehicle
        self.all: dict[str, Overlay] = {"waits": self.waits, "conflicts": self.conflicts, "ttc": self.ttc}

    def waits(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield an arrow from each vehicle that stands to the one ahead of it, and a ring around who waits for green.

        Vehicles that wait, over others, for themselves are dark: a gridlock.
        """
        frame = moment.frame
        if "speed" not in frame:
            return
        waiting = self.waits_for(frame)
        caught = in_circles(waiting)
        for v, u in waiting.items():
            fill = theme.ink if v in caught else theme.wanted_edge
            start, end = self._at(frame, v), self._at(frame, u)
            if self._shown(start, end):
                yield from arrow(start, end, 0.35 * self._body, fill)
        for v in self.held(frame):
            if self._shown(place := self._at(frame, v)):
                yield ring(*place, 1.8 * self._body, 0.35 * self._body, theme.wanted_edge)

    def waits_for(self, frame: Frame) -> dict[int, int]:
        """Return which vehicle that stands waits for which: the next one within NEAR, across the junction as well."""
        waiting = {v: u for v, u, gap, _ in followers(frame) if frame["speed"][v] < SLOW and gap < NEAR}
        rear = self._rears(frame)
        for v in self._first(frame):
            if v not in waiting and frame["speed"][v] < SLOW:
                for d, room in self._ahead(frame, v):
                    if d in rear and room + rear[d][0] < NEAR:
                        waiting[v] = rear[d][1]
                        break
        return waiting

    def held(self, frame: Frame) -> list[int]:
        """Return the vehicles that stand at the end of a lane whose way on is closed."""
        lanes, found = self.network.num_lanes, []
        for v in self._first(frame):
            d, link = int(frame["place"][v]), int(frame["exit"][v])
            if d < lanes and link != NONE and not frame["open"][link - lanes]:
                rest = float(self.network.length[d] - frame["dis"][v])
                if rest < NEAR and frame["speed"][v] < SLOW:
                    found.append(v)
        return found

    def conflicts(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield a line between two vehicles whose open ways cross where both are about to be, with the time between."""
        if "speed" not in moment.frame:
            return
        for v, u, seconds in self.crossing(moment.frame):
            start, end = self._at(moment.frame, v), self._at(moment.frame, u)
            if self._shown(start, end):
                fill = theme.ink if seconds < TTC_CRITICAL else theme.wanted_edge
                yield from tied(start, end, f"{seconds:.1f} s", 0.25 * self._body, fill, theme, self._large)

    def crossing(self, frame: Frame) -> list[tuple[int, int, float]]:
        """Return pairs of moving vehicles that reach a cross within WITHIN, less than MARGIN apart, and how much [s].

        Of each link the first vehicle before the cross counts, at the speed that it has.
        """
        network, nearest = self.network, self._on_ways(frame)
        found: dict[tuple[int, int], float] = {}
        for (a, b), (at_a, at_b) in zip(network.cross_links.tolist(), network.cross_at.tolist(), strict=True):
            one, other = self._coming(frame, nearest.get(a, ()), at_a), self._coming(frame, nearest.get(b, ()), at_b)
            if one is None or other is None or max(one.seconds, other.seconds) > WITHIN:
                continue
            apart, pair = abs(one.seconds - other.seconds), (one.vehicle, other.vehicle)
            if apart < MARGIN and apart < found.get(pair, np.inf):
                found[pair] = apart
        return [(v, u, apart) for (v, u), apart in found.items()]

    def ttc(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield a line from each vehicle to the one ahead on its lane that it would hit within seconds, and when."""
        frame = moment.frame
        if "speed" not in frame:
            return
        for v, u, _, seconds in followers(frame):
            start, end = self._at(frame, v), self._at(frame, u)
            if seconds < TTC_SHOWN and self._shown(start, end):
                fill = theme.ink if seconds < TTC_CRITICAL else theme.wanted_edge
                yield from tied(start, end, f"{seconds:.1f} s", 0.25 * self._body, fill, theme, self._large)

    def _first(self, frame: Frame) -> list[int]:
        """Return the vehicle that is furthest on each drivable."""
        slots = np.flatnonzero(frame["place"] >= 0)
        order = slots[np.lexsort((-frame["dis"][slots], frame["place"][slots]))]
        _, first = np.unique(frame["place"][order], return_index=True)
        found: list[int] = order[first].tolist()
        return found

    def _rears(self, frame: Frame) -> dict[int, tuple[float, int]]:
        """Return where the rear of the last vehicle on each drivable is [m], and which one that is."""
        rear: dict[int, tuple[float, int]] = {}
        for v in np.flatnonzero(frame["place"] >= 0).tolist():
            end = float(frame["dis"][v] - frame["body"][v]), v
            d = int(frame["place"][v])
            rear[d] = min(end, rear.get(d, end))
        return rear

    def _ahead(self, frame: Frame, v: int) -> Iterator[tuple[int, float]]:
        """Yield the drivables that vehicle v comes to next, as far as it sees, and how far away they begin [m]."""
        network, lanes = self.network, self.network.num_lanes
        d, link = int(frame["place"][v]), int(frame["exit"][v])
        far = float(network.length[d] - frame["dis"][v])
        if d < lanes:
            if link == NONE or not frame["open"][link - lanes]:
                return
            yield link, far
            d, far = link, far + float(network.length[link])
        yield int(network.link_end[d - lanes]), far

    def _on_ways(self, frame: Frame) -> dict[int, list[tuple[float, int]]]:
        """Return, for each link, how far from its start [m] the vehicles on it are, and those that will take it."""
        lanes, found = self.network.num_lanes, dict[int, list[tuple[float, int]]]()
        moving = (frame["place"] >= 0) & (frame["speed"] >= SLOW)
        for v in np.flatnonzero(moving).tolist():
            d, link, along = int(frame["place"][v]), int(frame["exit"][v]), float(frame["dis"][v])
            if d >= lanes:
                found.setdefault(d - lanes, []).append((along, v))
            elif link != NONE and frame["open"][link - lanes]:
                found.setdefault(link - lanes, []).append((along - float(self.network.length[d]), v))
        return found

    def _coming(self, frame: Frame, ones: list[tuple[float, int]] | tuple[()], at: float) -> Coming | None:
        """Return the next vehicle whose front has not yet passed a cross at `at` metres of a link."""
        before = [(at - along, v) for along, v in ones if along <= at]
        if not before:
            return None
        far, v = min(before)
        return Coming(far / float(frame["speed"][v]), v)

    def _at(self, frame: Frame, v: int) -> Point:
        """Return where the middle of a vehicle is."""
        along = float(frame["dis"][v]) - float(frame["body"][v]) / 2.0
        x, y, *_ = self.map.tracks[int(frame["place"][v])].place(along)
        return self.map.at(x, y)

    def _shown(self, *points: Point) -> bool:
        return all(0 <= x <= self.map.width and 0 <= y <= self.map.height for x, y in points)
