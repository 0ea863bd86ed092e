"""Who may enter which cell: one rule for any number of robots, linear in it.

Robots ask for cells (`State.next`); a robot that stays asks for its own. Vertex and swap conflicts are forbidden,
following and cycles of three or more are allowed (the conflict set of RWARE, LoRR and PIBT). As each robot asks for
one cell, the requests are a functional graph, and RWARE 2.0.0's outcome is:

- behind a robot that stays, nobody moves;
- two robots that would swap stay, and so does everybody queued behind them;
- on a cycle of three or more exactly the robots of the cycle move;
- into an empty cell the longest queue moves: at each contested cell the robot with the longest tail of followers wins.

RWARE breaks ties by the order of a hash table; here the lowest index wins.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.warehouse.types import BLOCKED, EMPTY, SWAP, VERTEX


class Robots(Protocol):
    """What the rule reads and writes: these arrays of the State of either task."""

    @property
    def pos(self) -> NDArray[np.uint32]:
        """Cell of each robot [E, A]."""

    @property
    def next(self) -> NDArray[np.uint32]:
        """Cell that each robot asks for [E, A]."""

    @property
    def robot_at(self) -> NDArray[np.int16]:
        """Robot in each cell, or EMPTY [E, C]."""

    @property
    def go(self) -> NDArray[np.uint8]:
        """Whether each robot may enter [E, A]."""

    @property
    def tail(self) -> NDArray[np.int16]:
        """Longest chain queued behind each robot [E, A]."""

    @property
    def behind(self) -> NDArray[np.int16]:
        """Robot that may follow each, or EMPTY [E, A]."""

    @property
    def waiting_on(self) -> NDArray[np.int16]:
        """Followers of each robot not yet looked at [E, A]."""

    @property
    def refusal(self) -> NDArray[np.uint8]:
        """Why each robot may not enter [E, A]."""


@jit(inline=True)
def occupant(state: Robots, e: Int, a: Int) -> Int:
    """Return the robot that stands in the cell robot `a` asks for, or EMPTY, also if the cell is claimed already."""
    b = state.robot_at[e, state.next[e, a]]
    return b if b != EMPTY and state.pos[e, b] == state.next[e, a] else EMPTY


@jit(inline=True)
def wants(state: Robots, e: Int, a: Int) -> Bool:
    """Return whether robot `a` asks for another cell."""
    return state.next[e, a] != state.pos[e, a]


@jit(inline=True)
def resolve(state: Robots, e: Int) -> Bool:
    """Write `go` for every robot (and `refusal` where it is 0), and the winner of every empty cell into `robot_at`.

    Return whether robots were in each other's way at all; else all of them go.
    """
    crowded = False
    for a in range(state.pos.shape[1]):
        state.go[e, a] = 0
        if wants(state, e, a):
            cell = state.next[e, a]
            if state.robot_at[e, cell] == EMPTY:
                state.robot_at[e, cell] = np.int16(a)  # a claim: the first is right unless a longer queue comes
                state.go[e, a] = 1
            else:
                crowded = True
    if crowded:
        _count_tails(state, e)
        _settle_empty_cells(state, e)
        _settle_cycles(state, e)
        _explain_refusals(state, e)
    return crowded


@jit(inner=True)
def _count_tails(state: Robots, e: Int) -> None:
    """Find the longest chain behind each robot and who leads it, peeling the graph from its leaves."""
    robots = state.pos.shape[1]
    for a in range(robots):
        state.go[e, a] = 0
        state.tail[e, a] = 0
        state.behind[e, a] = EMPTY
        state.waiting_on[e, a] = 0
    for a in range(robots):
        if wants(state, e, a) and occupant(state, e, a) != EMPTY:
            state.waiting_on[e, occupant(state, e, a)] += np.int16(1)
    for leaf in range(robots):
        a = leaf
        # A peeled robot gets -1, so that a leaf met while walking is not started from again.
        while state.waiting_on[e, a] == 0:
            state.waiting_on[e, a] = np.int16(-1)
            b = occupant(state, e, a) if wants(state, e, a) else EMPTY
            if b == EMPTY:
                break
            _join_queue(state, e, a, b)
            state.waiting_on[e, b] -= np.int16(1)
            a = b


@jit(inline=True)
def _join_queue(state: Robots, e: Int, a: Int, b: Int) -> None:
    """Let robot `a` lead those who follow `b` if its tail is the longest (ties: lowest index)."""
    length = state.tail[e, a] + 1
    leader = state.behind[e, b]
    if leader == EMPTY or length > state.tail[e, b] or (length == state.tail[e, b] and a < leader):
        state.tail[e, b] = np.int16(length)
        state.behind[e, b] = np.int16(a)


@jit(inner=True)
def _settle_empty_cells(state: Robots, e: Int) -> None:
    """Give each empty cell to the robot with the longest tail, then let its queue follow."""
    robots = state.pos.shape[1]
    for a in range(robots):
        if wants(state, e, a) and occupant(state, e, a) == EMPTY:
            cell = state.next[e, a]
            claimant = state.robot_at[e, cell]
            if state.tail[e, a] > state.tail[e, claimant]:
                state.robot_at[e, cell] = np.int16(a)
    for a in range(robots):
        if wants(state, e, a) and occupant(state, e, a) == EMPTY and state.robot_at[e, state.next[e, a]] == a:
            b = a
            while b != EMPTY:
                state.go[e, b] = 1
                b = state.behind[e, b]


@jit(inner=True)
def _settle_cycles(state: Robots, e: Int) -> None:
    """Let every cycle of three or more robots move. Only robots on cycles are left unpeeled, besides those who stay."""
    for a in range(state.pos.shape[1]):
        if state.waiting_on[e, a] <= 0 or not wants(state, e, a):
            continue
        length, b = 0, a
        while state.waiting_on[e, b] > 0:
            state.waiting_on[e, b] = np.int16(-1)
            b = occupant(state, e, b)
            length += 1
        if length >= 3:
            for _ in range(length):
                state.go[e, b] = 1
                b = occupant(state, e, b)


@jit(inner=True)
def _explain_refusals(state: Robots, e: Int) -> None:
    """Say why a robot stays: another enters the cell (VERTEX), its occupant wants mine (SWAP) or stays (BLOCKED)."""
    for a in range(state.pos.shape[1]):
        if wants(state, e, a) and not state.go[e, a]:
            b = occupant(state, e, a)
            reason = VERTEX
            if b != EMPTY and not state.go[e, b]:
                reason = SWAP if state.next[e, b] == state.pos[e, a] else BLOCKED
            state.refusal[e, a] = np.uint8(reason)
