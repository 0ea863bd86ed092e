"""How a grid world looks: walls, cliff, start and goal, and who walks there, as a picture and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.canvas import fitted_size
from marl_envs.render.marks import arrow, path, warmth
from marl_envs.render.scene import (
    WHOLE,
    Circle,
    Frame,
    Line,
    Moment,
    Overlay,
    Point,
    Polygon,
    Rect,
    Scene,
    Shape,
    Text,
    View,
)
from marl_envs.render.theme import Theme, mix
from marl_envs.small.grid.env import make_settings
from marl_envs.small.grid.types import Params
from marl_envs.small.grid.worlds import ARM_DOWN, ARM_UP, CLIFF, FREE, GOAL, START, WALL, World

_WAYS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # (down, right) by action


class GridArtist:
    """Draws frames of one world; `grid.env.frame` says what they hold."""

    reach = 0.5  # [cells] from the middle of the walker to its rim
    actions = ("up", "down", "left", "right")
    keys: ClassVar[dict[str, int]] = {"up": 0, "down": 1, "left": 2, "right": 3}
    without: ClassVar[dict[str, str]] = {
        "waits": "one walker alone waits for nobody",
        "conflicts": "one walker alone has no conflicts",
        "ttc": "one walker alone, and walls only stop it",
    }

    def __init__(self, params: Params) -> None:
        self.world, self._params = params.make_world(), params
        self.overlays: dict[str, Overlay] = {"paths": self.trail, "heat": self.heat, "greedy": self.greedy}

    def extent(self) -> tuple[float, float]:
        """Return width and height of the world [cells]."""
        return self.world.shape[1], self.world.shape[0]

    def rest(self, frame: Frame, agent: int) -> int:
        """Return what a driven agent does while no key is held: nothing; time stands still until a key is held."""
        del frame, agent
        return -1

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the walker is [cells]."""
        return [(col + 0.5, row + 0.5) for row, col in frame["walker"].tolist()]

    def trail(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield the way of the last frames."""
        spots = [(col + 0.5, row + 0.5) for frame in moment.frames for row, col in frame["walker"].tolist()]
        yield from path(spots, 0.1, mix(theme.floor, theme.agent, 0.6))

    def heat(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield how often each cell was visited during the last frames, for the longest."""
        visits = Counter((row, col) for frame in moment.frames for row, col in frame["walker"].tolist())
        most = max(visits.values())
        for (row, col), times in visits.items():
            yield Rect(col + 0.02, row + 0.02, 0.96, 0.96, warmth(round(8 * times / most) / 8, theme), 0.1)

    def elsewhere(self, frame: Frame) -> tuple[list[Point], NDArray[Any]]:
        """Return the middles of the cells that one can stand on, and the observation there, [S] or [S, D]."""
        rows, cue = self.world.changed if frame["changed"] else self.world.rows, max(int(frame["cue"]), 0)
        cells = [(r, c) for r, row in enumerate(rows) for c, kind in enumerate(row) if kind in (FREE, START)]
        numbers = [(row + 1) * (self.world.shape[1] + 2) + col + 1 for row, col in cells]
        return [(col + 0.5, row + 0.5) for row, col in cells], self._sights[cue][numbers]

    @cached_property
    def _sights(self) -> NDArray[Any]:
        """The observation in each cell, [2, C] or [2, C, D], by cue."""
        settings = make_settings(self._params)
        return settings.label if self._params.observation == "tabular" else settings.shown

    def greedy(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield arrows for the actions that promise most, everywhere, and what they promise; a large one here."""
        if moment.values is None:
            return
        for (x, y), values in moment.elsewhere:
            yield from _signpost(x, y, values, theme)
        for (row, col), values in zip(moment.frame["walker"].tolist(), moment.values, strict=True):
            if np.isfinite(values).any():
                down, right = _WAYS[int(np.nanargmax(values))]
                x, y = col + 0.5, row + 0.5
                yield from arrow(
                    (x + 0.3 * right, y + 0.3 * down), (x + 0.9 * right, y + 0.9 * down), 0.1, theme.goal_edge
                )

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the world."""
        return fitted_size(self.world.shape[1], self.world.shape[0])

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`."""
        del view  # small enough to be drawn whole
        return Scene(
            width=self.world.shape[1],
            height=self.world.shape[0],
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=_ground(self.world, bool(frame["changed"]), int(frame["cue"]), theme),
            shapes=tuple(shape for row, col in frame["walker"].tolist() for shape in _walker(row, col, theme)),
            values=(("step", str(int(frame["step"]))), ("return", f"{float(frame['return']):g}")),
        )

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way between two frames: the walker moves, all else is `before`."""
        return {**before, "walker": before["walker"] + share * (after["walker"] - before["walker"])}

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text: the drawing, `A` where the agent is; in a T-maze `+` in the arm that pays."""
        rows = self.world.changed if frame["changed"] else self.world.rows
        lines = [list(_told(row, int(frame["cue"]))) for row in rows]
        for row, col in frame["walker"].tolist():
            lines[row][col] = "A"
        lines.append(list(f"step {int(frame['step'])}, return {float(frame['return']):g}"))
        return "\n".join(map("".join, lines)) + "\n"


def artist(params: Any) -> GridArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    return GridArtist(params if isinstance(params, Params) else Params(**params))


def _signpost(x: float, y: float, values: NDArray[Any], theme: Theme) -> Iterator[Shape]:
    """Yield an arrow for each of the best actions, and their value; nothing where all are worth the same."""
    best, worst = float(np.nanmax(values, initial=-np.inf)), float(np.nanmin(values, initial=np.inf))
    if not best - worst > 1e-6 * max(abs(best), abs(worst)):
        return
    for action in np.flatnonzero(values >= best - 1e-6 * abs(best)).tolist():
        down, right = _WAYS[action]
        yield from arrow((x, y - 0.08), (x + 0.36 * right, y - 0.08 + 0.36 * down), 0.06, theme.goal_edge)
    said = f"{best:.2f}".rstrip("0").rstrip(".")
    yield Text(x, y + 0.38, "0" if said == "-0" else said, 0.15, theme.ink)


def _told(row: str, cue: int) -> str:
    """Return a row of the drawing with the T-maze's arms as `+` and `-`."""
    if cue < 0:
        return row
    return row.replace(ARM_UP, "-+"[cue == 0]).replace(ARM_DOWN, "-+"[cue == 1])


@lru_cache(maxsize=32)
def _ground(world: World, changed: bool, cue: int, theme: Theme) -> tuple[Shape, ...]:
    """Return what stays: the floor with its grid, walls, and cells that mean something."""
    height, width = world.shape
    shapes: list[Shape] = [Rect(0, 0, width, height, theme.floor)]
    shapes += [Line((col, 0), (col, height), 0.02, theme.line) for col in range(width + 1)]
    shapes += [Line((0, row), (width, row), 0.02, theme.line) for row in range(height + 1)]
    for row, text in enumerate(world.changed if changed else world.rows):
        for col, kind in enumerate(text):
            shapes += _cell(kind, row, col, cue, theme)
    return tuple(shapes)


def _cell(kind: str, row: int, col: int, cue: int, theme: Theme) -> Iterator[Shape]:
    if kind == WALL:
        yield Rect(col, row, 1, 1, mix(theme.object, theme.object_edge, 0.5))
    elif kind == CLIFF:
        yield from _cliff(row, col, theme)
    elif kind == START:
        yield Rect(col + 0.08, row + 0.08, 0.84, 0.84, mix(theme.floor, theme.agent, 0.14), 0.14, theme.agent, 0.04)
        if cue >= 0:
            yield from _arrow(row, col, cue, theme)
    elif kind == GOAL or (kind in (ARM_UP, ARM_DOWN) and (kind == ARM_UP) == (cue == 0)):
        yield from _goal(row, col, theme)
    elif kind in (ARM_UP, ARM_DOWN):
        yield Rect(
            col + 0.08, row + 0.08, 0.84, 0.84, mix(theme.floor, theme.wanted, 0.35), 0.14, theme.wanted_edge, 0.05
        )


def _cliff(row: int, col: int, theme: Theme) -> Iterator[Shape]:
    """Yield a chasm: dark, with a broken edge."""
    yield Rect(col, row, 1, 1, theme.wanted)
    deep = mix(theme.wanted_edge, theme.ink, 0.55)
    top = ((0, 0.3), (0.2, 0.18), (0.45, 0.32), (0.7, 0.2), (1, 0.3), (1, 1), (0, 1))
    yield Polygon(tuple((col + x, row + y) for x, y in top), deep)


def _goal(row: int, col: int, theme: Theme) -> Iterator[Shape]:
    """Yield a tile with a flag."""
    yield Rect(col + 0.05, row + 0.05, 0.9, 0.9, theme.goal, 0.14, theme.goal_edge, 0.05)
    yield Line((col + 0.36, row + 0.2), (col + 0.36, row + 0.82), 0.07, theme.agent_ink)
    flag = ((0.39, 0.2), (0.78, 0.36), (0.39, 0.52))
    yield Polygon(tuple((col + x, row + y) for x, y in flag), theme.agent_ink)


def _arrow(row: int, col: int, cue: int, theme: Theme) -> Iterator[Shape]:
    """Yield the cue, an arrow beside the start cell's middle: up or down."""
    tip, tail = (0.16, 0.84) if cue == 0 else (0.84, 0.16)
    side = 0.18 if cue == 0 else -0.18
    yield Line((col + 0.5, row + tip), (col + 0.5, row + tail), 0.09, theme.goal_edge)
    for x in (0.34, 0.66):
        yield Line((col + 0.5, row + tip), (col + x, row + tip + side), 0.09, theme.goal_edge)


def _walker(row: float, col: float, theme: Theme) -> Iterator[Shape]:
    """Yield the agent: a disc with eyes."""
    x, y = col + 0.5, row + 0.5
    yield Circle(x + 0.03, y + 0.06, 0.34, theme.shadow)
    yield Circle(x, y, 0.33, theme.agent, theme.agent_edge, 0.05)
    for side in (-0.12, 0.12):
        yield Circle(x + side, y - 0.06, 0.09, theme.agent_ink)
        yield Circle(x + side + 0.02, y - 0.05, 0.045, theme.ink if theme.name == "light" else theme.page)
