"""PIBT (priority inheritance with backtracking) as a policy for the shelves task.

Targets are those of guidance.py. PIBT chooses next cells, turns come from them; nothing is held, as costs count turns.
A loaded robot may enter highways and empty homes, not cells with standing shelves. The more urgent errand goes first
(to a goal or to charge, then putting back, then fetching), then who has been at it longer; who loads or unloads is not
pushed, and who is dead stays.

Guaranteed: no robot asks for a cell that it can't enter, because of a robot, a shelf or a wall. Not guaranteed: that
everybody arrives. PIBT's proof needs a floor where a robot that is pushed can always go on; for loaded robots, homes
between standing shelves are dead ends, so on crowded
floors they may block each other for good (seen: 1 of 64 teams of 6 robots on the 6x8 floor, in 500 steps).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.core.pack import Table, slots_of, unpack
from marl_envs.core.params import check_choice
from marl_envs.core.random import next_bits
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.batch import SETTINGS_AT
from marl_envs.warehouse.battery import is_dead
from marl_envs.warehouse.charging import steps_to_charger
from marl_envs.warehouse.guidance import barred, rank, shortest_move
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
from marl_envs.warehouse.optimal import assign, with_own_targets
from marl_envs.warehouse.turning import driving, let_queues_wait
from marl_envs.warehouse.types import CHARGE, EMPTY, RETURN, TO_GOAL, TOGGLE, Settings, State

MEMORY_AT = SETTINGS_AT + slots_of(Settings)
ASSIGNMENTS = ("nearest", "optimal")
LONGEST_WAIT = 1 << 20  # [steps]
DEAREST = 65535  # [steps] of costs, as a candidate has room for twice that


@jit(inline=True)
def _raise_priority(state: State, memory: Memory, e: Int, a: Int) -> None:
    """Let a priority grow; with a new errand it begins anew, at the errand's rank."""
    robots = state.pos.shape[1]
    fresh = state.phase[e, a] != memory.phase[e, a]
    memory.phase[e, a] = state.phase[e, a]
    memory.fallen[a] = np.uint8(fresh)
    since = 0 if fresh else min(memory.priority[e, a] // robots % LONGEST_WAIT + 1, LONGEST_WAIT - 1)
    memory.priority[e, a] = (rank(state, e, a) * LONGEST_WAIT + since) * robots + memory.fraction[e, a]


@jit(inline=True)
def _steps(state: State, settings: Settings, e: Int, a: Int, cell: Int, heading: Int) -> Int:
    """Return how many steps robot `a` would need from there to its target."""
    place = cell * 4 + heading
    if state.phase[e, a] == TO_GOAL:
        return np.int64(settings.goal_steps[place])
    if state.phase[e, a] == CHARGE:
        return steps_to_charger(state, settings, e, a, place)
    home = settings.home_index[state.target[e, a]]
    if state.phase[e, a] == RETURN:
        return np.int64(settings.laden_steps[home, place])
    return np.int64(settings.free_steps[home, place])


@jit(inline=True)
def _weigh(state: State, settings: Settings, memory: Memory, e: Int, a: Int, bits: Any, direction: Int) -> Int:
    """Return a candidate: by steps to the target, turns included, then unoccupied first; who has no target stays."""
    cell = np.int64(state.pos[e, a]) + memory.way[direction]
    if direction != STAY and barred(state, settings, e, a, cell):
        return NO_CANDIDATE
    heading = np.int64(state.heading[e, a])
    if state.target[e, a] == 0:
        cost: Int = np.int64(direction != STAY)
    elif direction == STAY:
        cost = 1 + _steps(state, settings, e, a, cell, heading)
    else:
        quarters = np.int64(settings.clock[direction] - settings.clock[heading]) & 3
        cost = 1 + (1 if quarters == 3 else quarters) + _steps(state, settings, e, a, cell, direction)
    return candidate(2 * min(cost, DEAREST) + np.int64(state.robot_at[e, cell] != EMPTY), bits, direction)


@jit(inline=True)
def _list_candidates(state: State, settings: Settings, memory: Memory, e: Int, a: Int) -> None:
    """Write the own cell and the neighbours that robot `a` can enter, best first."""
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


@jit(inner=True)
def _plan_one(state: State, settings: Settings, memory: Memory, actions: Any, e: Int) -> None:
    """Choose the actions of environment `e`."""
    if state.step[e] == 0:
        start(memory, e)
    for a in range(state.pos.shape[1]):
        _raise_priority(state, memory, e, a)
        _list_candidates(state, settings, memory, e, a)
        if shortest_move(state, e, a) == TOGGLE or is_dead(state, e, a):
            settle(memory, a, np.int64(state.pos[e, a]), STAY)
    sort_robots(memory, e)
    decide_all(state, memory, e)
    for a in range(state.pos.shape[1]):
        toggles = shortest_move(state, e, a) == TOGGLE
        actions[e, a] = TOGGLE if toggles else driving(settings, memory.chosen[a], state.heading[e, a])
    let_queues_wait(state, memory, actions, e)
    wipe(memory)


@jit
def _plan_all(table: Any, actions: Any) -> None:
    """Choose the actions of all environments."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    memory = unpack(table, Memory, MEMORY_AT)
    for e in range(state.pos.shape[0]):
        _plan_one(state, settings, memory, actions, e)


class PIBTPolicy(Planner):
    """PIBT for warehouse_v0: no refused move; see the top of this module for what is not guaranteed."""

    def __init__(self, seed: int = 0, assignment: str = "nearest") -> None:
        """Break ties by random numbers from `seed`.

        Args:
            seed: of the random numbers.
            assignment: who gets which target: "nearest" (guidance's: the nearest pair first) or "optimal" (the least
                total of ways, by scipy, in an ordinary Python loop over environments).

        Raises:
            ParameterError: an unknown assignment.
        """
        check_choice("assignment", assignment, ASSIGNMENTS)
        self._optimal = assignment == "optimal"
        super().__init__(seed)

    def _arrays_of(self, vec: VectorEnv) -> State:
        self._own = with_own_targets(vec.arrays) if self._optimal else vec.arrays
        return self._own

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A].

        Raises:
            ImportError: assignment "optimal" without scipy.
        """
        if self._optimal:
            vec.require_guidance()
            self._table_of(vec)
            assign(vec.arrays, self._own, vec.simulation.settings)
        return super().act(vec, obs)

    def _plan(self, table: Table, actions: NDArray[np.int64]) -> None:
        _plan_all(table, actions)
