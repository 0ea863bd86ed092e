"""PIBT (priority inheritance with backtracking) as a policy for compass moves.

It never makes a conflict, and on biconnected floors every robot gets to its goal eventually. Source: see
warehouse/inheritance.py; in the lifelong form: a priority grows by one a step and falls back to its fraction at a
goal. Candidates at the same distance are tried unoccupied first, then in random order, as in the authors' own
program (pibt2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.core.pack import Table, slots_of, unpack
from marl_envs.core.params import ParameterError
from marl_envs.core.random import next_bits
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.battery import is_dead
from marl_envs.warehouse.errands.distances import keep
from marl_envs.warehouse.errands.types import COMPASS, EMPTY, OBSTACLE, Settings, State
from marl_envs.warehouse.inheritance import (
    NO_CANDIDATE,
    STAY,
    Memory,
    Planner,
    candidate,
    decide_all,
    settle,
    sort_robots,
    start,
    wipe,
    write_sorted,
)

SETTINGS_AT = slots_of(State)
MEMORY_AT = SETTINGS_AT + slots_of(Settings)


@jit(inline=True)
def raise_priority(state: State, memory: Memory, e: Int, a: Int) -> None:
    """Let a priority grow, or fall at a goal; who has no goal has its fraction alone."""
    robots = state.pos.shape[1]
    fresh = state.set_out[e, a] == state.step[e] or state.goal[e, a] == 0
    memory.fallen[a] = np.uint8(fresh)
    memory.priority[e, a] = memory.fraction[e, a] if fresh else memory.priority[e, a] + robots


@jit(inline=True)
def _weigh(state: State, settings: Settings, memory: Memory, e: Int, a: Int, bits: Any, direction: Int) -> Int:
    """Return a candidate: by distance to the goal, then unoccupied or straight ahead; who has no goal stays."""
    cell = np.int64(state.pos[e, a]) + memory.way[direction]
    if settings.kind[cell] == OBSTACLE:
        return NO_CANDIDATE
    goal = state.goal[e, a]
    far = np.int64(settings.steps[settings.slot[goal], cell]) if goal != 0 else np.int64(direction != STAY)
    second = state.robot_at[e, cell] != EMPTY if settings.moves == COMPASS else direction != state.heading[e, a]
    return candidate(2 * far + np.int64(second), bits, direction)


@jit(inline=True)
def list_candidates(state: State, settings: Settings, memory: Memory, e: Int) -> None:
    """Write every robot's own cell and free neighbours, best first.

    All robots at once: then the processor looks up the distances of several together.
    """
    for a in range(state.pos.shape[1]):
        bits = next_bits(memory.rng, e)
        write_sorted(
            memory,
            a,
            _weigh(state, settings, memory, e, a, bits, 0),
            _weigh(state, settings, memory, e, a, bits, 1),
            _weigh(state, settings, memory, e, a, bits, 2),
            _weigh(state, settings, memory, e, a, bits, 3),
            _weigh(state, settings, memory, e, a, bits, STAY),
        )


@jit(inline=True)
def park_the_dead(state: State, memory: Memory, e: Int) -> None:
    """Let robots without energy keep their cells, whatever they held."""
    for a in range(state.level.shape[1]):
        if is_dead(state, e, a):
            memory.held[e, a] = 0
            settle(memory, a, np.int64(state.pos[e, a]), STAY)


@jit(inner=True)
def _plan_one(state: State, settings: Settings, memory: Memory, actions: Any, e: Int) -> None:
    """Choose the actions of environment `e`."""
    if state.step[e] == 0:
        start(memory, e)
    for a in range(state.pos.shape[1]):
        raise_priority(state, memory, e, a)
    sort_robots(memory, e)
    list_candidates(state, settings, memory, e)
    park_the_dead(state, memory, e)
    decide_all(state, memory, e)
    for a in range(state.pos.shape[1]):
        direction = np.int64(memory.chosen[a])
        actions[e, a] = 0 if direction == STAY else 1 + direction
    wipe(memory)


@jit
def _plan_all(table: Any, actions: Any) -> None:
    """Choose the actions of all environments."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    memory = unpack(table, Memory, MEMORY_AT)
    for e in range(state.pos.shape[0]):
        _plan_one(state, settings, memory, actions, e)


class PIBTPolicy(Planner):
    """PIBT for `moves="compass"` and `collision="resolve"` or "all_wait" (it never makes a conflict, so both agree)."""

    def _check(self, vec: VectorEnv) -> None:
        if vec.simulation.settings.moves != COMPASS:
            raise ParameterError('PIBTPolicy plans for moves="compass"; RotatingPIBTPolicy does for "rotate"')
        keep(vec.simulation.settings, vec.arrays.goal.ravel())  # a copied environment has not all tables yet

    def _plan(self, table: Table, actions: NDArray[np.int64]) -> None:
        _plan_all(table, actions)
