"""How a junction looks: roads, signal heads, and vehicles as rectangles, as a picture and as text.

A vehicle is coloured by how fast it is for what is allowed: orange stands, blue drives. At the end of each lane that a
signal controls is a bar: green where any link from it is open, else dark. A number at the start of a lane says how many
vehicles wait outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from marl_envs.render.canvas import fitted_size
from marl_envs.render.scene import Frame, Polygon, Scene, Shape, Text
from marl_envs.render.theme import Color, Theme, mix
from marl_envs.traffic.network import Network
from marl_envs.traffic.pictures import RoadMap, roads
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.phases import Signal

CAR_WIDTH = 2.0  # [m]
BAR = 1.2  # thickness of a signal's bar [m]


class SignalsArtist:
    """Draws frames of one network; `env.frame` says what a frame holds."""

    def __init__(self, network: Network, signals: Sequence[Signal]) -> None:
        self.network, self.signals = network, signals
        self.map = RoadMap(network, [signal.junction for signal in signals])

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the network."""
        return fitted_size(self.map.width / 8.0, self.map.height / 8.0)

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
            width=self.map.width,
            height=self.map.height,
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=roads(self.map, theme),
            shapes=tuple(s for s in (*self._heads(frame, theme), *self._vehicles(frame, theme)) if self.map.holds(s)),
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

    def _bar(self, d: int, along: float, half: float, thick: float, fill: Color) -> Polygon:
        """Return a bar across drivable `d`, from `along` [m] backwards."""
        return Polygon(self.map.box(d, along, thick, half), fill)

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
            x, y, *_ = self.map.tracks[lane].place(0.0)
            yield Text(*self.map.at(x, y), str(int(frame["outside"][lane])), 6.0, theme.ink)

    def _vehicles(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        for v in np.flatnonzero(frame["place"] >= 0).tolist():
            d, dis = int(frame["place"][v]), float(frame["dis"][v])
            fill = mix(theme.wanted, theme.agent, round(5 * float(frame["share"][v])) / 5)
            yield Polygon(self.map.box(d, dis, float(frame["body"][v]), CAR_WIDTH / 2), fill)
            yield Polygon(self.map.box(d, dis - 1.0, 1.0, 0.7 * CAR_WIDTH / 2), mix(fill, theme.agent_ink, 0.6))


def artist(params: Any) -> SignalsArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    values = params if isinstance(params, dict) else vars(params)
    return SignalsArtist(*network_of(values["network"], values["phases"]))
