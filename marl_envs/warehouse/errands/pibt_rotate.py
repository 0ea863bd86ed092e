"""PIBT as a policy for robots that turn, after the default planner of the League of Robot Runners.

PIBT chooses the next cells as if robots could drive any way; at the same distance it prefers straight ahead. A robot
turns to its cell and then enters it; until then the cell is held: reserved, and not planned anew. Who would drive into
a robot that does not itself drive waits, and so does the queue behind; a full cycle passes. So it never causes a
refused move. A robot in a dead end gains ten more steps of priority each step.

Source: Start-Kit v2.1.0, default_planner (pibt.cpp, planner.cpp). Different from there: distances are plain shortest
ways, without its guide paths that avoid busy cells (Guided PIBT); a robot without a goal stays where it is, and moves
only if pushed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.pack import Table, unpack
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands.distances import keep
from marl_envs.warehouse.errands.pibt import MEMORY_AT, SETTINGS_AT, list_candidates, park_the_dead, raise_priority
from marl_envs.warehouse.errands.types import OBSTACLE, ROTATE, Settings, State
from marl_envs.warehouse.inheritance import STAY, Memory, Planner, decide_all, sort_robots, start, wipe
from marl_envs.warehouse.turning import driving, hold_on, let_queues_wait

DEAD_END_BONUS = 10  # [steps]


@jit(inline=True)
def _in_dead_end(settings: Settings, memory: Memory, cell: Int) -> Bool:
    """Return whether a cell has only one free neighbour."""
    free = 0
    for h in range(4):
        free += settings.kind[cell + memory.way[h]] != OBSTACLE
    return free == 1


@jit(inner=True)
def _plan_one(state: State, settings: Settings, memory: Memory, actions: Any, e: Int) -> None:
    """Choose the actions of environment `e`."""
    if state.step[e] == 0:
        start(memory, e)
    for a in range(state.pos.shape[1]):
        raise_priority(state, memory, e, a)
        if state.goal[e, a] != 0 and _in_dead_end(settings, memory, np.int64(state.pos[e, a])):
            memory.priority[e, a] += DEAD_END_BONUS * state.pos.shape[1]
    sort_robots(memory, e)
    list_candidates(state, settings, memory, e)
    park_the_dead(state, memory, e)
    hold_on(state, memory, e)
    decide_all(state, memory, e)
    for a in range(state.pos.shape[1]):
        memory.held[e, a] = memory.next[a] if memory.chosen[a] != STAY else 0
        actions[e, a] = driving(settings, memory.chosen[a], state.heading[e, a])
    let_queues_wait(state, memory, actions, e)
    wipe(memory)


@jit
def _plan_all(table: Any, actions: Any) -> None:
    """Choose the actions of all environments."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    memory = unpack(table, Memory, MEMORY_AT)
    for e in range(state.pos.shape[0]):
        _plan_one(state, settings, memory, actions, e)


class RotatingPIBTPolicy(Planner):
    """PIBT for `moves="rotate"` and `collision="resolve"` or "all_wait" (it never makes a conflict, so both agree)."""

    def _check(self, vec: VectorEnv) -> None:
        if vec.simulation.settings.moves != ROTATE:
            raise ParameterError('RotatingPIBTPolicy plans for moves="rotate"; PIBTPolicy does for "compass"')
        keep(vec.simulation.settings, vec.arrays.goal.ravel())  # a copied environment has not all tables yet

    def _plan(self, table: Table, actions: NDArray[np.int64]) -> None:
        _plan_all(table, actions)
