"""How a warehouse looks: floor, shelves, goals and robots, as a picture and as text.

A shelf is a tile, orange while it is requested; an empty home is an outline. A robot is a numbered disc whose nose
points where it heads; a robot that carries stands on its shelf. Dots lead from a robot to what it is heading for.
Charging cells have a flash, robots with a battery a bar that says how full it is, and those without energy are grey.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from marl_envs.render.canvas import fitted_size
from marl_envs.render.scene import (
    WHOLE,
    Circle,
    Frame,
    Line,
    Many,
    Point,
    Polygon,
    Rect,
    Scene,
    Shape,
    Single,
    Text,
    View,
    dotted,
)
from marl_envs.render.theme import Theme, mix
from marl_envs.warehouse.equipped import floor_of
from marl_envs.warehouse.render_battery import bar, charging_cell, dead
from marl_envs.warehouse.render_overlays import ROTATE, WITHOUT, FloorOverlays

DETAILED = 7.0  # [pixels] of a cell from which robots have noses and numbers
MOST_DETAILED = 600  # robots in the picture up to which they have
_HEADINGS = {0: (0, -1), 1: (0, 1), 2: (-1, 0), 3: (1, 0)}  # up, down, left, right: (x, y)


class WarehouseArtist:
    """Draws frames of one floor, given as rows of `.` (highway), `x` (shelf home), `g` (goal), `c` (charging cell).

    A frame holds `robots` (A, 4: row, col, heading, carried shelf or -1), `shelves` (S, 2: row, col), `requested`
    (S), `deliveries` (A), `step`, `target` (A, 2: row, col, or -1 -1), and with batteries `charge` (A) [percent].
    """

    reach = 0.5  # [cells] from the middle of a robot to its rim
    actions = ("no-op", "forward", "turn left", "turn right", "load or unload")
    without = WITHOUT
    keys: ClassVar[dict[str, int]] = {"up": 1, "left": 2, "right": 3, "down": 0, "return": 4}

    def __init__(self, rows: tuple[str, ...]) -> None:
        self.rows = rows
        self.overlays = FloorOverlays(rows, "#", ROTATE, lambda frame: frame["target"], laden=True).all

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
        shapes = (*_shelves(frame, theme), *_ways(frame, theme), *robots(frame, theme, view))
        return Scene(
            width=len(self.rows[0]),
            height=len(self.rows),
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=_floor(self.rows, theme),
            shapes=shapes,
            values=(("step", str(int(frame["step"]))), ("deliveries", str(int(frame["deliveries"].sum())))),
        )

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way between two frames: places move, all else is as `before`."""
        robots = before["robots"].astype(float)
        robots[:, :2] += share * (after["robots"][:, :2] - robots[:, :2])
        shelves = before["shelves"] + share * (after["shelves"] - before["shelves"])
        return {**before, "robots": robots, "shelves": shelves}

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text; see `to_ansi`."""
        return to_ansi(frame, self.rows)


def artist(params: Any) -> WarehouseArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    return WarehouseArtist(floor_of(params).rows)


@lru_cache(maxsize=8)
def _floor(rows: tuple[str, ...], theme: Theme) -> tuple[Shape, ...]:
    """Return what never moves: the floor with its grid, empty shelf homes, and goals."""
    height, width = len(rows), len(rows[0])
    shapes: list[Shape] = [Rect(0, 0, width, height, theme.floor)]
    shapes += [Line((col, 0), (col, height), 0.01, theme.line) for col in range(width + 1)]
    shapes += [Line((0, row), (width, row), 0.01, theme.line) for row in range(height + 1)]
    for row, text in enumerate(rows):
        for col, char in enumerate(text):
            if char == "x":
                shapes.append(_home(row, col, theme))
            elif char == "g":
                shapes += _goal(row, col, theme)
            elif char == "c":
                shapes += charging_cell(row, col, theme)
    return tuple(shapes)


def _home(row: int, col: int, theme: Theme) -> Shape:
    """Return the mark of a shelf's home, seen while the shelf is away."""
    fill = mix(theme.floor, theme.object, 0.25)
    return Rect(col + 0.1, row + 0.1, 0.8, 0.8, fill, 0.1, mix(theme.floor, theme.object, 0.8), 0.035)


def _goal(row: int, col: int, theme: Theme) -> Iterator[Shape]:
    """Yield a goal: a tile with two chevrons that point off the floor."""
    yield Rect(col + 0.04, row + 0.04, 0.92, 0.92, theme.goal, 0.14, theme.goal_edge, 0.05)
    for y in (row + 0.3, row + 0.52):
        mark = mix(theme.goal, theme.agent_ink, 0.9)
        yield Line((col + 0.3, y), (col + 0.5, y + 0.18), 0.09, mark)
        yield Line((col + 0.5, y + 0.18), (col + 0.7, y), 0.09, mark)


def _shelves(frame: Frame, theme: Theme) -> Iterator[Shape]:
    """Yield all shelves; those that are carried lie larger, with a shadow, as if lifted."""
    at, wanted = frame["shelves"][:, ::-1], frame["requested"]
    lifted = np.zeros(len(at), np.bool_)
    loads = frame["robots"][:, 3].astype(np.int64)
    lifted[loads[loads >= 0]] = True
    for asked in (False, True):
        for shape in _standing(asked, theme):
            yield Many(shape, at[~lifted & (wanted == asked)])
    for shelf in np.flatnonzero(lifted).tolist():
        yield from _lifted(float(at[shelf, 0]), float(at[shelf, 1]), bool(wanted[shelf]), theme)


def _standing(asked: bool, theme: Theme) -> Iterator[Single]:
    """Yield what a shelf on the floor is made of, in the cell (0, 0)."""
    fill, edge = (theme.wanted, theme.wanted_edge) if asked else (theme.object, theme.object_edge)
    yield Rect(0.1, 0.1, 0.8, 0.8, fill, 0.12, edge, 0.06)
    yield Line((0.5, 0.2), (0.5, 0.8), 0.04, edge)
    yield Line((0.2, 0.5), (0.8, 0.5), 0.04, edge)


def _lifted(x: float, y: float, asked: bool, theme: Theme) -> Iterator[Shape]:
    fill, edge = (theme.wanted, theme.wanted_edge) if asked else (theme.object, theme.object_edge)
    yield Rect(x + 0.08, y + 0.12, 0.9, 0.9, theme.shadow, 0.14)
    yield Rect(x + 0.06, y + 0.06, 0.88, 0.88, fill, 0.12, edge, 0.06)


def _ways(frame: Frame, theme: Theme) -> Iterator[Shape]:
    """Yield a dotted line from every robot to what it is heading for."""
    has = frame["target"][:, 0] >= 0  # from the end, as that stands still
    ends, starts = frame["target"][has, ::-1] + 0.5, frame["robots"][has, 1::-1] + 0.5
    yield dotted(ends, starts, 0.25, 0.045, theme.agent, trim=0.4)


def robots(frame: Frame, theme: Theme, view: View) -> Iterator[Shape]:
    """Yield the robots that are seen; where they would be tiny, one dot each, in the colour of a robot."""
    found, charge = frame["robots"], charges(frame)
    x, y = found[:, 1] + 0.5, found[:, 0] + 0.5
    seen = view.sees(x, y)
    if view.cell < DETAILED or int(seen.sum()) > MOST_DETAILED:
        yield Many(Circle(0, 0, max(0.4, 1.2 / view.cell), theme.agent), np.stack([x, y], axis=1)[seen])
        return
    for index in np.flatnonzero(seen).tolist():
        yield from robot(index, float(x[index]), float(y[index]), int(found[index, 2]), theme, charge[index])


def charges(frame: Frame) -> list[int | None]:
    """Return how full each battery is [percent], None without batteries."""
    found: list[int | None] = frame["charge"].tolist() if "charge" in frame else [None] * len(frame["robots"])
    return found


def robot(index: int, x: float, y: float, heading: int, theme: Theme, charge: int | None = None) -> Iterator[Shape]:
    """Yield a robot: shadow, nose, disc, number, and how full its battery is [percent], if it has one."""
    theme = dead(theme) if charge == 0 else theme
    dx, dy = _HEADINGS[heading]
    tip, base, half = 0.5, 0.22, 0.27
    nose = (
        (x + tip * dx, y + tip * dy),
        (x + base * dx - half * dy, y + base * dy + half * dx),
        (x + base * dx + half * dy, y + base * dy - half * dx),
    )
    yield Circle(x + 0.03, y + 0.06, 0.36, theme.shadow)
    yield Polygon(nose, theme.agent_edge)
    yield Circle(x, y, 0.35, theme.agent, theme.agent_edge, 0.05)
    yield Text(x, y, str(index), 0.38 if index < 10 else 0.32, theme.agent_ink)
    if charge is not None:
        yield from bar(x, y, charge, theme)


def to_ansi(frame: Frame, rows: tuple[str, ...]) -> str:
    """Return `frame` as text: two characters a cell, then one line for the step and one for each robot.

    The first character is a robot's heading (`^ v < >`) or a space; the second what lies there: `x` a shelf, `X` a
    requested one, `_` an empty home, `g` a goal, `c` a charging cell, `.` highway.
    """
    ground = [["_" if char == "x" else char for char in row] for row in rows]
    wanted = frame["requested"].tolist()
    for shelf, (row, col) in enumerate(frame["shelves"].tolist()):
        ground[row][col] = "X" if wanted[shelf] else "x"
    above = [[" "] * len(row) for row in rows]
    for row, col, heading, _ in frame["robots"].tolist():
        above[row][col] = "^v<>"[heading]
    lines = ["".join(a + b for a, b in zip(*pair, strict=True)) for pair in zip(above, ground, strict=True)]
    lines.append(f"step {int(frame['step'])}, {int(frame['deliveries'].sum())} delivered")
    lines += [_robot_line(i, robot, wanted, frame) for i, robot in enumerate(frame["robots"].tolist())]
    return "\n".join(lines) + "\n"


def _robot_line(index: int, robot: list[int], wanted: list[bool], frame: Frame) -> str:
    row, col, heading, shelf = robot
    load = "empty" if shelf < 0 else f"carries shelf {shelf}" + (" (requested)" if wanted[shelf] else "")
    facing = ("up", "down", "left", "right")[heading]
    charge = charges(frame)[index]
    battery = "" if charge is None else (f", battery {charge} %" if charge else ", dead")
    done = int(frame["deliveries"][index])
    return f"robot_{index} at ({row}, {col}) facing {facing}, {load}, {done} delivered{battery}"
