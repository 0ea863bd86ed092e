"""How vehicles and signals look together: the vehicles' scene, with bars that show the lights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from marl_envs.core.params import build
from marl_envs.render.scene import WHOLE, Frame, Polygon, Scene, Shape, View
from marl_envs.render.theme import Theme, mix
from marl_envs.traffic.both.env import arranged
from marl_envs.traffic.both.params import Params
from marl_envs.traffic.network import Network
from marl_envs.traffic.signals.phases import Signal
from marl_envs.traffic.vehicles.render import IntersectionArtist

STAGES = ("green", "yellow", "all red")
BAR = 0.8  # thickness of a light's bar [m]


class MixedArtist(IntersectionArtist):
    """Draws frames of one layout; `env.frame` says what a frame holds."""

    def __init__(self, network: Network, signals: Sequence[Signal]) -> None:
        super().__init__(network)
        self.signals = signals

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`."""
        plain = super().scene(frame, theme, view)
        violations = ("on red", str(int(frame["violations"])))
        return replace(plain, values=(*plain.values, violations))

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text: a line for each vehicle agent, each signal, and one for all."""
        *vehicles, last = super().ansi(frame).splitlines()
        phases = zip(frame["phase"].tolist(), frame["stage"].tolist(), strict=True)
        signals = [f"signal_{s} phase {phase} ({STAGES[stage]})" for s, (phase, stage) in enumerate(phases)]
        return "\n".join([*vehicles, *signals, f"{last}, {int(frame['violations'])} red lights passed"]) + "\n"

    def _lines(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        yield from super()._lines(frame, theme)
        network, closed = self.network, mix(theme.ink, theme.object, 0.2)
        opened = {int(network.link_start[k]) for k in np.flatnonzero(frame["open"])}
        for signal, stage in zip(self.signals, frame["stage"].tolist(), strict=True):
            links = range(network.first_link[signal.junction], network.first_link[signal.junction + 1])
            for lane in sorted({int(network.link_start[k]) for k in links}):
                fill = theme.goal if lane in opened else (theme.wanted if stage == 1 else closed)
                half = 0.42 * float(network.lane_width[lane])
                yield Polygon(self.map.box(lane, float(network.length[lane]), BAR, half), fill)


def artist(params: Any) -> MixedArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    chosen = build(Params, params) if isinstance(params, dict) else params
    return MixedArtist(*arranged(chosen.of_vehicles()))
