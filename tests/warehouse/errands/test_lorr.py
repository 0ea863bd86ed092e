"""Replays of plans, against LoRR's simulator in plain Python; plans that are refused."""

from typing import Any

import numpy as np
import pytest

from marl_envs import errands_v0
from marl_envs.core.params import ParameterError
from marl_envs.warehouse import lorr
from marl_envs.warehouse.errands import types
from tests.warehouse.errands.plain import (
    LETTERS,
    Moves,
    Pool,
    RoundRobin,
    free_cells,
    plan_of,
    random_rows,
    write_problem,
)

ROWS = ("....", ".@..", "....")
STEPS = 1500


def driven(path: str, seed: int, **parameters: Any):
    """Drive our environment at random; yield step, what the robots did as letters, and the environment."""
    vec = errands_v0.vector_env(1, problem=path, moves="rotate", max_cycles=STEPS + 1, **parameters)
    vec.reset(seed=seed)
    rng = np.random.default_rng(seed)
    for t in range(1, STEPS + 1):
        actions = rng.choice(4, (1, vec.num_agents), p=[0.1, 0.6, 0.15, 0.15])
        yield t, vec, actions
        done = np.isin(vec.arrays.outcome[0], (types.MOVED, types.TURNED))
        yield t, vec, "".join(LETTERS[action] if did else "W" for action, did in zip(actions[0], done, strict=True))


def course(path: str, seed: int, choose: Any = None, **parameters: Any) -> tuple[list[str], Any]:
    """Return the letters of a random course, and the environment after it; `choose` is called before each step."""
    letters, vec = [], None
    for t, vec, what in driven(path, seed, **parameters):
        if isinstance(what, str):
            letters.append(what)
        else:
            if choose is not None:
                choose(t, vec)
            vec.step(what)
    return letters, vec


def small(folder, seed: int, reveal: float | None = None):
    """Write a random problem; return (path, rows, starts, tasks)."""
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 3, 5)
    starts = rng.permutation(free_cells(rows))[: int(rng.integers(2, 6))].tolist()
    most = 1 if reveal is None else 4
    tasks = [rng.choice(free_cells(rows), rng.integers(1, most + 1)).tolist() for _ in range(int(rng.integers(4, 9)))]
    return write_problem(folder, rows, starts, tasks, reveal), rows, starts, tasks


@pytest.mark.parametrize("collision", ["resolve", "block"])
@pytest.mark.parametrize("seed", range(3))
def test_a_plan_of_2023_counts_as_in_lorr(tmp_path, seed, collision):
    path, rows, starts, tasks = small(tmp_path, seed)
    letters, vec = course(path, seed, collision=collision)
    moves, plain = Moves(rows, starts), RoundRobin(tasks, len(starts), len(rows[0]))
    for t, row in enumerate(letters, start=1):
        assert moves.move(row)
        plain.update(moves.cells, t)
    result = lorr.replay(path, plan_of(letters))
    assert result.events == plain.events
    assert result.finished_tasks == len(plain.events) == vec.metrics()["tasks"][0] > len(tasks)
    assert result.conflicts == []


@pytest.mark.parametrize("late", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_a_plan_of_2024_counts_as_in_lorr(tmp_path, seed, late):
    """With steps in which the planner is late: then nobody moves, and no errand is done even by who stands right."""
    reveal = [1.5, 1.0][seed % 2]
    path, rows, starts, tasks = small(tmp_path, seed, reveal)
    moves, plain = Moves(rows, starts), Pool(tasks, len(starts), len(rows[0]), reveal)
    rng, letters, time_now = np.random.default_rng(seed), [], 0
    driving, _ = course(path, seed)
    for row in driving:
        while rng.random() < late:
            letters.append("T" * len(starts))
            time_now += 1
        time_now += 1
        letters.append(row)
        assert moves.move(row)
        plain.update(moves.cells, plain.choose(rng), time_now)
    result = lorr.replay(path, plan_of(letters, plain.schedule))
    assert result.events == plain.events
    assert result.finished_tasks == len(plain.service) > len(tasks)
    assert result.conflicts == []
    assert late or any(step == release for step, release in _on_the_spot(plain)), (
        "an errand was done where it was given"
    )


def _on_the_spot(plain: Pool):
    """Yield (step of the first errand, step of the assignment before it) of each task."""
    for t, a, task, done in plain.events:
        if done == 1:
            yield t, max(when for when, what in plain.schedule[a] if what == task and when <= t)


def test_a_plan_that_follows_the_nearest_task_replays_to_what_the_environment_counted(tmp_path):
    """The assigner of the environment gives tasks after a step, a schedule within the next one."""
    path, _, starts, _ = small(tmp_path, 7, 1.5)
    schedule: list[list[tuple[int, int]]] = [[] for _ in starts]

    def note(t: int, vec) -> None:
        for a, task in enumerate(vec.arrays.task[0].tolist()):
            if not schedule[a] or schedule[a][-1][1] != task:
                schedule[a].append((t, task))

    letters, vec = course(path, 7, note)
    result = lorr.replay(path, plan_of(letters, schedule))
    assert result.finished_tasks == vec.metrics()["tasks"][0] > 5
    assert len(result.events) == vec.metrics()["errands"][0]


@pytest.mark.parametrize("seed", range(3))
def test_conflicts_are_told_and_stop_everybody(tmp_path, seed):
    path, rows, starts, tasks = small(tmp_path, seed + 20)
    rng = np.random.default_rng(seed)
    letters = ["".join(rng.choice(list("WFCR"), len(starts), p=[0.3, 0.4, 0.15, 0.15])) for _ in range(STEPS)]
    moves, plain = Moves(rows, starts), RoundRobin(tasks, len(starts), len(rows[0]))
    expected: list[tuple[int, int, str]] = []
    for t, row in enumerate(letters, start=1):
        before, facing = list(moves.cells), list(moves.facing)
        valid = moves.move(row)
        if not valid:
            assert moves.cells == before
            expected += [(t, a, kind) for a, kind in _conflicts(rows, before, facing, row)]
        assert valid == (t not in {step for step, _, _ in expected})
        plain.update(moves.cells, t)
    result = lorr.replay(path, plan_of(letters))
    assert result.conflicts == expected
    assert {kind for _, _, kind in expected} >= {"obstacle", "vertex"}
    assert result.events == plain.events
    assert result.finished_tasks == len(plain.events)


def _conflicts(rows, cells, facing, row):
    """Yield (robot, kind) of every move that cannot be, one robot at a time."""
    onward = {"N": (-1, 0), "S": (1, 0), "W": (0, -1), "E": (0, 1)}
    there = [
        (cell[0] + onward[way][0], cell[1] + onward[way][1]) if letter == "F" else cell
        for cell, way, letter in zip(cells, facing, row, strict=True)
    ]
    free = [0 <= r < len(rows) and 0 <= c < len(rows[0]) and rows[r][c] != "@" for r, c in there]
    ends = [cell if good else old for cell, good, old in zip(there, free, cells, strict=True)]
    for a, end in enumerate(ends):
        if not free[a]:
            yield a, "obstacle"
        elif end != cells[a] and ends.count(end) > 1:
            yield a, "vertex"
        elif end != cells[a] and any(ends[b] == cells[a] and end == cells[b] for b in range(len(ends))):
            yield a, "swap"


def test_both_who_would_change_places_are_told(tmp_path):
    path = write_problem(tmp_path, ROWS, [0, 1, 8], [[3], [2]])
    result = lorr.replay(path, plan_of(["WRF", "WRF", "FFF"]))
    assert result.conflicts == [(3, 0, "swap"), (3, 1, "swap")]
    result = lorr.replay(path, plan_of(["FWC", "WWC", "WWC", "WWF"]))
    assert result.conflicts == [(1, 0, "vertex"), (4, 2, "obstacle")]  # the turn of the first step was undone


def test_an_empty_plan_finishes_nothing(tmp_path):
    path = write_problem(tmp_path, ROWS, [0, 1], [[0], [1]])
    assert lorr.replay(path, {"actualPaths": ["", ""]}) == lorr.ReplayResult(0, [], [])
    result = lorr.replay(path, {"actualPaths": ["W,W", "W"]})  # who has no letter left waits
    assert result.finished_tasks == 4


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ([], "the plan must be an object with 'actualPaths', not a list"),
        ({}, "the plan needs 'actualPaths': a list of 2 strings"),
        ({"actualPaths": "F,F"}, "the plan needs 'actualPaths': a list of 2 strings"),
        ({"actualPaths": ["F"]}, "a list of 2 strings, one a robot"),
        ({"actualPaths": ["F", 3]}, "a list of 2 strings"),
        ({"actualPaths": ["F,W,X", "W"]}, "actualPaths of robot 0, step 3: 'X' is not one of F, R, C, W, T"),
        ({"actualPaths": ["F", "W,FF,W"]}, "actualPaths of robot 1, step 2: 'FF' is not"),
        ({"actualPaths": ["F,", "W"]}, "actualPaths of robot 0, step 2: '' is not"),
        ({"actualPaths": ["F", "f"]}, "actualPaths of robot 1, step 1: 'f' is not"),
        ({"actualPaths": ["F", "é"]}, "actualPaths of robot 1, step 1: 'é' is not"),
        ({"actualPaths": ["F", "W"]}, "the plan needs 'actualSchedule': a list of 2 strings"),
        ({"actualSchedule": ["1:0"]}, "the plan needs 'actualSchedule': a list of 2"),
        ({"actualSchedule": ["", "1"]}, "actualSchedule of robot 1: '1' is not step:task"),
        ({"actualSchedule": ["", "1:x"]}, "actualSchedule of robot 1: '1:x' is not step:task"),
        ({"actualSchedule": ["1:-2", ""]}, "actualSchedule of robot 0: '1:-2' is not step:task"),
        ({"actualSchedule": ["1:99999999999", ""]}, "is not step:task"),
        ({"actualSchedule": ["-1:0", ""]}, "is not step:task"),
        ({"actualSchedule": ["5:0", ""]}, "actualSchedule of robot 0: '5:0' is after the last of 4 steps"),
        ({"actualSchedule": ["1:3", ""]}, "actualSchedule of robot 0, step 1: task 3 is not open"),
        ({"actualSchedule": ["1:0", "1:0"]}, "robot 1, step 1: task 0 is given to robot 0, too"),
        ({"actualSchedule": ["1:0,3:1", ""]}, "robot 0, step 3: task 1 while task 0 is begun"),
        ({"actualSchedule": ["1:0,3:-1", ""]}, "robot 0, step 3: task -1 while task 0 is begun"),
        ({"actualSchedule": ["1:0", "3:0"]}, "robot 1, step 3: task 0 is not open"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(tmp_path, plan, message):
    path = write_problem(tmp_path, ROWS, [0, 4], [[1, 3], [7], [2], [6], [0]], 1.5)
    if "actualSchedule" in plan:
        plan = {"actualPaths": ["F,W,W,W", "W,W,W,W"], **plan}
    with pytest.raises(ParameterError) as caught:
        lorr.replay(path, plan)
    assert message in str(caught.value)


def test_entries_that_change_nothing_are_taken(tmp_path):
    path = write_problem(tmp_path, ROWS, [0, 4], [[1, 3], [7], [2], [6], [0]], 1.5)
    plan = {"actualPaths": ["F,F,F,W", "W,W,W,W"], "actualSchedule": ["1:0,2:0,4:-1,", " 1:-1 , 3:-1"]}
    result = lorr.replay(path, plan)
    assert result.events == [(1, 0, 0, 1), (3, 0, 0, 2)]
    assert result.finished_tasks == 1


def test_a_problem_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="cannot be read"):
        lorr.replay(str(tmp_path / "none.json"), {"actualPaths": []})
