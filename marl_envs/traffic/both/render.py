"""How vehicles and signals look together: the vehicles' scene, with bars that show the lights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from marl_envs.core.params import build
from marl_envs.render.scene import Frame, Polygon, Scene, Shape
from marl_envs.render.theme import Theme, mix
from marl_envs.traffic.both.params import Params
from marl_envs.traffic.vehicles.layouts import network_of
from marl_envs.traffic.vehicles.render import IntersectionArtist

STAGES = ("green", "yellow", "all red")
BAR = 0.8  # thickness of a light's bar [m]


class MixedArtist(IntersectionArtist):
    """Draws frames of one layout; `env.frame` says what a frame holds."""

    def scene(self, frame: Frame, theme: Theme) -> Scene:
        """Return the picture of `frame`."""
        plain = super().scene(frame, theme)
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
        network = self.network
        opened = {int(network.link_start[k]) for k in range(network.num_links) if frame["open"][k]}
        changing = (frame["stage"] == 1).any()
        for lane in sorted(set(network.link_start.tolist())):
            closed = theme.wanted if changing else mix(theme.ink, theme.object, 0.2)
            fill = theme.goal if lane in opened else closed
            half = 0.42 * float(network.lane_width[lane])
            yield Polygon(self.map.box(lane, float(network.length[lane]), BAR, half), fill)


def artist(params: Any) -> MixedArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    chosen = build(Params, params) if isinstance(params, dict) else params
    return MixedArtist(network_of(chosen))
