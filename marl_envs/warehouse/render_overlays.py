"""What can be shown above a floor with robots, in both tasks: ways, who waits for whom, where they stand, conflicts.

All of it follows from the last frames and the last actions: a robot wanted the cell ahead of it, or beside it, and
either came there or did not.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from marl_envs.render.marks import RECENT, arrow, path, ring, warmth
from marl_envs.render.scene import Frame, Moment, Overlay, Point, Rect, Shape
from marl_envs.render.theme import Theme, mix
from marl_envs.render.waiting import in_circles

Cell = tuple[int, int]  # row, col
WITHOUT = {"ttc": "robots move cell by cell and never touch; conflicts (c) shows what they wanted"}
MOST_WAYS = 60  # robots up to which all ways are shown; beyond, that of the chosen one
HEADINGS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # up, down, left, right: (row, col)
LEFT, RIGHT = (2, 3, 1, 0), (3, 2, 0, 1)  # heading after a turn


class Moves(NamedTuple):
    """What the actions of a task do."""

    wanted: Callable[[int, int], int | None]  # action, heading -> direction that the robot wants to move in, or None
    shown: Callable[[int, int], int | None]  # action, heading -> direction of the arrow that stands for it, or None


def turning(action: int, heading: int) -> int | None:
    """Return the arrow of an action of robots that turn: forward, left, right."""
    return (None, heading, LEFT[heading], RIGHT[heading])[action] if action < 4 else None


ROTATE = Moves(lambda action, heading: heading if action == 1 else None, turning)
COMPASS = Moves(
    lambda action, heading: action - 1 if 1 <= action <= 4 else None,
    lambda action, heading: action - 1 if 1 <= action <= 4 else None,
)


class FloorOverlays:
    """The overlays of a floor; `goals` returns where the robots of a frame are going, (row, col) or (-1, -1)."""

    def __init__(
        self, rows: Sequence[str], obstacle: str, moves: Moves, goals: Callable[[Frame], Any], laden: bool = False
    ) -> None:
        self.rows, self.obstacle, self.moves, self.goals, self.laden = rows, obstacle, moves, goals, laden
        self.all: dict[str, Overlay] = {
            "paths": self.paths,
            "waits": self.waits,
            "heat": self.heat,
            "conflicts": self.conflicts,
            "greedy": self.greedy,
        }

    def paths(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield a shortest way of each robot (of the chosen one, where there are many) and its end."""
        robots, goals = moment.frame["robots"].tolist(), self.goals(moment.frame).tolist()
        for a, (robot, goal) in enumerate(zip(robots, goals, strict=True)):
            if goal[0] < 0 or (len(robots) > MOST_WAYS and a != moment.chosen):
                continue
            blocked = self._shelves(moment.frame, robot) if self.laden else set()
            cells = shortest(self.rows, self.obstacle, _cell(robot), (goal[0], goal[1]), blocked)
            fill = theme.agent_edge if a == moment.chosen else mix(theme.floor, theme.agent, 0.6)
            yield from path(_after(_middle(_cell(robot)), [_middle(cell) for cell in cells]), 0.12, fill)
            yield ring(*_middle((goal[0], goal[1])), 0.3, 0.1, fill)

    def waits(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield an arrow from each robot that could not move to the one in its way, dark where they form a circle."""
        waiting = self.waits_for(moment)
        caught = in_circles(waiting)
        robots = moment.frame["robots"].tolist()
        for a, b in waiting.items():
            fill = theme.ink if a in caught else theme.wanted_edge
            yield from arrow(_middle(_cell(robots[a])), _middle(_cell(robots[b])), 0.09, fill, trim=0.12)
            if a in caught:
                yield ring(*_middle(_cell(robots[a])), 0.47, 0.08, fill)

    def waits_for(self, moment: Moment) -> dict[int, int]:
        """Return which robot waits for which: it wanted a cell in the last step, did not move, and one stands there."""
        now = moment.frame["robots"].tolist()
        standing = {_cell(robot): a for a, robot in enumerate(now)}
        waiting = {}
        for a, cell in self._wanted(moment).items():
            if _cell(now[a]) != cell and standing.get(cell, a) != a:
                waiting[a] = standing[cell]
        return waiting

    def heat(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield how often a robot stood still in each cell during the last frames, for the longest."""
        stood: Counter[Cell] = Counter()
        frames = list(moment.frames)[-RECENT:]
        for before, after in itertools.pairwise(frames):
            same = (before["robots"][:, :2] == after["robots"][:, :2]).all(axis=1)
            stood.update((int(row), int(col)) for row, col in after["robots"][same, :2])
        most = max(stood.values(), default=0)
        for (row, col), times in stood.items():
            yield Rect(col + 0.02, row + 0.02, 0.96, 0.96, warmth(round(8 * times / most) / 8, theme), 0.1)

    def conflicts(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield the cells that several robots wanted in the last step, and who wanted to change places."""
        wanted = self._wanted(moment)
        if not wanted:
            return
        before = [_cell(robot) for robot in moment.frames[-2]["robots"].tolist()]
        asked = Counter(wanted.values())
        for (row, col), times in asked.items():
            if times > 1:
                yield Rect(col, row, 1, 1, (*theme.wanted[:3], 0), 0.1, theme.wanted_edge, 0.12)
                for a, cell in wanted.items():
                    if cell == (row, col):
                        yield from arrow(_middle(before[a]), _middle(cell), 0.08, theme.wanted_edge, trim=0.1)
        for a, cell in wanted.items():
            for b, other in wanted.items():
                if a < b and cell == before[b] and other == before[a]:
                    yield from arrow(_middle(before[a]), _middle(cell), 0.12, theme.ink, trim=0.15)
                    yield from arrow(_middle(cell), _middle(before[a]), 0.12, theme.ink, trim=0.15)

    def greedy(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield an arrow for the action of each robot that promises most; a ring for one that moves nothing."""
        if moment.values is None:
            return
        robots = moment.frame["robots"].tolist()
        for robot, values in zip(robots, moment.values, strict=True):
            if not np.isfinite(values).any():
                continue
            shown = self.moves.shown(int(np.nanargmax(values)), int(robot[2]))
            x, y = _middle(_cell(robot))
            if shown is None:
                yield ring(x, y, 0.46, 0.08, theme.goal_edge)
            else:
                row, col = HEADINGS[shown]
                yield from arrow((x + 0.3 * col, y + 0.3 * row), (x + 0.85 * col, y + 0.85 * row), 0.1, theme.goal_edge)

    def _wanted(self, moment: Moment) -> dict[int, Cell]:
        """Return the cell that each robot wanted to move to in the last step, of those that wanted to."""
        if len(moment.frames) < 2 or not len(moment.actions):
            return {}
        found = {}
        for a, robot in enumerate(moment.frames[-2]["robots"].tolist()):
            way = self.moves.wanted(int(moment.actions[a]), int(robot[2]))
            if way is not None:
                row, col = int(robot[0]) + HEADINGS[way][0], int(robot[1]) + HEADINGS[way][1]
                if 0 <= row < len(self.rows) and 0 <= col < len(self.rows[0]):
                    found[a] = (row, col)
        return found

    def _shelves(self, frame: Frame, robot: list[int]) -> set[Cell]:
        """Return the cells that a robot cannot pass: with a shelf on it, those of all other shelves."""
        if robot[3] < 0:
            return set()
        return {(row, col) for row, col in frame["shelves"].tolist() if (row, col) != _cell(robot)}


def _cell(robot: Sequence[float]) -> Cell:
    return int(robot[0]), int(robot[1])


def _middle(cell: Cell) -> Point:
    return cell[1] + 0.5, cell[0] + 0.5


def _after(start: Point, points: list[Point], free: float = 0.42) -> list[Point]:
    """Return a way that begins where the body at its start ends."""
    if len(points) < 2:
        return []
    (x, y), (to_x, to_y) = start, points[1]
    return [(x + free * (to_x - x), y + free * (to_y - y)), *points[1:]]


def shortest(rows: Sequence[str], obstacle: str, start: Cell, end: Cell, blocked: set[Cell]) -> list[Cell]:
    """Return the cells of a shortest way, with both ends; [start] if there is none. The end may be blocked."""
    came: dict[Cell, Cell] = {start: start}
    waiting = deque([start])
    while waiting and end not in came:
        row, col = waiting.popleft()
        for down, right in HEADINGS:
            cell = (row + down, col + right)
            if not (0 <= cell[0] < len(rows) and 0 <= cell[1] < len(rows[0])) or cell in came:
                continue
            if rows[cell[0]][cell[1]] != obstacle and (cell not in blocked or cell == end):
                came[cell] = (row, col)
                waiting.append(cell)
    if end not in came:
        return [start]
    cells = [end]
    while cells[-1] != start:
        cells.append(came[cells[-1]])
    return cells[::-1]
