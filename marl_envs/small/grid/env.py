"""From parameters to a simulation: the tables of the world, the spaces, and the kernels that the two faces call."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.small.grid import batch
from marl_envs.small.grid.metrics import METRICS
from marl_envs.small.grid.types import (
    ENDS,
    NUM_COUNTERS,
    NUM_MOVES,
    OBSERVATIONS,
    REWARD_TERMS,
    THROWS_BACK,
    Params,
    Settings,
    State,
)
from marl_envs.small.grid.worlds import ARM_DOWN, ARM_UP, CLIFF, FREE, GOAL, START, WALL, WRONG_ARM, World

# What a T-maze shows (Bakker's bits): the cue at the start, by cue; the corridor; the junction. An arm ends the
# episode, and looks like the junction.
CUES, CORRIDOR, JUNCTION = (0, 1), 2, 3
BITS = np.array([[0, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def _kinds(world: World, rows: tuple[str, ...]) -> NDArray[np.str_]:
    """Return the letters of all cells, the walls around included, [C]."""
    height, width = world.shape
    padded = np.full((height + 2, width + 2), WALL)
    padded[1:-1, 1:-1] = [list(row) for row in rows]
    return padded.reshape(-1)


def _places(world: World) -> NDArray[np.float32]:
    """Return row and column of each cell, one-hot, [C, height + width]; nothing for the walls around."""
    height, width = world.shape
    grid = np.zeros((height + 2, width + 2, height + width), np.float32)
    for row in range(height):
        grid[row + 1, 1:-1, row] = 1
    for col in range(width):
        grid[1:-1, col + 1, height + col] = 1
    return grid.reshape(-1, height + width)


def _gains(world: World, kinds: NDArray[np.str_]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the rewards of arriving and where that is a success, [2, C] by cue."""
    gain = np.full((2, len(kinds)), world.step, np.float32)
    gain[:, kinds == CLIFF] = world.cliff
    right = np.zeros((2, len(kinds)), np.uint8)
    right[:, kinds == GOAL] = 1
    for cue, (paying, other) in enumerate(((ARM_UP, ARM_DOWN), (ARM_DOWN, ARM_UP))):
        right[cue, kinds == paying] = 1
        gain[cue, kinds == other] = WRONG_ARM
    gain[right == 1] = world.goal
    return gain, right


def _labels(world: World, kinds: NDArray[np.str_]) -> NDArray[np.int32]:
    """Return what "tabular" shows of each cell, [2, C] by cue: row * width + col, or what a T-maze shows."""
    width = world.shape[1]
    if not world.cue:
        number = np.arange(len(kinds))
        label = (number // (width + 2) - 1) * width + number % (width + 2) - 1
        return np.tile(label, (2, 1)).astype(np.int32)
    shown = np.full((2, len(kinds)), CORRIDOR, np.int32)
    for cue in range(2):
        shown[cue, kinds == START] = CUES[cue]
    last_column = np.arange(len(kinds)) % (width + 2) == width
    shown[:, last_column] = JUNCTION
    return shown


def make_settings(params: Params) -> Settings:
    """Return the tables and numbers for these parameters."""
    world = params.make_world()
    kinds, later = _kinds(world, world.rows), _kinds(world, world.changed or world.rows)
    gain, right = _gains(world, kinds)
    label, place = _labels(world, kinds), _places(world)
    effect = np.zeros(len(kinds), np.uint8)
    effect[np.isin(kinds, (GOAL, ARM_UP, ARM_DOWN))] = ENDS
    effect[kinds == CLIFF] = THROWS_BACK
    width = world.shape[1] + 2
    return Settings(
        wall=np.stack([kinds == WALL, later == WALL]).astype(np.uint8),
        effect=effect,
        gain=gain,
        right=right,
        label=label,
        shown=BITS[label] if world.cue else np.ascontiguousarray(np.stack([place, place])),
        place=place,
        starts=np.flatnonzero(kinds == (FREE if world.anywhere else START)).astype(np.int32),
        ahead=np.array([-width, width, -1, 1], np.int32),
        cues=2 if world.cue else 1,
        change_at=world.change_at,
        slip=world.slip,
        bump=world.bump,
        observation=OBSERVATIONS.index(params.observation),
        mask=int(params.mask is not None),
        team=int(params.reward == "team"),
        guided=1,
        autoreset=1,
        max_cycles=params.max_cycles,
    )


def build(params: Params) -> Simulation:
    """Return the simulation of a grid world."""
    settings = make_settings(params)
    space: spaces.Space[Any] = spaces.Box(0.0, 1.0, (settings.shown.shape[2],), np.float32)
    if params.observation == "tabular":
        space = spaces.Discrete(len(BITS) if settings.cues == 2 else int(np.prod(params.make_world().shape)))
    return Simulation(
        family=FAMILY,
        params=params,
        agents=["walker_0"],
        observation_space=space,
        action_space=spaces.Discrete(NUM_MOVES),
        state_space=spaces.Box(0.0, 1.0, (3 + settings.place.shape[1],), np.float32),
        settings=settings,
        sizes={"A": 1, "K": NUM_COUNTERS},
    )


def frame(settings: Settings, state: State, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs.

    walker int32 [1, 2] (row, col), cue int32 [] (-1: none in this world), changed int32 [] (1: the walls have),
    step int32 [], return float32 [].
    """
    width = int(settings.ahead[1])
    cell = state.cell[e]
    changed = settings.change_at > 0 and state.clock[e] >= settings.change_at
    return {
        "walker": np.stack([cell // width - 1, cell % width - 1], axis=-1).astype(np.int32),
        "cue": np.array(state.cue[e] if settings.cues == 2 else -1, np.int32),
        "changed": np.array(changed, np.int32),
        "step": np.array(state.step[e], np.int32),
        "return": np.array(state.total[e], np.float32),
    }


FAMILY = Family(
    name="gridworld_v0",
    params=Params,
    state=State,
    build=build,
    guided=lambda settings: settings,
    frame=frame,
    reward_terms=REWARD_TERMS,
    metrics=METRICS,
    scene="marl_envs.small.grid.render",
    play=batch.play_range,
    lasting=("clock",),
)
