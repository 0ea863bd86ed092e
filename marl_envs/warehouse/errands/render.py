"""How errands look: obstacles, stations, robots and their goals, as a picture and as text.

An obstacle is a tile, a station a framed one. A robot is a numbered disc; its goal is a diamond with a dotted line from
the robot, left out where there are too many to be told apart. Charging cells and batteries look as in the shelves task.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from marl_envs.render.canvas import fitted_size
from marl_envs.render.scene import WHOLE, Frame, Line, Many, Point, Polygon, Rect, Scene, Shape, View, dotted
from marl_envs.render.theme import Color, Theme, mix
from marl_envs.warehouse.errands.equipped import floor_of
from marl_envs.warehouse.render import DETAILED, robots
from marl_envs.warehouse.render_battery import charging_cell
from marl_envs.warehouse.render_overlays import COMPASS, ROTATE, WITHOUT, FloorOverlays

MOST_WAYS = 24  # robots up to which dotted lines lead to goals: more could not be told apart

_ACTIONS = {
    "rotate": ("wait", "forward", "turn left", "turn right"),
    "compass": ("wait", "up", "down", "left", "right"),
}
_KEYS = {
    "rotate": {"down": 0, "up": 1, "left": 2, "right": 3},
    "compass": {"return": 0, "up": 1, "down": 2, "left": 3, "right": 4},
}


class ErrandsArtist:
    """Draws frames of one floor, given as rows of `.`, `@` (obstacle), `E` (station), `S` (side) and `C` (charging).

    A frame holds `robots` (A, 3: row, col, heading), `goals` (A, 2: row, col, or -1 -1), `tasks` (A) and `step`, and
    with batteries `charge` (A) [percent].
    """

    reach = 0.5  # [cells] from the middle of a robot to its rim
    without = WITHOUT

    def __init__(self, rows: tuple[str, ...], moves: str = "rotate") -> None:
        self.rows = rows
        self.actions, self.keys = _ACTIONS[moves], _KEYS[moves]
        kind = ROTATE if moves == "rotate" else COMPASS
        self.overlays = FloorOverlays(rows, "@", kind, lambda frame: frame["goals"]).all

    def extent(self) -> tuple[float, float]:
        """Return width and height of the floor [cells]."""
        return len(self.rows[0]), len(self.rows)

    def rest(self, frame: Frame, agent: int) -> int:
        """Return what a driven agent does while no key is held: it stays."""
        del frame, agent
        return 0

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the robots are [cells]."""
        return [(col + 0.5, row + 0.5) for row, col in frame["robots"][:, :2].tolist()]

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the floor."""
        return fitted_size(len(self.rows[0]), len(self.rows))

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`."""
        return Scene(
            width=len(self.rows[0]),
            height=len(self.rows),
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=_floor(self.rows, theme),
            shapes=(*_ways(frame, theme, view), *robots(frame, theme, view)),
            values=(("step", str(int(frame["step"]))), ("tasks", str(int(frame["tasks"].sum())))),
        )

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way between two frames: robots move, all else is as `before`."""
        robots = before["robots"].astype(float)
        robots[:, :2] += share * (after["robots"][:, :2] - robots[:, :2])
        return {**before, "robots": robots}

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text: two characters a cell (robot's heading, ground), then a line for the whole."""
        above = [[" "] * len(row) for row in self.rows]
        ground = [list(row) for row in self.rows]
        for row, col in frame["goals"].tolist():
            if row >= 0:
                ground[row][col] = "x"
        for row, col, heading in frame["robots"].tolist():
            above[row][col] = "^v<>"[heading]
        lines = ["".join(a + b for a, b in zip(*pair, strict=True)) for pair in zip(above, ground, strict=True)]
        lines.append(f"step {int(frame['step'])}, {int(frame['tasks'].sum())} tasks finished")
        return "\n".join(lines) + "\n"


def artist(params: Any) -> ErrandsArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    values = params if isinstance(params, dict) else vars(params)
    return ErrandsArtist(floor_of(params).rows, values.get("moves", "compass"))


@lru_cache(maxsize=8)
def _floor(rows: tuple[str, ...], theme: Theme) -> tuple[Shape, ...]:
    """Return what never moves."""
    height, width = len(rows), len(rows[0])
    shapes: list[Shape] = [Rect(0, 0, width, height, theme.floor)]
    shapes += [Line((col, 0), (col, height), 0.01, theme.line) for col in range(width + 1)]
    shapes += [Line((0, row), (width, row), 0.01, theme.line) for row in range(height + 1)]
    side = mix(theme.floor, theme.object, 0.25)
    for row, text in enumerate(rows):
        for col, char in enumerate(text):
            if char == "@":
                shapes.append(Rect(col + 0.02, row + 0.02, 0.96, 0.96, theme.object, 0.08, theme.object_edge, 0.05))
            elif char == "E":
                shapes.append(Rect(col + 0.06, row + 0.06, 0.88, 0.88, theme.goal, 0.14, theme.goal_edge, 0.05))
            elif char == "S":
                shapes.append(Rect(col + 0.1, row + 0.1, 0.8, 0.8, side, 0.1))
            elif char == "C":
                shapes += charging_cell(row, col, theme)
    return tuple(shapes)


def _ways(frame: Frame, theme: Theme, view: View) -> Iterator[Shape]:
    """Yield every goal, and a dotted line to it; only goals where there are many robots, and none where tiny."""
    goals, found = frame["goals"], frame["robots"]
    has = goals[:, 0] >= 0
    if view.cell < DETAILED:
        return
    at = goals[has][:, ::-1] + 0.5
    if len(found) <= MOST_WAYS:  # from the goal, as it stands still
        yield dotted(at, found[has, 1::-1] + 0.5, 0.25, 0.045, theme.agent, trim=0.4)
    for half, color in _GOAL:
        yield Many(diamond(0, 0, half, getattr(theme, color)), at)


_GOAL = ((0.34, "wanted_edge"), (0.26, "wanted"))


def diamond(x: float, y: float, half: float, fill: Color) -> Polygon:
    """Return the mark of a goal."""
    return Polygon(((x, y - half), (x + half, y), (x, y + half), (x - half, y)), fill)
