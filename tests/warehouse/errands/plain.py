"""Small floors and problems, and the League of Robot Runners' simulator in plain Python, from its own source."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands import types
from tests.warehouse.oracle import LEFT, RIGHT, conflicts

Cell = tuple[int, int]
AHEAD = ((-1, 0), (1, 0), (0, -1), (0, 1))  # north, south, west, east
CLOCKWISE = "ESWN"  # LoRR's orientations 0 to 3
ONWARD = {"N": (-1, 0), "S": (1, 0), "W": (0, -1), "E": (0, 1)}
LETTERS = "WFCR"  # by our numbers of "rotate"
NAMES = {
    getattr(types, name.upper()): name
    for name in ("moved", "turned", "waited", "vertex", "swap", "blocked", "wall", "stopped")
}


@st.composite
def floors(draw: Any, /, chars: str = "....@", free: int = 2) -> str:
    """Return a drawn floor with at least `free` free cells; parts of it may be cut off."""
    height, width = draw(st.integers(2, 6)), draw(st.integers(2, 6))
    cells = draw(st.lists(st.sampled_from(chars), min_size=height * width, max_size=height * width))
    for place in draw(st.lists(st.integers(0, height * width - 1), min_size=free, max_size=free, unique=True)):
        cells[place] = "."
    return "\n".join("".join(cells[row * width : (row + 1) * width]) for row in range(height))


@st.composite
def crowds(draw: Any, /, **fixed: Any) -> VectorEnv:
    """Return a batch of one after its reset: any floor, robots, moves and rule of collision."""
    floor = draw(floors())
    free = floor.count(".")
    parameters = {
        "num_robots": draw(st.integers(1, min(free, 12))),
        "moves": draw(st.sampled_from(["compass", "rotate"])),
        "collision": draw(st.sampled_from(["resolve", "all_wait", "block"])),
        **fixed,
    }
    vec = errands_v0.vector_env(1, floor=floor, goals="anywhere", **parameters)
    vec.reset(seed=draw(st.integers(0, 2**32)))
    return vec


def place(vec: VectorEnv, cell: int) -> Cell:
    """Return (row, col) of a cell's number."""
    return int(vec.simulation.settings.row[cell]), int(vec.simulation.settings.col[cell])


def places(vec: VectorEnv, env: int = 0) -> list[Cell]:
    """Return where the robots are."""
    return [place(vec, cell) for cell in vec.arrays.pos[env]]


def kind(rows: tuple[str, ...], cell: Cell) -> str:
    """Return what the floor is there; an obstacle outside."""
    row, col = cell
    return rows[row][col] if 0 <= row < len(rows) and 0 <= col < len(rows[0]) else "@"


def random_rows(rng: np.random.Generator, height: int, width: int) -> tuple[str, ...]:
    """Return a floor with one obstacle anywhere, which cannot cut it in two."""
    at = int(rng.integers(height * width))
    return tuple("".join("@" if row * width + col == at else "." for col in range(width)) for row in range(height))


def free_cells(rows: tuple[str, ...]) -> list[int]:
    """Return the free cells as LoRR numbers them."""
    return [i for i, char in enumerate("".join(rows)) if char != "@"]


def write_problem(
    folder: Path, rows: tuple[str, ...], starts: list[int], tasks: list[list[int]], reveal: float | None = None
) -> str:
    """Write a problem of 2024, or without `reveal` of 2023; return its path."""
    year = {"taskAssignmentStrategy": "roundrobin", "numTasksReveal": 1}
    if reveal is not None:
        year = {"version": "2024 LoRR", "numTasksReveal": reveal}
    head = {"mapFile": "p.map", "agentFile": "p.agents", "taskFile": "p.tasks", "teamSize": len(starts), **year}
    text = f"type octile\nheight {len(rows)}\nwidth {len(rows[0])}\nmap\n" + "\n".join(rows) + "\n"
    lines = [",".join(map(str, task)) for task in tasks]
    (folder / "p.map").write_text(text)
    (folder / "p.agents").write_text("\n".join(map(str, [len(starts), *starts])) + "\n")
    (folder / "p.tasks").write_text("\n".join([str(len(tasks)), *lines]) + "\n")
    (folder / "p.json").write_text(json.dumps(head))
    return str(folder / "p.json")


def search(rows: tuple[str, ...], goal: tuple[int, int]) -> dict[tuple[int, int], int]:
    """Return how far each cell is from the goal."""
    found, queue = {goal: 0}, deque([goal])
    while queue:
        cell = queue.popleft()
        for down, right in AHEAD:
            near = cell[0] + down, cell[1] + right
            if kind(rows, near) != "@" and near not in found:
                found[near] = found[cell] + 1
                queue.append(near)
    return found


def block_both(cells: list, wants: list) -> list[str]:
    """Return each robot's fate under POGEMA's rule, as its move_agents with block_both has it."""
    used: dict = {}
    for cell, want in zip(cells, wants, strict=True):
        used[want] = "blocked" if want in used else "visited"
        used[cell] = "blocked"
    standing = dict(zip(cells, range(len(cells)), strict=True))
    fates = []
    for cell, want in zip(cells, wants, strict=True):
        if cell == want:
            fates.append("waited")
        elif used[want] != "blocked":
            fates.append("moved")
        elif want not in standing:
            fates.append("vertex")
        else:
            fates.append("swap" if wants[standing[want]] == cell else "blocked")
    return fates


def expected(vec: VectorEnv, rows: tuple[str, ...], actions: list[int]) -> tuple[list, list, list]:
    """Return cells, headings and outcomes after one step, by the definitions."""
    rotate = vec.params.moves == "rotate"
    cells, old = places(vec), vec.arrays.heading[0].tolist()
    headings, wants, did = list(old), list(cells), []
    for a, action in enumerate(actions):
        if rotate and action in (2, 3):
            headings[a] = (LEFT if action == 2 else RIGHT)[old[a]]
            did.append("turned")
            continue
        if not rotate and action:
            headings[a] = action - 1
        there = cells[a][0] + AHEAD[headings[a]][0], cells[a][1] + AHEAD[headings[a]][1]
        did.append("moves" if action else "waited")
        if action and kind(rows, there) == "@":
            did[a] = "wall"
        elif action:
            wants[a] = there
    fates = block_both(cells, wants) if vec.params.collision == "block" else conflicts(cells, wants)
    did = [fate if deed == "moves" else deed for deed, fate in zip(did, fates, strict=True)]
    if vec.params.collision == "all_wait" and _in_conflict(cells, wants, did):
        headings = [back if deed == "turned" else new for deed, new, back in zip(did, headings, old, strict=True)]
        did = ["stopped" if deed in ("moved", "turned") else deed for deed in did]
    after = [want if deed == "moved" else cell for deed, want, cell in zip(did, wants, cells, strict=True)]
    return after, headings, did


def _in_conflict(cells: list, wants: list, did: list) -> bool:
    """Return whether LoRR refuses the joint action: an obstacle, a vertex or a swap conflict."""
    moves = dict(zip(cells, wants, strict=True))
    swap = any(moves.get(want) == cell and want != cell for cell, want in moves.items())
    return "wall" in did or len(set(wants)) < len(wants) or swap


def plan_of(letters: list[str], schedule: list[list[tuple[int, int]]] | None = None) -> dict[str, Any]:
    """Return a plan as LoRR writes it; `letters` are by step, one a robot."""
    plan: dict[str, Any] = {"actionModel": "MAPF_T", "teamSize": len(letters[0])}
    plan["actualPaths"] = [",".join(path) for path in zip(*letters, strict=True)]
    if schedule is not None:
        plan["actualSchedule"] = [",".join(f"{t}:{task}" for t, task in line) for line in schedule]
    return json.loads(json.dumps(plan))


class Moves:
    """LoRR's ActionModelWithRotate: one bad move, and nobody moves."""

    def __init__(self, rows: tuple[str, ...], starts: list[int]) -> None:
        self.rows = rows
        self.cells = [divmod(start, len(rows[0])) for start in starts]
        self.facing = ["E"] * len(starts)

    def move(self, letters: str) -> bool:
        """Carry out one letter a robot; return whether that was valid."""
        cells, facing = list(self.cells), list(self.facing)
        for a, letter in enumerate(letters):
            if letter == "F":
                down, right = ONWARD[facing[a]]
                cells[a] = cells[a][0] + down, cells[a][1] + right
            elif letter in "RC":
                facing[a] = CLOCKWISE[(CLOCKWISE.index(facing[a]) + (1 if letter == "R" else -1)) % 4]
        old = self.cells
        apart = len(set(cells)) == len(cells) and all(kind(self.rows, cell) != "@" for cell in cells)
        swap = any(
            cells[a] == old[b] and cells[b] == old[a] for a in range(len(cells)) for b in range(a) if cells[a] != old[a]
        )
        if apart and not swap:
            self.cells, self.facing = cells, facing
        return apart and not swap


class RoundRobin:
    """LoRR 2023: InfAssignSystem and BaseSystem::move of v1.1.5."""

    def __init__(self, tasks: list[list[int]], robots: int, width: int) -> None:
        self.tasks, self.robots, self.width = tasks, robots, width
        self.counter = [0] * robots
        self.assigned = [self._next(k, 0) for k in range(robots)]
        self.events: list[tuple[int, int, int, int]] = []
        self.service: list[int] = []

    def _next(self, k: int, time: int) -> tuple[int, int]:
        """Return (number, time) of robot k's next task."""
        self.counter[k] += 1
        return (self.counter[k] - 1) * self.robots + k, time

    def update(self, cells: list[Cell], time: int) -> None:
        """Count who stands on the cell of its task, after a move."""
        for k, (number, since) in enumerate(self.assigned):
            if cells[k] == divmod(self.tasks[number % len(self.tasks)][0], self.width):
                self.events.append((time, k, number, 1))
                self.service.append(time - since)
                self.assigned[k] = self._next(k, time)


class Pool:
    """LoRR 2024: TaskManager of v2.1.0."""

    def __init__(self, tasks: list[list[int]], robots: int, width: int, reveal: float) -> None:
        self.tasks, self.width, self.most = tasks, width, int(reveal * robots)
        self.ongoing: dict[int, list[int]] = {}  # task -> errands done, time of its release
        self.current = [-1] * robots
        self.events: list[tuple[int, int, int, int]] = []
        self.service: list[int] = []
        self.schedule: list[list[tuple[int, int]]] = [[] for _ in range(robots)]  # what LoRR writes
        self.number = 0
        self._reveal(0)

    def _reveal(self, time: int) -> None:
        while len(self.ongoing) < self.most:
            self.ongoing[self.number] = [0, time]
            self.number += 1

    def bound(self, k: int) -> bool:
        """Return whether robot k has begun its task."""
        return self.current[k] != -1 and self.ongoing[self.current[k]][0] > 0

    def update(self, cells: list[Cell], assignment: list[int], time: int) -> None:
        """Take the assignment, count errands, reveal tasks."""
        wanted = [task for task in assignment if task != -1]
        assert len(set(wanted)) == len(wanted)
        assert all(task in self.ongoing for task in wanted)
        assert all(not self.bound(k) or assignment[k] == self.current[k] for k in range(len(assignment)))
        self.current = list(assignment)
        for k, task in enumerate(self.current):
            if not self.schedule[k] or self.schedule[k][-1][1] != task:
                self.schedule[k].append((time, task))
        for k, task in enumerate(self.current):
            if task == -1:
                continue
            errands = self.tasks[task % len(self.tasks)]
            if cells[k] == divmod(errands[self.ongoing[task][0]], self.width):
                self.ongoing[task][0] += 1
                self.events.append((time, k, task, self.ongoing[task][0]))
                if self.ongoing[task][0] == len(errands):
                    self.service.append(time - self.ongoing[task][1])
                    del self.ongoing[task]
                    self.current[k] = -1
        self._reveal(time)

    def choose(self, rng: np.random.Generator) -> list[int]:
        """Return a random valid assignment: robots keep, drop or change what they have not begun."""
        chosen = [self.current[k] if self.bound(k) or rng.random() < 0.7 else -1 for k in range(len(self.current))]
        left = [task for task in self.ongoing if task not in chosen and not self._begun(task)]
        for k in rng.permutation(len(chosen)).tolist():
            if left and not self.bound(k) and rng.random() < 0.4:
                chosen[k] = left.pop(int(rng.integers(len(left))))
        return chosen

    def _begun(self, task: int) -> bool:
        return self.ongoing[task][0] > 0
