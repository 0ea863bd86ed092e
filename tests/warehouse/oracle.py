"""The step rule once more, slow and plain, straight from RWARE's description: what the kernels are held against."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import numpy as np

from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.layouts import get_layout
from tests.warehouse.arrange import draw_below

Cell = tuple[int, int]
AHEAD = ((-1, 0), (1, 0), (0, -1), (0, 1))  # (rows, columns), by heading: up, down, left, right
LEFT, RIGHT = (2, 3, 1, 0), (3, 2, 0, 1)  # heading after a turn
ACTIONS = NOOP, FORWARD, TURN_LEFT, TURN_RIGHT, TOGGLE = range(5)


class Picture(NamedTuple):
    """One environment, in plain Python; lists by robot, by shelf or by place in the queue."""

    rows: tuple[str, ...]  # the floor
    cells: list[Cell]
    headings: list[int]
    loads: list[int]  # carried shelf, or -1
    has_delivered: list[bool]
    shelves: list[Cell]
    queue: list[int]

    @property
    def standing(self) -> dict[Cell, int]:
        """The shelves that nobody carries, by cell."""
        return {cell: s for s, cell in enumerate(self.shelves) if s not in self.loads}


def picture(vec: VectorEnv, env: int = 0) -> Picture:
    """Return what the primary arrays say; nothing derived is read."""
    state, settings = vec.arrays, vec.simulation.settings

    def place(cells: np.ndarray) -> list[Cell]:
        return list(zip(settings.row[cells].tolist(), settings.col[cells].tolist(), strict=True))

    return Picture(
        get_layout(vec.params.layout).rows,
        place(state.pos[env]),
        state.heading[env].tolist(),
        state.load[env].tolist(),
        state.has_delivered[env].astype(bool).tolist(),
        place(state.shelf_pos[env]),
        state.queue[env].tolist(),
    )


def char(rows: tuple[str, ...], cell: Cell) -> str:
    """Return what the floor is in `cell`; a space outside."""
    row, col = cell
    return rows[row][col] if 0 <= row < len(rows) and 0 <= col < len(rows[0]) else " "


def ahead(seen: Picture, a: int) -> Cell:
    """Return the cell that robot `a` faces."""
    return seen.cells[a][0] + AHEAD[seen.headings[a]][0], seen.cells[a][1] + AHEAD[seen.headings[a]][1]


def hindrance(seen: Picture, a: int) -> str | None:
    """Return what keeps robot `a` from asking for the cell ahead: "wall", "shelf" or nothing."""
    cell = ahead(seen, a)
    if char(seen.rows, cell) == " ":
        return "wall"
    return "shelf" if seen.loads[a] >= 0 and cell in seen.standing else None


def can_toggle(seen: Picture, a: int) -> bool:
    """Return whether robot `a` could load or put down where it is."""
    cell = seen.cells[a]
    return char(seen.rows, cell) == "x" if seen.loads[a] >= 0 else cell in seen.standing


def conflicts(cells: list, wants: list) -> list[str]:
    """Return each robot's fate, one at a time: "moved", "stays" or why it is refused."""
    robots = range(len(cells))
    standing = dict(zip(cells, robots, strict=True))
    behind = {cell: [a for a in robots if wants[a] == cell != cells[a]] for cell in {*cells, *wants}}

    def tail(a: int) -> int:
        return max((1 + tail(b) for b in behind[cells[a]]), default=0)

    going: set[int] = set()
    for cell in set(wants) - set(cells):  # an empty cell: the longest queue moves
        while behind[cell]:
            winner = max(behind[cell], key=lambda a: (tail(a), -a))
            going.add(winner)
            cell = cells[winner]
    for a in robots:  # a ring of at least three
        ring, b = [a], standing.get(wants[a])
        while b is not None and b not in ring:
            ring.append(b)
            b = standing.get(wants[b])
        if b == a and len(ring) >= 3:
            going.add(a)
    return [_fate(cells, wants, a, going, standing) for a in robots]


def _fate(cells: list, wants: list, a: int, going: set[int], standing: dict) -> str:
    if wants[a] == cells[a]:
        return "stays"
    if a in going:
        return "moved"
    if wants[a] in {wants[b] for b in going}:
        return "vertex"
    return "swap" if wants[standing[wants[a]]] == cells[a] else "blocked"


class Outcome(NamedTuple):
    """One step."""

    after: Picture
    did: list[str]  # by robot
    delivered: list[int]  # robots
    places: list[int]  # of the queue, filled again for each of those deliveries
    put_back: list[int]  # robots that put a delivered shelf down
    stream: int  # the random stream after it


def step(seen: Picture, moves: list[int], stream: int, pay_again: bool) -> Outcome:
    """Return the outcome of one step: moves, then deliveries."""
    did = _intentions(seen, moves)
    after = deepcopy(seen)
    put_back = []
    for a, deed in enumerate(did):
        if deed == "moved":
            after.cells[a] = ahead(seen, a)
        elif deed == "turned":
            after.headings[a] = (LEFT if moves[a] == TURN_LEFT else RIGHT)[seen.headings[a]]
        elif deed == "toggled" and seen.loads[a] < 0:
            after.loads[a] = seen.standing[seen.cells[a]]
        elif deed == "toggled":
            after.loads[a] = -1
            put_back += [a] * seen.has_delivered[a]
            after.has_delivered[a] = False
        if after.loads[a] >= 0:
            after.shelves[after.loads[a]] = after.cells[a]
    delivered, places, stream = _deliver(after, stream, pay_again)
    return Outcome(after, did, delivered, places, put_back, stream)


def _intentions(seen: Picture, moves: list[int]) -> list[str]:
    """Return what each robot does: moved, turned, toggled, waited, or why it was refused."""
    robots = range(len(moves))
    did = ["waited"] * len(moves)
    for a in robots:
        if moves[a] == FORWARD:
            did[a] = hindrance(seen, a) or "moved"
        elif moves[a] in (TURN_LEFT, TURN_RIGHT):
            did[a] = "turned"
        elif moves[a] == TOGGLE and can_toggle(seen, a):
            did[a] = "toggled"
    wants = [ahead(seen, a) if did[a] == "moved" else seen.cells[a] for a in robots]
    fates = conflicts(seen.cells, wants)
    return [fates[a] if did[a] == "moved" else did[a] for a in robots]


def _deliver(now: Picture, stream: int, pay_again: bool) -> tuple[list[int], list[int], int]:
    """Change queue and records by the deliveries, goals in reading order; return robots, places and the stream."""
    delivered, places = [], []
    goals = [(r, c) for r, row in enumerate(now.rows) for c, kind in enumerate(row) if kind == "g"]
    for a in (now.cells.index(goal) for goal in goals if goal in now.cells):
        if now.loads[a] not in now.queue or (now.has_delivered[a] and not pay_again):
            continue
        place = now.queue.index(now.loads[a])
        new = now.loads[a]
        while new in now.queue:
            new, stream = draw_below(stream, len(now.shelves))
        now.queue[place] = new
        now.has_delivered[a] = True
        delivered.append(a)
        places.append(place)
    return delivered, places, stream
