"""How vehicles and signals look together: the vehicles' scene, with bars that show the lights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from marl_envs.core.params import build
from marl_envs.render.marks import seen_through
from marl_envs.render.scene import WHOLE, Artist, Frame, Moment, Point, Rect, Scene, Shape, Text, View
from marl_envs.render.theme import Theme
from marl_envs.traffic.both.env import arranged
from marl_envs.traffic.both.params import Params
from marl_envs.traffic.network import Network
from marl_envs.traffic.signals.phases import Signal
from marl_envs.traffic.signals.render import SignalsArtist
from marl_envs.traffic.vehicles.render import IntersectionArtist

STAGES = ("green", "yellow", "all red")


class MixedArtist(IntersectionArtist):
    """Draws frames of one layout, with `vehicles` agents that drive; `env.frame` says what a frame holds."""

    def __init__(self, network: Network, signals: Sequence[Signal], vehicles: int, actions: str = "phase") -> None:
        super().__init__(network)
        self.signals, self.vehicles = signals, vehicles
        self.lights = SignalsArtist(network, signals, actions, self.map)
        self._alone = dict(self.overlays)  # those of vehicles
        self.overlays |= {"paths": self._ways, "greedy": self._best}

    def of(self, agent: int) -> Artist:
        """Return the artist whose actions, keys and reach are those of the agent's kind."""
        return self if agent < self.vehicles else self.lights

    def rest(self, frame: Frame, agent: int) -> int:
        """Return what a driven agent does while no key is held: it keeps its speed, or its phase."""
        if agent < self.vehicles:
            return super().rest(frame, agent)
        return self.lights.rest(frame, agent - self.vehicles)

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the agents are [m]: the middles of vehicles, then those of the signals' junctions."""
        return [*super().places(frame), *self.lights.places(frame)]

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
        yield from self.lights.bars(frame, theme)

    def _ways(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield the ways that are open, and above them those of the agents' vehicles."""
        yield from self.lights.overlays["paths"](moment, theme)
        yield from self._alone["paths"](moment, theme)

    def _best(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield what promises most to each agent, and at signals what it promises."""
        if moment.values is None:
            return
        yield from self._alone["greedy"](replace(moment, values=moment.values[: self.vehicles]), theme)
        places = self.lights.places(moment.frame)
        for place, values in zip(places, moment.values[self.vehicles :], strict=True):
            if place is not None and np.isfinite(values).any():
                best = int(np.nanargmax(values))
                name = self.lights.names[best] if best < len(self.lights.names) else f"action {best}"
                yield Rect(place[0] - 8.0, place[1] - 1.6, 16.0, 3.2, seen_through(theme.page, 0.85), 0.8)
                yield Text(*place, f"{name}: {float(values[best]):.2f}", 1.9, theme.ink)


def artist(params: Any) -> MixedArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    chosen = build(Params, params) if isinstance(params, dict) else params
    return MixedArtist(*arranged(chosen.of_vehicles()), chosen.num_vehicles, chosen.signal_actions)
