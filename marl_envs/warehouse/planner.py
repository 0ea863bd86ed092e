"""Reference policies for the warehouse: random, and greedy with priorities. They read the state and return actions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.pack import Table, table_of, unpack
from marl_envs.core.random import draw_below, draw_unit, seed_stream
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.batch import SETTINGS_AT
from marl_envs.warehouse.guidance import rank, shortest_move
from marl_envs.warehouse.rules import obstacle
from marl_envs.warehouse.types import FORWARD, NOOP, TURN_LEFT, TURN_RIGHT, Settings, State


class RandomPolicy:
    """Every action with equal probability, forbidden ones included (they count as the no-op)."""

    def __init__(self, seed: int = 0) -> None:
        """Draw from `seed`."""
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._generator = np.random.default_rng(seed)

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]."""
        del obs
        return self._generator.integers(0, int(vec.action_space.n), (vec.num_envs, vec.num_agents))


@jit
def _greedy_one(state: State, settings: Settings, actions: Any, rng: Any, e: Int, sidestep: Real) -> None:
    """Let the robots of environment `e` follow their shortest paths, the most urgent errand first."""
    robots = state.pos.shape[1]
    for urgency in range(3, -1, -1):
        for a in range(robots):
            if rank(state, e, a) == urgency:
                move = shortest_move(state, e, a)
                if move == FORWARD and _must_wait(state, settings, actions, e, a):
                    move = NOOP
                    if sidestep > 0.0 and draw_unit(rng, e) < sidestep:
                        move = (TURN_LEFT, TURN_RIGHT, FORWARD)[draw_below(rng, e, 3)]
                actions[e, a] = move


@jit(inline=True)
def _must_wait(state: State, settings: Settings, actions: Any, e: Int, a: Int) -> Bool:
    """Return whether the cell ahead is not for robot `a` now: an obstacle, a robot, or one with priority enters it."""
    cell = state.pos[e, a] + settings.ahead[state.heading[e, a]]
    if obstacle(state, settings, e, a) != 0 or state.robot_at[e, cell] != -1:
        return True
    for b in range(state.pos.shape[1]):
        first = rank(state, e, b) > rank(state, e, a) or (rank(state, e, b) == rank(state, e, a) and b < a)
        if first and actions[e, b] == FORWARD and state.pos[e, b] + settings.ahead[state.heading[e, b]] == cell:
            return True
    return False


@jit
def _greedy_all(table: Any, actions: Any, rng: Any, sidestep: Real) -> None:
    """Choose the actions of all environments."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(state.pos.shape[0]):
        _greedy_one(state, settings, actions, rng, e, sidestep)


class GreedyPolicy:
    """Nearest task by central assignment, shortest path, and waiting where the next cell is taken.

    A robot waits when a robot stands in the next cell or one with a more urgent errand (to a goal, then putting back,
    then fetching; ties: lower index) enters it. That deadlocks in aisles; with `sidestep` a robot that has to wait
    makes a random turn or move instead with that probability, which dissolves most of them.
    """

    def __init__(self, sidestep: float = 0.0, seed: int = 0) -> None:
        """Wait always (sidestep 0), or dodge with probability `sidestep` in [0, 1]."""
        if not 0.0 <= sidestep <= 1.0:
            raise ValueError(f"sidestep must be a probability from 0 to 1, not {sidestep!r}")
        self._sidestep = float(sidestep)
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._seed = seed
        self._rng = np.zeros(0, np.uint64)

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]."""
        del obs
        vec.require_guidance()
        if len(self._rng) != vec.num_envs:
            self._rng = np.array([seed_stream(self._seed, e) for e in range(vec.num_envs)], np.uint64)
        actions = np.zeros((vec.num_envs, vec.num_agents), np.int64)
        _greedy_all(self._table(vec), actions, self._rng, self._sidestep)
        return actions

    @staticmethod
    def _table(vec: VectorEnv) -> Table:
        return table_of(vec.arrays, vec.simulation.settings)
