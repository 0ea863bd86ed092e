"""How a junction looks: roads, signal heads, and vehicles as rectangles, as a picture and as text.

A vehicle is coloured by how fast it is for what is allowed: orange stands, blue drives. At the end of each lane that a
signal controls is a bar: green where any link from it is open, else dark. A number at the start of a lane says how many
vehicles wait outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from marl_envs.render.canvas import fitted_size
from marl_envs.render.marks import seen_through
from marl_envs.render.scene import (
    WHOLE,
    Circle,
    Frame,
    Many,
    Moment,
    Overlay,
    Point,
    Polygon,
    Polygons,
    Rect,
    Scene,
    Shape,
    Text,
    View,
)
from marl_envs.render.theme import Theme, mix
from marl_envs.traffic.network import Network
from marl_envs.traffic.pictures import RoadMap, roads
from marl_envs.traffic.render_overlays import lane_heat, way
from marl_envs.traffic.render_signals import SignalOverlays
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.phases import Signal

CAR_WIDTH = 2.0  # [m]
BAR = 1.2  # thickness of a signal's bar [m]
DETAILED, DOTS = 1.0, 0.4  # [pixels/m] above which vehicles have windscreens, and below which they are dots
_NAMES = {  # of actions that are no phases
    "next": ("keep", "next phase"),
    "fullest": ("keep", "fullest phase"),
    "duration": tuple(f"duration {k}" for k in range(9)),
}


class SignalsArtist:
    """Draws frames of one network; `env.frame` says what a frame holds."""

    def __init__(
        self, network: Network, signals: Sequence[Signal], actions: str = "phase", chart: RoadMap | None = None
    ) -> None:
        self.network, self.signals = network, signals
        self.map = chart or RoadMap(network, [signal.junction for signal in signals])
        self._chooses = actions == "phase"
        self.names = _NAMES.get(actions, tuple(f"phase {k}" for k in range(16)))
        self.overlays: dict[str, Overlay] = {
            "paths": self._open_ways,
            "heat": partial(lane_heat, self.map),
            **SignalOverlays(network, self.map).all,
            "greedy": self._promising,
        }

    reach = 12.0  # [m] from the middle of a junction: where a click finds its signal
    without: ClassVar[dict[str, str]] = {}
    keys: ClassVar[dict[str, int]] = {"return": 0}

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.names

    def extent(self) -> tuple[float, float]:
        """Return width and height of the picture [m]."""
        return self.map.width, self.map.height

    def rest(self, frame: Frame, agent: int) -> int:
        """Return what a driven signal does while no key is held: it keeps its phase."""
        return int(frame["phase"][agent]) if self._chooses else 0

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the junctions of the signals are [m]."""
        del frame
        return [self.map.at(*self.network.junction_xy[signal.junction].tolist()) for signal in self.signals]

    def _open_ways(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield the ways through the junctions that are open now."""
        for k in np.flatnonzero(moment.frame["open"]).tolist():
            yield from way(self.map, self.network.num_lanes + k, 0.6, seen_through(theme.goal, 0.75))

    def _promising(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield the action of each signal that promises most, and what it promises."""
        if moment.values is None:
            return
        for place, values in zip(self.places(moment.frame), moment.values, strict=True):
            if place is not None and np.isfinite(values).any():
                best = int(np.nanargmax(values))
                name = self.names[best] if best < len(self.names) else f"action {best}"
                yield Rect(place[0] - 16, place[1] - 5, 32, 10, seen_through(theme.page, 0.85), 2.0)
                yield Text(place[0], place[1], f"{name}: {float(values[best]):.2f}", 3.4, theme.ink)

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the network."""
        return fitted_size(self.map.width / 8.0, self.map.height / 8.0)

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`."""
        created, finished, driving = frame["trips"].tolist()
        values = (
            ("time", f"{float(frame['seconds']):.0f} s"),
            ("driving", str(driving)),
            ("outside", str(created - finished - driving)),
            ("arrived", str(finished)),
        )
        return Scene(
            width=self.map.width,
            height=self.map.height,
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=roads(self.map, theme),
            shapes=(
                *(shape for shape in self._heads(frame, theme) if self.map.holds(shape)),
                *self._vehicles(frame, theme, view),
            ),
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

    @cached_property
    def _bars(self) -> dict[int, tuple[int, tuple[Point, ...]]]:
        """Of each lane that a signal controls, its junction and the corners of its bar, if that is shown."""
        network, found = self.network, {}
        for signal in self.signals:
            links = slice(network.first_link[signal.junction], network.first_link[signal.junction + 1])
            for lane in np.unique(network.link_start[links]).tolist():
                half = 0.45 * float(network.lane_width[lane])
                bar = self.map.box(lane, float(network.length[lane]), BAR, half)
                if self.map.holds(Polygon(bar, (0, 0, 0, 0))):
                    found[lane] = (signal.junction, bar)
        return found

    def bars(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        """Yield the bars that show what the signals do."""
        network = self.network
        closed = mix(theme.ink, theme.object, 0.2)
        changing = dict(zip((s.junction for s in self.signals), frame["stage"].tolist(), strict=True))
        opened = set(network.link_start[np.flatnonzero(frame["open"])].tolist())
        for lane, (junction, bar) in self._bars.items():
            fill = theme.goal if lane in opened else (theme.wanted if changing[junction] == 1 else closed)
            yield Polygon(bar, fill)

    def _heads(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        """Yield the signals' bars, and the numbers of vehicles outside."""
        yield from self.bars(frame, theme)
        for lane in np.flatnonzero(frame["outside"]).tolist():
            x, y, *_ = self.map.tracks[lane].place(0.0)
            yield Text(*self.map.at(x, y), str(int(frame["outside"][lane])), 6.0, theme.ink)

    def _vehicles(self, frame: Frame, theme: Theme, view: View) -> Iterator[Shape]:
        """Yield the vehicles that are seen; without windscreens where they are few pixels long, then as dots."""
        slots = np.flatnonzero(frame["place"] >= 0)
        place, dis, long = (frame[name][slots] for name in ("place", "dis", "body"))
        fast = np.round(5 * frame["share"][slots]) / 5
        x, y, *_ = self.map.spots(place, dis).T
        seen = view.sees(x, y, 15.0)
        if view.cell < DOTS:
            seen &= (x >= 0) & (x <= self.map.width) & (y >= 0) & (y <= self.map.height)
            for share in np.unique(fast).tolist():
                dot = Circle(0, 0, 1.0 / view.cell, mix(theme.wanted, theme.agent, share))
                yield Many(dot, np.stack([x, y], axis=1)[seen & (fast == share)])
            return
        bodies = self.map.boxes(place, dis, long, CAR_WIDTH / 2)
        seen &= ((bodies >= 0) & (bodies <= (self.map.width, self.map.height))).all(axis=(1, 2))
        body = {share: mix(theme.wanted, theme.agent, share) for share in np.unique(fast).tolist()}
        window = {share: mix(fill, theme.agent_ink, 0.6) for share, fill in body.items()}
        yield Polygons(bodies[seen], [body[share] for share in fast[seen].tolist()])
        if view.cell > DETAILED:
            glass = self.map.boxes(place[seen], dis[seen] - 1.0, 1.0, 0.35 * CAR_WIDTH)
            yield Polygons(glass, [window[share] for share in fast[seen].tolist()])


def artist(params: Any) -> SignalsArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    values = params if isinstance(params, dict) else vars(params)
    return SignalsArtist(*network_of(values["network"], values["phases"]), values.get("actions", "phase"))
