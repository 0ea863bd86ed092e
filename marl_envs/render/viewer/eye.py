"""What is seen of a source: part, theme, overlays and the chosen agent. Returns surfaces; needs no window."""

from __future__ import annotations

from dataclasses import replace
from math import hypot
from typing import Any

from marl_envs.render.canvas import LARGEST, SMALLEST, Canvas
from marl_envs.render.marks import ring
from marl_envs.render.scene import Many, Moment, Polygons, Shape, artist_of
from marl_envs.render.theme import Theme, get_theme
from marl_envs.render.viewer.camera import Camera
from marl_envs.render.viewer.source import Source


class Eye:
    """Looks at `source` in pictures of `size` pixels."""

    def __init__(self, source: Source, size: tuple[int, int], theme: str | Theme) -> None:
        self.source, self.theme = source, get_theme(theme)
        self.camera = Camera(source.artist.extent())
        self.chosen: int | None = None
        self.following = False
        self.overlays: set[str] = set()
        self._empty: set[str] = set()  # those of which there was nothing to show
        self._canvas = Canvas(size)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height [pixels]."""
        return self._canvas.size

    def resize(self, width: int, height: int) -> None:
        """Go on with another size, within what can be drawn."""
        size = (min(max(SMALLEST, width), LARGEST), min(max(SMALLEST, height), LARGEST))
        if size != self.size:
            self._canvas = Canvas(size)

    def agent_at(self, x: float, y: float) -> int | None:
        """Return the agent that is drawn at a pixel, the nearest of several, or None."""
        spot = self.camera.placing(self.size).to_scene(x, y)
        places = self.source.artist.places(self.moment().frame)
        far = [
            hypot(p[0] - spot[0], p[1] - spot[1]) / artist_of(self.source.artist, a).reach
            for a, p in enumerate(places)
            if p is not None
        ]
        there = [a for a, p in enumerate(places) if p is not None]
        nearest = min(range(len(far)), key=far.__getitem__, default=None)
        return there[nearest] if nearest is not None and far[nearest] <= 1.0 else None

    def toggle(self, name: str) -> str:
        """Show an overlay, or no longer; return what there is to say, or nothing."""
        artist = self.source.artist
        if name not in artist.overlays:
            return f"no {name} here: {artist.without[name]}"
        self.overlays ^= {name}
        unknown = name == "greedy" and name in self.overlays and self.moment().values is None
        return "greedy: who plays does not say what it expects" if unknown and not self.source.over else ""

    def overlays_shown(self) -> str:
        """Return the names of the overlays; in brackets those that have nothing to show in the last picture."""
        return ", ".join(f"({name})" if name in self._empty else name for name in sorted(self.overlays))

    def moment(self) -> Moment:
        """Return what is to be drawn."""
        return self.source.moment(self.chosen, "greedy" in self.overlays)

    def picture(self, share: float = 1.0) -> Any:
        """Return scene, overlays and a ring around the chosen agent; `share` of the last step has been made."""
        moment, artist = self.moment(), self.source.artist
        frame = moment.frame
        if share < 1.0 and len(moment.frames) > 1:
            frame = artist.between(moment.frames[-2], moment.frames[-1], share)
        places = artist.places(frame)
        place = places[self.chosen] if self.chosen is not None and self.chosen < len(places) else None
        if self.following and place is not None:
            self.camera.look_at(place)
        placing = self.camera.placing(self.size)
        scene = artist.scene(frame, self.theme, placing.view(self.size))
        shown = {
            name: tuple(draw(moment, self.theme)) for name, draw in artist.overlays.items() if name in self.overlays
        }
        self._empty = {name for name, shapes in shown.items() if not any(map(_visible, shapes))}
        below = shown.pop("heat", ())  # bodies stay clear of it
        above: list[Shape] = [shape for shapes in shown.values() for shape in shapes]
        if place is not None and self.chosen is not None:
            reach = artist_of(artist, self.chosen).reach
            width = max(0.08 * reach, 2.0 / placing.scale)
            above.append(ring(*place, 1.15 * reach + width, width, self.theme.ink))
        return self._canvas.surface(replace(scene, shapes=(*below, *scene.shapes, *above)), placing)


def _visible(shape: Shape) -> bool:
    """Return whether there is anything of a shape: of many, at least one."""
    return not (isinstance(shape, Many) and not len(shape.places)) and not (
        isinstance(shape, Polygons) and not len(shape.fills)
    )
