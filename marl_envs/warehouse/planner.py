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
from marl_envs.warehouse.types import EMPTY, FORWARD, NUM_MOVES, OUTSIDE, TURN_LEFT, TURN_RIGHT, Settings, State


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


@jit(inner=True)
def _greedy_one(state: State, settings: Settings, actions: Any, dodge: Any, rng: Any, e: Int, sidestep: Real) -> None:
    """Let the robots of environment `e` follow their shortest paths, the most urgent errand first."""
    robots = state.pos.shape[1]
    for urgency in range(3, -1, -1):
        for a in range(robots):
            if rank(state, e, a) == urgency:
                actions[e, a] = _choose(state, settings, actions, dodge, rng, e, a, sidestep)


@jit(inner=True)
def _choose(
    state: State, settings: Settings, actions: Any, dodge: Any, rng: Any, e: Int, a: Int, sidestep: Real
) -> Int:
    """Return robot `a`'s next action: of the dodge it is in, or along its path; start a dodge where it has to wait."""
    move: Int = shortest_move(state, e, a)
    if dodge[e, a]:
        move = dodge[e, a] % NUM_MOVES
        dodge[e, a] //= NUM_MOVES
    if move != FORWARD or not _must_wait(state, settings, actions, e, a):
        return move
    dodge[e, a] = 0
    if sidestep > 0.0 and draw_unit(rng, e) < sidestep:
        dodge[e, a] = _plan_dodge(state, settings, rng, e, a)
    move = dodge[e, a] % NUM_MOVES
    dodge[e, a] //= NUM_MOVES
    return move


@jit(inline=True)
def _plan_dodge(state: State, settings: Settings, rng: Any, e: Int, a: Int) -> Int:
    """Return the actions that bring robot `a` one cell to a random other side, first one lowest, base 5; 0 if taken."""
    heading, side = state.heading[e, a], draw_below(rng, e, 3)
    turned = settings.turned[TURN_RIGHT if side == 1 else TURN_LEFT, heading]
    if side == 2:
        turned = settings.turned[TURN_LEFT, turned]
    cell = np.int64(state.pos[e, a]) + settings.ahead[turned]
    shelf = state.load[e, a] != EMPTY and state.shelf_at[e, cell] != EMPTY
    if settings.kind[cell] == OUTSIDE or state.robot_at[e, cell] != EMPTY or shelf:
        return 0
    if side == 2:
        return TURN_LEFT + NUM_MOVES * (TURN_LEFT + NUM_MOVES * FORWARD)
    return (TURN_RIGHT if side == 1 else TURN_LEFT) + NUM_MOVES * FORWARD


@jit(inline=True)
def _must_wait(state: State, settings: Settings, actions: Any, e: Int, a: Int) -> Bool:
    """Return whether the cell ahead is not for robot `a` now: an obstacle, a robot, or one with priority enters it."""
    cell = state.pos[e, a] + settings.ahead[state.heading[e, a]]
    if obstacle(state, settings, e, a) != 0 or state.robot_at[e, cell] != EMPTY:
        return True
    for b in range(state.pos.shape[1]):
        first = rank(state, e, b) > rank(state, e, a) or (rank(state, e, b) == rank(state, e, a) and b < a)
        if first and actions[e, b] == FORWARD and state.pos[e, b] + settings.ahead[state.heading[e, b]] == cell:
            return True
    return False


@jit
def greedy_all(table: Any, actions: Any, dodge: Any, rng: Any, sidestep: Real) -> None:
    """Choose the actions of all environments."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(state.pos.shape[0]):
        if state.step[e] == 0:
            for a in range(state.pos.shape[1]):
                dodge[e, a] = 0  # a dodge of the last episode
        _greedy_one(state, settings, actions, dodge, rng, e, sidestep)


class GreedyPolicy:
    """Nearest task by central assignment, shortest path, and waiting where the next cell is taken.

    A robot waits when a robot stands in the next cell or one with a more urgent errand (to a goal, then putting back,
    then fetching; ties: lower index) enters it. That deadlocks in aisles; with `sidestep` a robot that has to wait
    turns, with that probability, to a random other side and drives one cell that way, which dissolves most deadlocks.
    """

    def __init__(self, sidestep: float = 0.0, seed: int = 0) -> None:
        """Wait always (sidestep 0), or dodge with probability `sidestep` in [0, 1]."""
        if not 0.0 <= sidestep <= 1.0:
            raise ValueError(f"sidestep must be a probability from 0 to 1, not {sidestep!r}")
        self._sidestep = float(sidestep)
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start over, in the middle of no dodge, with random numbers from `seed`."""
        self._seed = seed
        self._rng = np.zeros(0, np.uint64)
        self._dodge = np.zeros((0, 0), np.int64)  # [E, A] actions of a dodge still to come, base 5, next one lowest

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]."""
        del obs
        vec.require_guidance()
        shape = (vec.num_envs, vec.num_agents)
        if self._dodge.shape != shape:
            self._rng = np.array([seed_stream(self._seed, e) for e in range(vec.num_envs)], np.uint64)
            self._dodge = np.zeros(shape, np.int64)
        actions = np.zeros(shape, np.int64)
        greedy_all(self._table(vec), actions, self._dodge, self._rng, self._sidestep)
        return actions

    @staticmethod
    def _table(vec: VectorEnv) -> Table:
        return table_of(vec.arrays, vec.simulation.settings)
