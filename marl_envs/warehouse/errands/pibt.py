"""PIBT (priority inheritance with backtracking) as a policy for compass moves.

It never makes a conflict, and on biconnected floors every robot gets to its goal eventually. Source: Okumura et al.,
"Priority Inheritance with Backtracking for Iterative Multi-agent Path Finding", Artificial Intelligence 310 (2022),
algorithm 1, in the lifelong form: a priority grows by one a step and falls back to its fraction at a goal. Candidates
at the same distance are tried unoccupied first, then in random order, as in the authors' own program (pibt2).
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.core.pack import allocate, slots_of, table_of, unpack
from marl_envs.core.params import ParameterError
from marl_envs.core.random import draw_below, seed_stream
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands.types import COMPASS, EMPTY, OBSTACLE, Settings, State

CANDIDATES = 5  # the own cell and four neighbours
NOT_YET, SUCCESS, FAILURE = range(3)
NOWHERE = -2  # beside robots and EMPTY


class Memory(NamedTuple):
    """What the planner keeps from step to step (first axis E), and its scratch space."""

    rng: Annotated[NDArray[np.uint64], "E"]
    elapsed: Annotated[NDArray[np.int32], "E A"]  # [steps] since the last goal: the priority's whole part
    by_fraction: Annotated[NDArray[np.int32], "E A"]  # robots by the priority's fraction, highest first
    order: Annotated[NDArray[np.int32], "A"]  # robots by priority, highest first
    bucket: Annotated[NDArray[np.int32], "L"]  # for the counting sort
    next: Annotated[NDArray[np.uint32], "A"]  # cell that each robot enters (0: not decided)
    taken: Annotated[NDArray[np.int16], "C"]  # robot that enters the cell, or EMPTY
    candidate: Annotated[NDArray[np.uint32], "A 5"]  # cells that a robot would enter, best first
    tried: Annotated[NDArray[np.int32], "A"]  # how many of these it has tried
    stack: Annotated[NDArray[np.int32], "A"]  # robots that wait for the one they push


SETTINGS_AT = slots_of(State)
MEMORY_AT = SETTINGS_AT + slots_of(Settings)


@jit(inline=True)
def _start(state: State, settings: Settings, memory: Memory, e: Int) -> None:
    """At the start of an episode, draw the fractions of the priorities: a random order."""
    robots = state.pos.shape[1]
    for a in range(robots):
        memory.by_fraction[e, a] = a
    for a in range(robots - 1, 0, -1):
        b = draw_below(memory.rng, e, a + 1)
        kept = memory.by_fraction[e, a]
        memory.by_fraction[e, a] = memory.by_fraction[e, b]
        memory.by_fraction[e, b] = kept
    for a in range(robots):
        memory.elapsed[e, a] = 0


@jit(inline=True)
def _rank(state: State, memory: Memory, e: Int) -> None:
    """Let priorities grow, or fall at a goal; order the robots by them (a stable counting sort)."""
    robots, longest = state.pos.shape[1], memory.bucket.shape[0] - 1
    for k in range(longest + 1):
        memory.bucket[k] = 0
    for a in range(robots):
        fresh = state.set_out[e, a] == state.step[e] or state.goal[e, a] == 0
        memory.elapsed[e, a] = 0 if fresh else min(memory.elapsed[e, a] + 1, longest)
        memory.bucket[memory.elapsed[e, a]] += np.int32(1)
    place = 0
    for k in range(longest, -1, -1):
        many = memory.bucket[k]
        memory.bucket[k] = place
        place += many
    for f in range(robots):
        a = memory.by_fraction[e, f]
        memory.order[memory.bucket[memory.elapsed[e, a]]] = a
        memory.bucket[memory.elapsed[e, a]] += np.int32(1)


@jit(inline=True)
def _list_candidates(state: State, settings: Settings, memory: Memory, e: Int, a: Int) -> None:
    """Write the own cell and the free neighbours, nearest to the goal first, ties in random order."""
    cell = np.int64(state.pos[e, a])
    memory.tried[a] = 0
    found = 0
    for h in range(CANDIDATES):
        near = cell + settings.ahead[h] if h < 4 else cell
        if settings.kind[near] == OBSTACLE:
            continue
        k = draw_below(memory.rng, e, found + 1)  # an inside-out shuffle
        memory.candidate[a, found] = memory.candidate[a, k]
        memory.candidate[a, k] = np.uint32(near)
        found += 1
    for k in range(found, CANDIDATES):
        memory.candidate[a, k] = 0
    for k in range(1, found):  # a stable insertion sort
        chosen = memory.candidate[a, k]
        j = k
        while j > 0 and _cost(state, settings, e, a, chosen) < _cost(state, settings, e, a, memory.candidate[a, j - 1]):
            memory.candidate[a, j] = memory.candidate[a, j - 1]
            j -= 1
        memory.candidate[a, j] = chosen


@jit(inline=True)
def _cost(state: State, settings: Settings, e: Int, a: Int, candidate: Int) -> Int:
    """Return twice the distance from a candidate to the goal, and one more if it is occupied; who has none stays."""
    goal = state.goal[e, a]
    occupied = np.int64(state.robot_at[e, candidate] != EMPTY)
    if goal == 0:
        return 2 * np.int64(candidate != state.pos[e, a]) + occupied
    return 2 * np.int64(settings.steps[settings.slot[goal], candidate]) + occupied


@jit(inline=True)
def _try_next(state: State, memory: Memory, e: Int, a: Int) -> Int:
    """Reserve robot `a`'s next candidate; return the robot that must give way first, EMPTY if none, NOWHERE left."""
    here = state.pos[e, a]
    while memory.tried[a] < CANDIDATES:
        cell = memory.candidate[a, memory.tried[a]]
        memory.tried[a] += np.int32(1)
        if cell == 0:
            break
        if memory.taken[cell] != EMPTY:
            continue
        b = state.robot_at[e, cell]
        if b != EMPTY and b != a and memory.next[b] == here:
            continue  # they would change places
        memory.next[a] = cell
        memory.taken[cell] = np.int16(a)
        return b if b != EMPTY and b != a and memory.next[b] == 0 else EMPTY
    memory.next[a] = here
    memory.taken[here] = np.int16(a)
    return NOWHERE


@jit(inline=True)
def _decide(state: State, settings: Settings, memory: Memory, e: Int, first: Int) -> None:
    """Find a cell for robot `first`, and for everybody it pushes: the published recursion, with a stack of our own."""
    depth: Int = 1
    memory.stack[0] = first
    _list_candidates(state, settings, memory, e, first)
    answer: Int = NOT_YET
    while depth:
        a = np.int64(memory.stack[depth - 1])
        if answer == SUCCESS:  # whoever was pushed gives way, so all who pushed succeed
            depth -= 1
            continue
        pushed = _try_next(state, memory, e, a)
        if pushed == NOWHERE:
            answer = FAILURE
            depth -= 1
        elif pushed == EMPTY:
            answer = SUCCESS
            depth -= 1
        else:
            answer = NOT_YET
            memory.stack[depth] = pushed
            depth += 1
            _list_candidates(state, settings, memory, e, pushed)


@jit(inner=True)
def _plan_one(state: State, settings: Settings, memory: Memory, actions: Any, e: Int) -> None:
    """Choose the actions of environment `e`."""
    robots = state.pos.shape[1]
    if state.step[e] == 0:
        _start(state, settings, memory, e)
    _rank(state, memory, e)
    for a in range(robots):
        memory.next[a] = 0
    for k in range(robots):
        if memory.next[memory.order[k]] == 0:
            _decide(state, settings, memory, e, np.int64(memory.order[k]))
    for a in range(robots):
        memory.taken[memory.next[a]] = EMPTY
        actions[e, a] = 0
        for h in range(4):
            if np.int64(state.pos[e, a]) + settings.ahead[h] == np.int64(memory.next[a]):
                actions[e, a] = 1 + h


@jit
def _plan_all(table: Any, actions: Any) -> None:
    """Choose the actions of all environments."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    memory = unpack(table, Memory, MEMORY_AT)
    for e in range(state.pos.shape[0]):
        _plan_one(state, settings, memory, actions, e)


class PIBTPolicy:
    """PIBT for `moves="compass"` and `collision="resolve"` or "all_wait" (it never makes a conflict, so both agree)."""

    def __init__(self, seed: int = 0) -> None:
        """Break ties by random numbers from `seed`."""
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._seed = seed
        self._memory: Memory | None = None

    def _memory_of(self, vec: VectorEnv) -> Memory:
        if self._memory is None or self._memory.elapsed.shape != (vec.num_envs, vec.num_agents):
            settings = vec.simulation.settings
            if settings.moves != COMPASS:
                raise ParameterError('PIBTPolicy plans for moves="compass"; RotatingPIBTPolicy does for "rotate"')
            longest = 4 * settings.kind.size  # steps; beyond it, priorities are equal in the whole part
            sizes = {"E": vec.num_envs, "A": vec.num_agents, "C": settings.kind.size, "L": longest + 1, "5": CANDIDATES}
            self._memory = allocate(Memory, **sizes)
            self._memory.taken[:] = EMPTY
            self._memory.rng[:] = [seed_stream(self._seed, e) for e in range(vec.num_envs)]
            self._memory.by_fraction[:] = np.arange(vec.num_agents)
        return self._memory

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A].

        Raises:
            ParameterError: the environment has rotating moves.
        """
        del obs
        actions = np.zeros((vec.num_envs, vec.num_agents), np.int64)
        _plan_all(table_of(vec.arrays, vec.simulation.settings, self._memory_of(vec)), actions)
        return actions
