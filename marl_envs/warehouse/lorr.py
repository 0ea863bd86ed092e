"""Replaying plans of the League of Robot Runners through our own kernels: do they count what they claim?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.operations import RESET, STEP
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands.batch import play_range
from marl_envs.warehouse.errands.env import build
from marl_envs.warehouse.errands.types import (
    BLOCKED,
    DROP,
    EMPTY,
    FORWARD,
    NONE,
    SWAP,
    TASKS,
    TURN_LEFT,
    TURN_RIGHT,
    VERTEX,
    WAIT,
    WALL,
    Params,
    State,
)

ACTIONS = {"F": FORWARD, "R": TURN_RIGHT, "C": TURN_LEFT, "W": WAIT, "T": WAIT}  # T: the planner was late
_PATH = re.compile(f"[{''.join(ACTIONS)}](,[{''.join(ACTIONS)}])*")
_IN_CONFLICT = (VERTEX, SWAP, BLOCKED, WALL)

Entry = tuple[int, int]  # robot, task


@dataclass(frozen=True)
class ReplayResult:
    """What a plan did."""

    finished_tasks: int
    """LoRR's numTaskFinished."""
    events: list[tuple[int, int, int, int]] = field(repr=False)
    """(step, robot, task, errands of it done): every errand, at the step after which it was done, as LoRR 2024 writes
    them. A task's place in the file is its number modulo the number of tasks there. In 2023 robot i does tasks i,
    i + n, ...; LoRR's file numbers them in the order in which they were handed out."""
    conflicts: list[tuple[int, int, str]]
    """(step, robot, kind): moves that cannot be; then everybody waits, as in LoRR. "obstacle": also over the border;
    "vertex": into a cell where another robot goes or stays; "swap". LoRR names the first it finds in a step."""


class _Plan(NamedTuple):
    """A plan in our numbers."""

    actions: NDArray[np.int32]  # [steps, robots]
    late: NDArray[np.bool_]  # [steps] the planner was late for all
    schedule: Mapping[int, Sequence[Entry]]  # by step


def replay(problem_path: str, plan: Mapping[str, Any]) -> ReplayResult:
    """Play a plan in LoRR's output format.

    Args:
        problem_path: the problem's JSON file (2023 or 2024).
        plan: the parsed JSON of the output: `actualPaths` (for each robot "F,R,C,W ..."), and `actualSchedule` (for
            each robot "step:task,...", task -1 for none) where the problem has a pool of tasks.

    Raises:
        ParameterError: the problem cannot be read, or the plan does not fit it: a list of a wrong length, an unknown
            letter, a task that is not open when it is assigned, or that is begun already.
    """
    params = Params(problem=str(problem_path), moves="rotate", collision="all_wait", assigner="schedule", mask=None)
    vec = VectorEnv(build(params), autoreset=False)
    state: State = vec.arrays
    pool = state.pool.shape[1] > 0
    read = _read(plan, vec.num_agents, pool)
    play_range(vec.table, RESET, 0, 1)
    events: list[tuple[int, int, int, int]] = []
    conflicts: list[tuple[int, int, str]] = []
    entries: list[Entry] = list(read.schedule.get(0, []))
    for t, row in enumerate(read.actions, start=1):
        entries += read.schedule.get(t, [])
        if pool and read.late[t - 1]:  # then LoRR 2024 moves time alone: it assigns no task and finishes none
            state.step[0] += 1
            continue
        _assign(state, t, entries)
        entries = []
        state.actions[0] = row
        play_range(vec.table, STEP, 0, 1)
        events += _events(t, vec)
        conflicts += _conflicts(t, state)
    return ReplayResult(int(state.tally[0, :, TASKS].sum()), events, conflicts)


def _conflicts(t: int, state: State) -> list[tuple[int, int, str]]:
    """Return who asked for what cannot be in this step; as everybody waited, all are still where they were."""
    if not np.isin(state.outcome[0], _IN_CONFLICT).any():
        return []
    cells, asked, found = state.pos[0].tolist(), state.next[0].tolist(), []
    cell_of, times = np.unique(state.next[0], return_counts=True)
    crowded = set(cell_of[times > 1].tolist())
    for a, cell in enumerate(asked):
        there = int(state.robot_at[0, cell])
        if state.outcome[0, a] == WALL:
            found.append((t, a, "obstacle"))
        elif cell != cells[a] and cell in crowded:
            found.append((t, a, "vertex"))
        elif cell != cells[a] and there != EMPTY and asked[there] == cells[a]:
            found.append((t, a, "swap"))
    return found


def _read(plan: Mapping[str, Any], robots: int, pool: bool) -> _Plan:
    """Read and check what does not depend on the course of things."""
    if not isinstance(plan, Mapping):
        raise ParameterError(f"the plan must be an object with 'actualPaths', not a {type(plan).__name__}")
    letters = [_letters(a, line) for a, line in enumerate(_lines(plan, "actualPaths", robots))]
    actions = np.full((max(map(len, letters)), robots), WAIT, np.int32)  # who has fewer than the others waits
    late = np.ones(len(actions), np.bool_)
    numbers = np.zeros(128, np.int32)
    numbers[[ord(letter) for letter in ACTIONS]] = list(ACTIONS.values())
    for a, path in enumerate(letters):
        codes = np.frombuffer(path.encode(), np.uint8)
        actions[: len(path), a] = numbers[codes]
        late[: len(path)] &= codes == ord("T")
        late[len(path) :] = False
    return _Plan(actions, late, _schedule(plan, robots, len(actions)) if pool else {})


def _lines(plan: Mapping[str, Any], key: str, robots: int) -> Sequence[str]:
    lines = plan.get(key)
    if not isinstance(lines, list) or len(lines) != robots or not all(isinstance(line, str) for line in lines):
        raise ParameterError(f"the plan needs {key!r}: a list of {robots} strings, one a robot")
    return lines


def _letters(a: int, line: str) -> str:
    """Return the actions of a robot, one letter each."""
    path = "".join(line.split())
    if path and not _PATH.fullmatch(path):
        t, wrong = next((t, x) for t, x in enumerate(path.split(","), start=1) if x not in ACTIONS)
        raise ParameterError(f"actualPaths of robot {a}, step {t}: {wrong[:40]!r} is not one of {', '.join(ACTIONS)}")
    return path[::2]


def _schedule(plan: Mapping[str, Any], robots: int, steps: int) -> dict[int, list[Entry]]:
    """Return the assignments by step."""
    by_step: dict[int, list[Entry]] = {}
    for a, line in enumerate(_lines(plan, "actualSchedule", robots)):
        for entry in filter(None, (entry.strip() for entry in line.split(","))):
            match = re.fullmatch(r"([0-9]{1,9}):(-1|[0-9]{1,9})", entry)
            if match is None:
                raise ParameterError(f"actualSchedule of robot {a}: {entry[:40]!r} is not step:task")
            step, task = int(match[1]), int(match[2])
            if step > steps:
                raise ParameterError(f"actualSchedule of robot {a}: {entry!r} is after the last of {steps} steps")
            by_step.setdefault(step, []).append((a, task))
    return by_step


def _assign(state: State, t: int, entries: Sequence[Entry]) -> None:
    """Write a step's assignments into the schedule; refuse what LoRR would not have done."""
    given: dict[int, int] = {}
    for robot, task in entries:
        where = f"actualSchedule of robot {robot}, step {t}"
        mine = int(state.task[0, robot])
        if mine not in (NONE, task) and state.errand[0, robot] > 0:
            raise ParameterError(f"{where}: task {task} while task {mine} is begun, and must be finished first")
        if task == NONE:
            state.schedule[0, robot] = DROP
            continue
        place = np.flatnonzero(state.pool[0] == task)
        owner = int(state.pool_owner[0, place[0]]) if len(place) else EMPTY
        if not len(place) or (owner not in (EMPTY, robot) and state.errand[0, owner] > 0):
            raise ParameterError(f"{where}: task {task} is not open")
        if given.setdefault(task, robot) != robot:
            raise ParameterError(f"{where}: task {task} is given to robot {given[task]}, too")
        state.schedule[0, robot] = task


def _events(t: int, vec: VectorEnv) -> list[tuple[int, int, int, int]]:
    """Return the errands done in this step."""
    state, first, found = vec.arrays, vec.simulation.settings.task_first, []
    for a in np.flatnonzero(vec.out.terms[0, :, 0]).tolist():
        task, errand = int(state.task[0, a]), int(state.errand[0, a])
        if errand == 0 or task == NONE:  # that was its last: now the robot has another task, or none
            task = int(state.last_task[0, a])
            place = task % (len(first) - 1)
            errand = int(first[place + 1] - first[place])
        found.append((t, a, task, errand))
    return found
