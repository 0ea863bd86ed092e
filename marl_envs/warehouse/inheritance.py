"""Priority inheritance with backtracking (PIBT): who enters which cell, so that no two robots are in conflict.

The core that all PIBT planners share; each lists the cells that its robots would enter, and makes actions of the
answers. Source: Okumura et al., "Priority Inheritance with Backtracking for Iterative Multi-agent Path Finding",
Artificial Intelligence 310 (2022), algorithm 1.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.core.pack import Table, allocate, table_of
from marl_envs.core.random import draw_below, seed_stream
from marl_envs.core.vector import VectorEnv

EMPTY = -1
CANDIDATES = 5  # four neighbours, by heading, and the own cell
STAY = 4  # the own cell
NOWHERE = -2  # beside robots and EMPTY
# A candidate is one number, so that sorting five takes nine comparisons and no memory: cost, random bits, direction
TIE_BITS, DIRECTION_BITS = 12, 3
COST_AT = TIE_BITS + DIRECTION_BITS
NO_CANDIDATE = (1 << 32) - 1  # last in any order


class Robots(Protocol):
    """What the core reads: these arrays of the State of either task."""

    @property
    def pos(self) -> NDArray[np.uint32]:
        """Cell of each robot [E, A]."""

    @property
    def robot_at(self) -> NDArray[np.int16]:
        """Robot in each cell, or EMPTY [E, C]."""


class Memory(NamedTuple):
    """What a planner keeps from step to step (first axis E), and its scratch space."""

    rng: Annotated[NDArray[np.uint64], "E"]
    priority: Annotated[NDArray[np.int64], "E A"]  # whole part times A, plus the fraction: 0 to A - 1, all different
    fraction: Annotated[NDArray[np.int32], "E A"]
    order: Annotated[NDArray[np.int32], "E A"]  # robots by priority, highest first
    held: Annotated[NDArray[np.uint32], "E A"]  # cell that a robot is turning to (0: none)
    phase: Annotated[NDArray[np.uint8], "E A"]  # what each was about in the last step (shelves task)
    way: Annotated[NDArray[np.int32], "5"]  # what to add to a cell, by direction
    fallen: Annotated[NDArray[np.uint8], "A"]  # 1: the priority fell in this step
    behind: Annotated[NDArray[np.int32], "A"]  # those
    candidate: Annotated[NDArray[np.uint32], "A 6"]  # where a robot would go, best first; the last is NO_CANDIDATE
    tried: Annotated[NDArray[np.int32], "A"]  # how many of these it has tried
    next: Annotated[NDArray[np.uint32], "A"]  # cell that each robot enters (0: not decided)
    chosen: Annotated[NDArray[np.uint8], "A"]  # and in which direction it lies
    taken: Annotated[NDArray[np.int16], "C"]  # robot that enters the cell, or EMPTY
    stack: Annotated[NDArray[np.int32], "A"]  # robots that wait for the one they push


def make_memory(seed: int, envs: int, robots: int, cells: int) -> Memory:
    """Return the memory of a planner for these numbers, with a random stream for each environment."""
    memory = allocate(Memory, **{"E": envs, "A": robots, "C": cells, "5": CANDIDATES, "6": CANDIDATES + 1})
    memory.rng[:] = [seed_stream(seed, e) for e in range(envs)]
    memory.candidate[:] = NO_CANDIDATE
    memory.taken[:] = EMPTY
    memory.fraction[:] = memory.priority[:] = np.arange(robots)
    memory.order[:] = np.arange(robots)[::-1]
    return memory


@jit(inline=True)
def start(memory: Memory, e: Int) -> None:
    """At the start of an episode, draw the fractions of the priorities: a random order. Forget what robots held."""
    robots = memory.order.shape[1]
    for k in range(robots):
        memory.order[e, k] = k
        memory.held[e, k] = 0
    for k in range(robots - 1, 0, -1):
        j = draw_below(memory.rng, e, k + 1)
        kept = memory.order[e, k]
        memory.order[e, k] = memory.order[e, j]
        memory.order[e, j] = kept
    for k in range(robots):
        a = np.int64(memory.order[e, k])
        memory.fraction[e, a] = memory.priority[e, a] = robots - 1 - k


@jit(inline=True)
def sort_robots(memory: Memory, e: Int) -> None:
    """Bring `order` up to date: those whose priority fell go last, then an insertion sort finds little to do."""
    robots = memory.order.shape[1]
    kept = fallen = 0
    for k in range(robots):
        a = memory.order[e, k]
        if memory.fallen[a]:
            memory.behind[fallen] = a
            fallen += 1
        else:
            memory.order[e, kept] = a
            kept += 1
    for k in range(fallen):
        memory.order[e, kept + k] = memory.behind[k]
    for k in range(1, robots):
        a = np.int64(memory.order[e, k])
        mine = memory.priority[e, a]
        j = k
        while j > 0 and memory.priority[e, memory.order[e, j - 1]] < mine:
            memory.order[e, j] = memory.order[e, j - 1]
            j -= 1
        memory.order[e, j] = np.int32(a)


@jit(inline=True)
def candidate(cost: Int, bits: Any, direction: Int) -> Int:
    """Return the number of a candidate: lower cost first, ties by `bits`, random for all five directions together."""
    tie = np.int64(bits >> np.uint64(TIE_BITS * direction)) & ((1 << TIE_BITS) - 1)
    return (np.int64(cost) << COST_AT) | (tie << DIRECTION_BITS) | direction


@jit(inline=True)
def write_sorted(memory: Memory, a: Int, c0: Int, c1: Int, c2: Int, c3: Int, c4: Int) -> None:
    """Write robot `a`'s candidates, best first: the sorting network with the fewest comparisons."""
    c0, c3 = min(c0, c3), max(c0, c3)
    c1, c4 = min(c1, c4), max(c1, c4)
    c0, c2 = min(c0, c2), max(c0, c2)
    c1, c3 = min(c1, c3), max(c1, c3)
    c0, c1 = min(c0, c1), max(c0, c1)
    c2, c4 = min(c2, c4), max(c2, c4)
    c1, c2 = min(c1, c2), max(c1, c2)
    c3, c4 = min(c3, c4), max(c3, c4)
    c2, c3 = min(c2, c3), max(c2, c3)
    memory.candidate[a, 0] = np.uint32(c0)
    memory.candidate[a, 1] = np.uint32(c1)
    memory.candidate[a, 2] = np.uint32(c2)
    memory.candidate[a, 3] = np.uint32(c3)
    memory.candidate[a, 4] = np.uint32(c4)
    memory.tried[a] = 0
    memory.next[a] = 0


@jit(inline=True)
def settle(memory: Memory, a: Int, cell: Int, direction: Int) -> None:
    """Let robot `a` enter `cell`."""
    memory.next[a] = np.uint32(cell)
    memory.chosen[a] = np.uint8(direction)
    memory.taken[cell] = np.int16(a)


@jit(inline=True)
def _try_next(state: Robots, memory: Memory, e: Int, a: Int) -> Int:
    """Reserve robot `a`'s next candidate; return the robot that must give way first, EMPTY if none, NOWHERE left."""
    here = np.int64(state.pos[e, a])
    while True:
        packed = np.int64(memory.candidate[a, memory.tried[a]])
        if packed == NO_CANDIDATE:
            settle(memory, a, here, STAY)
            return NOWHERE
        memory.tried[a] += np.int32(1)
        direction = packed & ((1 << DIRECTION_BITS) - 1)
        cell = here + memory.way[direction]
        if memory.taken[cell] != EMPTY:
            continue
        b = state.robot_at[e, cell]
        occupied = b != EMPTY and b != a
        if occupied and memory.next[b] == here:
            continue  # they would change places
        settle(memory, a, cell, direction)
        return b if occupied and memory.next[b] == 0 else EMPTY


@jit(inline=True)
def _decide(state: Robots, memory: Memory, e: Int, first: Int) -> None:
    """Find a cell for robot `first`, and for everybody it pushes: the published recursion, with a stack of our own."""
    depth: Int = 1
    memory.stack[0] = first
    while depth:
        pushed = _try_next(state, memory, e, np.int64(memory.stack[depth - 1]))
        if pushed == EMPTY:  # whoever was pushed gives way, so all who pushed succeed
            return
        if pushed == NOWHERE:
            depth -= 1
        else:
            memory.stack[depth] = pushed
            depth += 1


@jit(inline=True)
def decide_all(state: Robots, memory: Memory, e: Int) -> None:
    """Write `next` and `chosen` of all robots that have none yet, in the order of their priorities.

    Before, every robot has its candidates, or its cell already (`settle`). After it, `taken` must be wiped.
    """
    for k in range(memory.order.shape[1]):
        a = np.int64(memory.order[e, k])
        if memory.next[a] == 0:
            _decide(state, memory, e, a)


@jit(inline=True)
def wipe(memory: Memory) -> None:
    """Free all cells again."""
    for a in range(memory.next.shape[0]):
        memory.taken[memory.next[a]] = EMPTY


class Planner:  # a Policy, see marl_envs/core/policy.py
    """What the PIBT policies share: their memory, and the call of their kernel."""

    def __init__(self, seed: int = 0) -> None:
        """Break ties by random numbers from `seed`."""
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._seed = seed
        self._memory: Memory | None = None
        self._table: Table | None = None
        self._of: Any = None  # the arrays that the table is of: it takes longer to make than a plan

    def _check(self, vec: VectorEnv) -> None:
        """Raise ParameterError if this is no environment to plan for."""

    def _arrays_of(self, vec: VectorEnv) -> Any:
        """Return the state to plan from: the environment's own, which must not be changed, or a changed copy."""
        return vec.arrays

    def _plan(self, table: Table, actions: NDArray[np.int64]) -> None:
        """Call the kernel."""
        raise NotImplementedError

    def _table_of(self, vec: VectorEnv) -> Table:
        arrays, settings = vec.arrays, vec.simulation.settings
        if self._table is None or self._of is None or self._of[0] is not arrays or self._of[1] is not settings:
            self._check(vec)
            sizes = vec.num_envs, vec.num_agents, settings.kind.size
            if self._memory is None or (*self._memory.order.shape, len(self._memory.taken)) != sizes:
                self._memory = make_memory(self._seed, *sizes)
            self._memory.way[:4] = settings.ahead
            self._of = arrays, settings
            self._table = table_of(self._arrays_of(vec), settings, self._memory)
        return self._table

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A].

        Raises:
            ParameterError: the policy does not plan for this kind of moves.
        """
        del obs
        vec.require_guidance()
        actions = np.zeros((vec.num_envs, vec.num_agents), np.int64)
        self._plan(self._table_of(vec), actions)
        return actions

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what holds addresses."""
        return {**self.__dict__, "_table": None, "_of": None}
