"""Parameters, settings and state of grid worlds.

Dimensions: E environments, A agents (one), C cells, K counters, D observation length. A cell is one number,
`(row + 1) * (width + 2) + col + 1`: the grid is surrounded by walls, so that no rule has to test for the border.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.small.grid.worlds import WORLDS, World, check_world, drawn, t_maze, with_cells
from marl_envs.small.params import check_shared

# Actions and directions: up, down, left, right
UP, DOWN, LEFT, RIGHT = range(4)
NUM_MOVES = 4
# What a cell does to who comes there, State.effect
NOTHING, ENDS, THROWS_BACK = range(3)
OBSERVATIONS = ("tabular", "vector")
TABULAR, VECTOR = range(2)
REWARD_TERMS = ("step", "bump")
STEP, BUMP = range(2)
# Counters, State.tally[e, :]
SUCCESS, FALLS, BUMPS, SLIPS = range(4)
NUM_COUNTERS = 4


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/small.md. Bad values raise ParameterError."""

    world: str = "cliff"
    """A name in WORLDS, or a drawing of `.` free, `#` wall, `S` start, `G` goal, `C` cliff."""
    corridor: int = 10
    """Steps from the start to the junction of the "t_maze"."""
    start: tuple[int, int] | None = None
    """(row, col) to start at; None: as the world says (several `S`: any of them; four rooms: any free cell)."""
    goal: tuple[int, int] | None = None
    """(row, col) of the only goal; None: as the world says."""
    slip: float | None = None
    """Probability that one of the other three directions is taken; None: as the world says."""
    step_reward: float | None = None
    """Reward of a step to a cell that has no other; None: as the world says (a drawing: 0)."""
    goal_reward: float | None = None
    """Reward of reaching the goal, or the right arm of the T-maze; None: as the world says (a drawing: 1)."""
    cliff_reward: float | None = None
    """Reward of stepping off the cliff; None: as the world says (-100)."""
    bump_reward: float | None = None
    """Added to the reward of a step that a wall stops; None: as the world says (T-maze: -0.1, else 0)."""
    changed: str | None = None
    """A second drawing, whose walls hold from `change_at` on; None: as the world says."""
    change_at: int | None = None
    """Steps after which the walls change, counted over episodes from the last seed on; None: as the world says."""
    observation: str = "tabular"
    """"tabular" (an integer) or "vector"."""
    reward: str = "individual"
    """"individual" or "team": the same for the one agent there is."""
    max_cycles: int = 10_000
    """Steps after which the episode is truncated."""
    mask: str | None = "info"
    """Where the action mask (always all ones) is: "info", "obs" (PettingZoo face only), or None: nowhere."""
    agents_leave: bool = False
    """Whether finished agents leave `agents`. The one agent's end is everybody's, so both are the same."""

    def __post_init__(self) -> None:
        """Check every value before anything is built."""
        check_int("corridor", self.corridor, 1, 100_000)
        for name in ("start", "goal"):
            value = getattr(self, name)
            if value is not None:
                if not isinstance(value, (list, tuple)) or len(value) != 2:
                    raise ParameterError(f"{name} must be (row, col), not {value!r}")
                place = tuple(check_int(f"{name}[{i}]", value[i], 0) for i in range(2))
                object.__setattr__(self, name, place)
        if self.slip is not None:
            check_float("slip", self.slip, 0.0, 1.0)
        for name in ("step_reward", "goal_reward", "cliff_reward", "bump_reward"):
            if getattr(self, name) is not None:
                check_float(name, getattr(self, name), -1e6, 1e6)
        if self.change_at is not None:
            check_int("change_at", self.change_at, 1)
        check_shared(self, OBSERVATIONS)
        self.make_world()

    def make_world(self) -> World:
        """Return the world with everything that was chosen for it."""
        world = self._named()
        if self.changed is not None:
            if not isinstance(self.changed, str):
                raise ParameterError(f"changed must be a drawing, not {self.changed!r}")
            world = replace(world, changed=drawn(self.changed, "changed"))
        chosen: dict[str, Any] = {
            "slip": self.slip,
            "step": self.step_reward,
            "goal": self.goal_reward,
            "cliff": self.cliff_reward,
            "bump": self.bump_reward,
            "change_at": self.change_at,
        }
        world = replace(world, **{name: value for name, value in chosen.items() if value is not None})
        check_world(with_cells(world, self.start, None), "world")
        if bool(world.changed) != bool(world.change_at):
            raise ParameterError("changed and change_at go together: which walls there are, and after how many steps")
        return with_cells(world, self.start, self.goal)

    def _named(self) -> World:
        if isinstance(self.world, str) and "\n" in self.world.strip("\n"):
            return World(drawn(self.world))
        check_choice("world (a name, or a drawing of several lines)", self.world, tuple(WORLDS))
        return t_maze(self.corridor) if self.world == "t_maze" else WORLDS[self.world]


class Settings(NamedTuple):
    """What stays fixed: tables of the world and numbers. The first axis of two: the cue, or before and after."""

    wall: Annotated[NDArray[np.uint8], "2 C"]  # 1: nobody enters; before and after the change
    effect: Annotated[NDArray[np.uint8], "C"]  # NOTHING, ENDS or THROWS_BACK
    gain: Annotated[NDArray[np.float32], "2 C"]  # reward of a step that ends there, by cue
    right: Annotated[NDArray[np.uint8], "2 C"]  # 1: ending there is a success, by cue
    label: Annotated[NDArray[np.int32], "2 C"]  # "tabular", by cue
    shown: Annotated[NDArray[np.float32], "2 C D"]  # "vector", by cue
    place: Annotated[NDArray[np.float32], "C H"]  # row and column, one-hot
    starts: Annotated[NDArray[np.int32], "S"]
    ahead: Annotated[NDArray[np.int32], "4"]  # what to add to a cell, by direction
    cues: int  # 2 in a T-maze, else 1
    change_at: int  # [steps]
    slip: float
    bump: float
    observation: int  # TABULAR or VECTOR
    mask: int  # 1: write the action mask
    team: int  # 1: everyone gets the sum
    guided: int  # always 1: nothing is left out for speed
    autoreset: int  # 1: start the next episode in the step that ends one
    max_cycles: int  # [steps]


class State(NamedTuple):
    """Everything a step reads or writes; allocated once, changed in place."""

    rng: Annotated[NDArray[np.uint64], "E"]  # random stream
    clock: Annotated[NDArray[np.int64], "E"]  # [steps] since the last seed: episodes do not reset it
    step: Annotated[NDArray[np.int32], "E"]  # [steps] since the reset
    over: Annotated[NDArray[np.uint8], "E"]  # 1: finished by the rules
    cell: Annotated[NDArray[np.int32], "E A"]
    origin: Annotated[NDArray[np.int32], "E"]  # cell of the start
    cue: Annotated[NDArray[np.uint8], "E"]  # 0: the upper arm pays; 1: the lower one
    tally: Annotated[NDArray[np.int32], "E K"]  # counters of the episode
    total: Annotated[NDArray[np.float64], "E"]  # reward so far
    actions: Annotated[NDArray[np.int32], "E A"]
