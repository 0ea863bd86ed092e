"""From chosen cells to the actions of robots that turn: turns, cells held while turning, queues that have to wait."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.warehouse.inheritance import EMPTY, STAY, Memory, Robots, settle
from marl_envs.warehouse.types import FORWARD, NOOP, TURN_LEFT, TURN_RIGHT  # the errands task has the same numbers


class Turning(Protocol):
    """What the core reads of the Settings of robots that turn."""

    @property
    def clock(self) -> NDArray[np.int16]:
        """Heading in quarter turns clockwise from NORTH [4]."""


@jit(inline=True)
def _direction_to(memory: Memory, here: Int, cell: Int) -> Int:
    """Return the direction from one cell to a neighbour, or STAY if it is none."""
    for h in range(4):
        if here + memory.way[h] == cell:
            return h
    return STAY


@jit(inline=True)
def hold_on(state: Robots, memory: Memory, e: Int) -> None:
    """Reserve the cells that robots are turning to; call it before `decide_all`.

    As long as robots do what they are told, a held cell is empty or its robot is turning to another cell itself. If
    that is not so (somebody else chose an action), all robots of this environment plan anew.
    """
    sound = True
    for a in range(memory.next.shape[0]):
        cell, here = np.int64(memory.held[e, a]), np.int64(state.pos[e, a])
        if cell == here:
            memory.held[e, a] = 0  # it has arrived
        elif cell:
            b = state.robot_at[e, cell]
            sound &= _direction_to(memory, here, cell) != STAY
            if b != EMPTY:
                sound &= memory.held[e, b] != 0 and memory.held[e, b] != cell and memory.held[e, b] != here
    for a in range(memory.next.shape[0]):
        if not sound:
            memory.held[e, a] = 0
        if memory.held[e, a]:
            cell = np.int64(memory.held[e, a])
            settle(memory, a, cell, _direction_to(memory, np.int64(state.pos[e, a]), cell))


@jit(inline=True)
def driving(settings: Turning, direction: Int, heading: Int) -> Int:
    """Return the action that brings a robot the chosen way: forward, else a turn (about: clockwise), or to wait."""
    if direction == STAY:
        return NOOP
    quarters = (settings.clock[direction] - settings.clock[heading]) & 3
    if quarters == 0:
        return FORWARD
    return TURN_LEFT if quarters == 3 else TURN_RIGHT


@jit(inline=True)
def let_queues_wait(state: Robots, memory: Memory, actions: Any, e: Int) -> None:
    """Let wait who would drive into a robot that does not drive, and who would follow that one, and so on.

    A cell is taken by one robot at most, so from every robot that does not drive there is one queue back.
    """
    for a in range(memory.next.shape[0]):
        b = np.int64(a)
        while b != EMPTY and actions[e, b] != FORWARD:
            follower = np.int64(memory.taken[state.pos[e, b]])
            if follower == EMPTY or actions[e, follower] != FORWARD:
                break
            actions[e, follower] = NOOP
            b = follower
