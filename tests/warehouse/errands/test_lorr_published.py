"""LoRR's own problems replay, and its own plans count what it published."""

import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marl_envs.warehouse import lorr
from marl_envs.warehouse.errands.problems import read_problem
from tests.warehouse.errands.plain import Pool, RoundRobin, plan_of, write_problem


def valid_moves(problem, steps: int, seed: int):
    """Return letters of random moves without conflicts: to who asks first, into cells that nobody has or had."""
    rng, width = np.random.default_rng(seed), problem.floor.width
    free = np.pad(problem.floor.codes != ord("@"), 1)
    rows, cols = problem.starts // width + 1, problem.starts % width + 1
    heading, letters = np.full(len(rows), 0), []  # LoRR's numbers: east, south, west, north
    down, right = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])
    taken = np.zeros(free.shape, bool)
    for _ in range(steps):
        taken[:] = False
        taken[rows, cols] = True
        to_row, to_col = rows + down[heading], cols + right[heading]
        can = free[to_row, to_col] & ~taken[to_row, to_col] & (rng.random(len(rows)) < 0.8)
        _, first = np.unique(
            np.where(can, to_row * free.shape[1] + to_col, -1 - np.arange(len(rows))), return_index=True
        )
        goes = np.zeros(len(rows), bool)
        goes[first] = can[first]
        turns = ~goes & (rng.random(len(rows)) < 0.8)
        rows, cols = np.where(goes, to_row, rows), np.where(goes, to_col, cols)
        heading = np.where(turns, (heading + 1) % 4, heading)
        letters.append(np.where(goes, "F", np.where(turns, "R", "W")))
        yield letters[-1], (rows - 1) * width + cols - 1


@pytest.mark.parametrize("year", ["lorr2023_startkit", "lorr2024_startkit"])
def test_every_problem_of_lorr_replays(data_dir, year):
    """Some steps of random moves, counted by where the robots are."""
    paths = sorted((data_dir / "warehouse" / year).rglob("*.json"))
    assert len(paths) >= 3
    done = 0
    for path in paths:
        problem = read_problem(str(path))
        plain, letters = plain_of(problem), []
        for t, (row, cells) in enumerate(valid_moves(problem, 40, 1), start=1):
            letters.append("".join(row))
            at = [divmod(cell, problem.floor.width) for cell in cells.tolist()]
            if isinstance(plain, Pool):
                plain.update(at, whoever_is_there(plain, at), t)
            else:
                plain.update(at, t)
        began = time.perf_counter()
        result = lorr.replay(str(path), plan_of(letters, getattr(plain, "schedule", None)))
        assert time.perf_counter() - began < 10
        assert result.conflicts == []
        assert result.events == plain.events
        assert result.finished_tasks == len(plain.service)
        done += len(result.events)
    assert done > 20


def whoever_is_there(plain: Pool, cells: list[tuple[int, int]]) -> list[int]:
    """Give every open task to the robot that stands on its first errand, if any; others keep what they have begun."""
    begun = {plain.current[k] for k in range(len(cells)) if plain.bound(k)}
    waiting = {divmod(plain.tasks[task][0], plain.width): task for task in plain.ongoing if task not in begun}
    return [plain.current[k] if plain.bound(k) else waiting.get(cell, -1) for k, cell in enumerate(cells)]


def plain_of(problem) -> Any:
    """Return the plain simulator of a problem, with as many tasks as robots can do in 40 steps."""
    first = problem.task_first[: 42 * len(problem.starts)].tolist()
    cells = problem.task_cells[: first[-1]].tolist()
    tasks = [cells[i:j] for i, j in pairwise(first)]
    if problem.supply == "pool":
        return Pool(tasks, len(problem.starts), problem.floor.width, problem.reveal)
    return RoundRobin(tasks, len(problem.starts), problem.floor.width)


def example(name: str) -> str:
    """Return a file of LoRR's viewer PlanViz, whose examples are plans as LoRR's own system wrote them."""
    if "MARL_ENVS_PLANVIZ" not in os.environ:
        pytest.skip("MARL_ENVS_PLANVIZ is not set to a checkout of github.com/MAPF-Competition/PlanViz")
    return (Path(os.environ["MARL_ENVS_PLANVIZ"]) / "example" / name).read_text()


def published(folder, year: str) -> tuple[str, dict[str, Any]]:
    """Write the problem of a published plan; return its path and the plan."""
    rows = tuple(example("warehouse_small.map").split("map\n")[1].split())
    plan = json.loads(example(f"warehouse_small_{year}.json"))
    width = len(rows[0])
    starts = [row * width + col for row, col, _ in plan["start"]]
    if year == "2024":
        tasks = [[row * width + col for row, col in batched(cells)] for _, _, cells in plan["tasks"]]
        return write_problem(folder, rows, starts, tasks, 2), plan
    # By robot, in the order of assignment; who had fewer than others did not finish them.
    cell = {task: row * width + col for task, row, col in plan["tasks"]}
    own = [[cell[task] for task, _, what in events if what == "assigned"] for events in plan["events"]]
    turns = max(map(len, own))
    tasks = [[cells[turn] if turn < len(cells) else starts[0]] for turn in range(turns) for cells in own]
    return write_problem(folder, rows, starts, tasks, None), plan


def batched(cells: list[int]) -> list[tuple[int, int]]:
    """Return [row, col, row, col ...] as pairs."""
    return list(zip(cells[::2], cells[1::2], strict=True))


def test_a_published_plan_of_2023_counts_as_published(tmp_path):
    """60 robots, 103 steps."""
    path, plan = published(tmp_path, "2023")
    result = lorr.replay(path, plan)
    times = [[t for _, t, what in events if what == "finished"] for events in plan["events"]]
    assert result.finished_tasks == plan["numTaskFinished"] == 100
    assert result.events == sorted(
        (t, a, a + len(times) * k, 1) for a, own in enumerate(times) for k, t in enumerate(own)
    )
    assert result.conflicts == []


def test_a_published_plan_of_2024_counts_as_published(tmp_path):
    """20 robots, 100 steps, tasks of two errands."""
    path, plan = published(tmp_path, "2024")
    result = lorr.replay(path, plan)
    assert result.finished_tasks == plan["numTaskFinished"] == 33
    assert result.events == [tuple(event) for event in plan["events"]]
    assert result.conflicts == []
