"""From parameters to a simulation: the tables of the floor, the spaces, and the kernels that the two faces call."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.core.params import ParameterError
from marl_envs.warehouse import counting
from marl_envs.warehouse.battery import NO_BATTERIES, NUM_TALLIES, charge_frame
from marl_envs.warehouse.env import LEFT_OF, NEAR_OFFSETS, RIGHT_OF
from marl_envs.warehouse.errands import assign, batch, distances
from marl_envs.warehouse.errands.charging import with_batteries
from marl_envs.warehouse.errands.equipped import DEFAULT_ROBOTS, floor_of
from marl_envs.warehouse.errands.floors import CHARGER, Floor
from marl_envs.warehouse.errands.metrics import METRICS
from marl_envs.warehouse.errands.observe import GOAL_LENGTH, ROBOT_STATE, TABULAR_STATES
from marl_envs.warehouse.errands.problems import Problem, pool_size, read_problem
from marl_envs.warehouse.errands.types import (
    ASSIGNERS,
    CALLED,
    COLLISIONS,
    FREE,
    IMAGE,
    MOVES,
    NUM_ACTIONS,
    NUM_COUNTERS,
    OBSERVATIONS,
    OBSTACLE,
    REWARD_TERMS,
    SIDE,
    STATION,
    SUPPLIES,
    TABULAR,
    Params,
    Settings,
    State,
)
from marl_envs.warehouse.images import ASIDE, ONWARD, code_of, image_space, sight_table

KINDS = {"@": OBSTACLE, ".": FREE, "E": STATION, "S": SIDE, CHARGER: FREE}


def padded(floor: Floor, index: NDArray[np.int64], pad: int) -> NDArray[np.uint32]:
    """Return the padded cells of linear indices row * width + col, on a floor with `pad` rings around it."""
    rows, cols = np.divmod(index, floor.width)
    return ((rows + pad) * (floor.width + 2 * pad) + cols + pad).astype(np.uint32)


def _floor_tables(floor: Floor, pad: int) -> dict[str, Any]:
    """Return the tables that describe the floor's cells."""
    stride = floor.width + 2 * pad
    cells = (floor.height + 2 * pad) * stride
    letters = np.frombuffer("".join(floor.rows).encode(), np.uint8).reshape(floor.height, floor.width)
    kinds = np.full((floor.height + 2 * pad, stride), OBSTACLE, np.uint8)
    for letter, value in KINDS.items():
        kinds[pad:-pad, pad:-pad][letters == ord(letter)] = value
    kind = kinds.reshape(-1)
    near = [
        [a * (ONWARD[h][0] * stride + ONWARD[h][1]) + s * (ASIDE[h][0] * stride + ASIDE[h][1]) for a, s in NEAR_OFFSETS]
        for h in range(4)
    ]
    return {
        "kind": kind,
        "row": (np.arange(cells) // stride - pad).astype(np.int16),
        "col": (np.arange(cells) % stride - pad).astype(np.int16),
        "inside": np.flatnonzero(kind != OBSTACLE).astype(np.uint32),
        "ahead": np.array([r * stride + c for r, c in ONWARD], np.int32),
        "turned": np.array([[0, 1, 2, 3], [0, 1, 2, 3], LEFT_OF, RIGHT_OF], np.uint8),
        "clock": np.array([0, 2, 3, 1], np.int16),
        "from_clock": np.array([0, 3, 1, 2], np.uint8),
        "near": np.array(near, np.int32),
        "height": floor.height,
        "width": floor.width,
        "longest": float(floor.height + floor.width),
    }


def _cells_of(kind: NDArray[np.uint8], which: int, what: str) -> NDArray[np.uint32]:
    found = np.flatnonzero(kind == which).astype(np.uint32)
    if len(found) < 2:
        raise ParameterError(f'{what} needs at least two such cells, and the floor has {len(found)}; use "anywhere"')
    return found


def _demand(
    params: Params, kind: NDArray[np.uint8], inside: NDArray[np.uint32], chargers: NDArray[np.uint32]
) -> dict[str, Any]:
    """Return where drawn starts and goals lie; no goal is on a charging cell."""
    first = second = np.setdiff1d(inside, chargers)
    if params.goals in ("alternate", "sides"):
        first = second = _cells_of(kind, SIDE, f'goals="{params.goals}"')
    if params.goals in ("alternate", "stations"):
        second = _cells_of(kind, STATION, f'goals="{params.goals}"')
    if params.goals == "stations":
        first = second
    if len(first) < 2:
        raise ParameterError("the floor needs at least two free cells that do not charge")
    starts = inside if params.starts == "anywhere" else _cells_of(kind, STATION, 'starts="stations"')
    return {"first_goals": first, "second_goals": second, "start_cells": starts}


def _supply(problem: Problem | None, pad: int) -> dict[str, Any]:
    """Return starts and tasks of a file, or that tasks are drawn."""
    if problem is None:
        nothing = np.zeros(0, np.uint32)
        return {"starts": nothing, "task_first": np.zeros(1, np.int64), "task_cell": nothing, "supply": 0}
    return {
        "starts": padded(problem.floor, problem.starts, pad),
        "task_first": problem.task_first.astype(np.int64),
        "task_cell": padded(problem.floor, problem.task_cells, pad),
        "supply": SUPPLIES.index(problem.supply),
    }


def _code_table(layers: tuple[str, ...]) -> NDArray[np.int32]:
    """Return what "image" shows of a cell.

    J = (((kind * 5 + robot) * 2 + own goal) * 2 + goal of others) * 2 + closer; robot: 0, or 1 + quarter turns
    clockwise between the headings.
    """
    codes = []
    for kind, robot, own, others, closer in product(range(4), range(5), range(2), range(2), range(2)):
        shown = {
            "obstacles": kind == OBSTACLE,
            "robots": robot > 0,
            "goals_of_others": others,
            "own_goal": own,
            "stations": kind == STATION,
            "direction": robot,
            "closer": closer,
            "chargers": 0,  # the kernel adds it
        }
        codes.append(code_of(layers, shown))
    return np.array(codes, np.int32)


def _image_tables(params: Params, stride: int) -> dict[str, Any]:
    """Return what "image" looks things up in; without it empty tables."""
    if params.observation != "image":
        return {"sight": np.zeros((4, 0), np.int32), "codes": np.zeros(0, np.int32), "layers": 0}
    return {
        "sight": sight_table(params.sensor_range, stride, rotated=params.moves == "rotate"),
        "codes": _code_table(params.image_layers),
        "layers": len(params.image_layers),
    }


def make_settings(params: Params, floor: Floor, problem: Problem | None) -> Settings:
    """Return the tables and numbers for these parameters."""
    pad = max(params.sensor_range, 2)  # rings of obstacles around the floor, as wide as robots see
    tables = _floor_tables(floor, pad)
    supply = _supply(problem, pad)
    chargers = padded(floor, np.flatnonzero(floor.codes == ord(CHARGER)), pad)
    if problem is None:
        supply |= _demand(params, tables["kind"], tables["inside"], chargers)
        goals = np.unique(np.concatenate([supply["first_goals"], supply["second_goals"]]))
    else:
        supply |= {"first_goals": tables["inside"], "second_goals": tables["inside"], "start_cells": tables["inside"]}
        goals = np.unique(supply["task_cell"])
    slot, steps = distances.allocate(tables["kind"].size, len(goals), params.distance_bytes, len(chargers))
    settings = Settings(
        **tables,
        **supply,
        **_image_tables(params, floor.width + 2 * pad),
        slot=slot,
        steps=steps,
        observation=OBSERVATIONS.index(params.observation),
        moves=MOVES.index(params.moves),
        collision=COLLISIONS.index(params.collision),
        assigner=ASSIGNERS.index(params.assigner) if params.assigner in ASSIGNERS else CALLED,
        mask=int(params.mask is not None),
        team=int(params.reward == "team"),
        guided=1,
        autoreset=1,
        max_cycles=params.max_cycles,
        shaping_weight=params.shaping,
        shaping_gamma=params.shaping_gamma,
        **NO_BATTERIES,
        charger_code=0,
    )
    return with_batteries(settings, params, chargers)


def observation_space(params: Params, settings: Settings) -> spaces.Space[Any]:
    """Return the space of one robot's observation."""
    if settings.observation == TABULAR:
        return spaces.Discrete(TABULAR_STATES[settings.moves] * (2 if settings.capacity else 1))
    if settings.observation == IMAGE:
        return image_space(params.image_layers, settings.sight.shape[1])
    low = np.zeros(GOAL_LENGTH + 2 * (settings.capacity > 0), np.float32)
    low[13:15] = -1
    return spaces.Box(low, np.ones_like(low), dtype=np.float32)


def build(params: Params) -> Simulation:
    """Return the simulation of errands."""
    problem = None if params.problem is None else read_problem(params.problem)
    if params.assigner not in ASSIGNERS:
        assign.load(params.assigner)  # a wrong name is found before anything is built
    floor = floor_of(params)
    settings = make_settings(params, floor, problem)
    robots = len(problem.starts) if problem is not None else params.num_robots or DEFAULT_ROBOTS
    if problem is None and robots > len(settings.start_cells):
        raise ParameterError(
            f"num_robots must be at most {len(settings.start_cells)}, the cells to start on, not {robots}"
        )
    pool = pool_size(problem.reveal, robots) if problem is not None and problem.supply == "pool" else 0
    cells, sight = settings.kind.size, settings.sight.shape[1]
    sizes = {"A": robots, "C": cells, "K": NUM_COUNTERS, "Q": pool, "P": sight, "X": cells if sight else 0}
    batteries = robots if settings.capacity else 0
    sizes |= {"B": batteries, "H": len(settings.chargers), "Z": NUM_TALLIES if batteries else 0}
    sizes |= counting.sizes(params.max_cycles)
    return Simulation(
        family=FAMILY,
        params=params,
        agents=[f"robot_{a}" for a in range(robots)],
        observation_space=observation_space(params, settings),
        action_space=spaces.Discrete(NUM_ACTIONS[settings.moves]),
        state_space=spaces.Box(0.0, 1.0, (1 + ROBOT_STATE * robots + batteries,), np.float32),
        settings=settings,
        sizes=sizes,
    )


def frame(settings: Settings, state: State, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs.

    robots int32 [A, 3] (row, col, heading), goals int32 [A, 2] (row, col; -1 -1 if none), tasks int32 [A] finished,
    step int32 []; with batteries also charge int32 [A] in percent, rounded up (0: dead).
    """

    def place(cells: NDArray[np.uint32]) -> NDArray[np.int32]:
        return np.stack([settings.row[cells], settings.col[cells]], axis=-1).astype(np.int32)

    return {
        "robots": np.column_stack([place(state.pos[e]), state.heading[e]]).astype(np.int32),
        "goals": np.where(state.goal[e][:, None] > 0, place(state.goal[e]), -1).astype(np.int32),
        "tasks": state.tally[e, :, 11].copy(),
        "step": np.array(state.step[e], np.int32),
        **charge_frame(settings, state, e),
    }


FAMILY = Family(
    name="errands_v0",
    params=Params,
    state=State,
    build=build,
    guided=lambda settings: settings,
    frame=frame,
    reward_terms=REWARD_TERMS,
    metrics=METRICS,
    scene="marl_envs.warehouse.errands.render",
    play=batch.play_range,
    then=(batch.SETTLE, batch.GREET),
    prepare=assign.prepare,
)
