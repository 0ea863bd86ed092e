"""Replaying plans of the League of Robot Runners through our own kernels: do they count what they claim?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands.batch import act_range, reset_range
from marl_envs.warehouse.errands.env import build
from marl_envs.warehouse.errands.types import (
    BLOCKED,
    DROP,
    FORWARD,
    NONE,
    STOPPED,
    SWAP,
    TURN_LEFT,
    TURN_RIGHT,
    VERTEX,
    WAIT,
    WALL,
    Params,
)

ACTIONS = {"F": FORWARD, "R": TURN_RIGHT, "C": TURN_LEFT, "W": WAIT, "T": WAIT}  # T: the planner was late
KINDS = {VERTEX: "vertex", SWAP: "swap", BLOCKED: "vertex", WALL: "obstacle"}


@dataclass(frozen=True)
class ReplayResult:
    """What a plan did."""

    finished_tasks: int
    events: list[tuple[int, int, int, int]] = field(repr=False)
    """(step, robot, task, errands of it done): every errand, at the step after which it was done."""
    conflicts: list[tuple[int, int, str]]
    """(step, robot, "vertex", "swap" or "obstacle"): moves that cannot be; then everybody waits, as in LoRR."""


def replay(problem_path: str, plan: Mapping[str, Any]) -> ReplayResult:
    """Play a plan in LoRR's output format.

    Args:
        problem_path: the problem's JSON file (2023 or 2024).
        plan: the parsed JSON of the output: `actualPaths` (for each robot "F,R,C,W ..."), and `actualSchedule` (for
            each robot "step:task,...") where the problem has a pool of tasks.

    Raises:
        ParameterError: the problem cannot be read, or the plan does not fit it.
    """
    params = Params(problem=str(problem_path), moves="rotate", collision="all_wait", assigner="schedule", mask=None)
    vec = VectorEnv(build(params), autoreset=False)
    actions = _actions(plan, vec.num_agents)
    schedule = _schedule(plan, vec.num_agents) if vec.arrays.pool.shape[1] else {}
    state, table = vec.arrays, vec.table
    reset_range(table, 0, 1)
    _assign(state, schedule.get(0, []))
    events: list[tuple[int, int, int, int]] = []
    conflicts: list[tuple[int, int, str]] = []
    finished = 0
    for t, row in enumerate(actions, start=1):
        state.actions[0] = row
        _assign(state, schedule.get(t, []))
        before = state.task[0].copy(), state.errand[0].copy()
        act_range(table, 0, 1)
        events += _events(t, vec, before)
        conflicts += [(t, int(a), KINDS[int(state.outcome[0, a])]) for a in _refused(state.outcome[0])]
    finished = int(vec.metrics()["tasks"][0])
    return ReplayResult(finished, events, conflicts)


def _refused(outcome: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the robots whose move was refused for a reason of their own."""
    return np.flatnonzero(np.isin(outcome, list(KINDS)) & (outcome != STOPPED))


def _lines(plan: Mapping[str, Any], key: str, robots: int) -> Sequence[str]:
    lines = plan.get(key)
    if not isinstance(lines, list) or len(lines) != robots or not all(isinstance(line, str) for line in lines):
        raise ParameterError(f"the plan needs {key!r}: a list of {robots} strings, one a robot")
    return lines


def _actions(plan: Mapping[str, Any], robots: int) -> NDArray[np.int32]:
    """Return the actions [steps, robots]; who has fewer than the others waits."""
    paths = [line.split(",") if line else [] for line in _lines(plan, "actualPaths", robots)]
    actions = np.full((max(map(len, paths)), robots), WAIT, np.int32)
    for a, path in enumerate(paths):
        for t, letter in enumerate(path):
            if letter.strip() not in ACTIONS:
                raise ParameterError(
                    f"actualPaths of robot {a}, step {t}: {letter!r} is not one of {', '.join(ACTIONS)}"
                )
            actions[t, a] = ACTIONS[letter.strip()]
    return actions


def _schedule(plan: Mapping[str, Any], robots: int) -> dict[int, list[tuple[int, int]]]:
    """Return (robot, task) of every assignment, by step."""
    by_step: dict[int, list[tuple[int, int]]] = {}
    for a, line in enumerate(_lines(plan, "actualSchedule", robots)):
        for entry in filter(None, (entry.strip() for entry in line.split(","))):
            step, _, task = entry.partition(":")
            try:
                by_step.setdefault(int(step), []).append((a, int(task)))
            except ValueError:
                raise ParameterError(f"actualSchedule of robot {a}: {entry!r} is not step:task") from None
    return by_step


def _assign(state: Any, entries: list[tuple[int, int]]) -> None:
    for robot, task in entries:
        state.schedule[0, robot] = DROP if task == NONE else task


def _events(
    t: int, vec: VectorEnv, before: tuple[NDArray[np.int32], NDArray[np.int32]]
) -> list[tuple[int, int, int, int]]:
    """Return the errands done in this step."""
    done = np.flatnonzero(vec.out.terms[0, :, 0])
    settings, found = vec.simulation.settings, []
    for a in done.tolist():
        task, errand = int(vec.arrays.task[0, a]), int(vec.arrays.errand[0, a])
        if errand == 0 or task == NONE or task != before[0][a]:  # its last errand: the robot has another task by now
            task = int(vec.arrays.last_task[0, a])
            errand = int(settings.task_first[task + 1] - settings.task_first[task])
        found.append((t, a, task, errand))
    return found
