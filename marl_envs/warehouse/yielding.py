"""The observation "tabular_push": a robot's errand and way, who wants its cell, and what is around it, as one integer.

Its heart is a bit of PIBT: a robot that wants a cell pushes whoever stands there, and who is pushed and has no free
cell to go to pushes on, with the urgency of the first. So the last of a queue learns that it has to make room for a
robot that it could not see. Nobody pushes a dead robot, whose cell is closed. Where to go, and whether to go at all, is
left to the learner.
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.warehouse.battery import is_dead
from marl_envs.warehouse.guidance import barred, rank
from marl_envs.warehouse.types import AHEAD_BIT, EMPTY, LEFT_BIT, RIGHT_BIT, Settings, State

SIDES = 5  # what a neighbouring cell can be:
CLOSED, FREE, LEAVING, YIELDS, INSISTS = range(SIDES)
PUSHES = 5  # not pushed; pushed from ahead, right, behind, left
AROUND = PUSHES * SIDES**4


@jit(inline=True)
def around(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return push * 625 + the four sides (ahead, right, behind, left) in base 5, in [0, 3125); after `push_all`."""
    number: Int = 0
    if state.pushed[e, a]:
        number = 1 + ((settings.clock[state.pushed[e, a] - 1] - settings.clock[state.heading[e, a]]) & 3)
    for k in range(4):
        number = number * SIDES + _side(state, settings, e, a, k)
    return number


@jit(inline=True)
def _side(state: State, settings: Settings, e: Int, a: Int, k: Int) -> Int:
    """Return what the cell k quarter turns clockwise from robot `a`'s heading is to it."""
    step = settings.near[state.heading[e, a], k]
    cell = np.int64(state.pos[e, a]) + step
    if barred(state, settings, e, a, cell):
        return CLOSED
    b = state.robot_at[e, cell]
    if b == EMPTY:
        return FREE
    if is_dead(state, e, np.int64(b)):
        return CLOSED
    if settings.ahead[state.heading[e, b]] == step:
        return LEAVING
    return INSISTS if _insists(state, e, np.int64(b), a) else YIELDS


@jit(inline=True)
def _insists(state: State, e: Int, b: Int, a: Int) -> Bool:
    """Return whether robot `b`'s urgency, its own or inherited, is above `a`'s: of one chain, who pushes insists."""
    first, second = np.int64(state.pusher[e, b]), np.int64(state.pusher[e, a])
    if first == second:
        return state.pushed_after[e, b] < state.pushed_after[e, a]
    return _before(state, e, first, second)


@jit(inline=True)
def _before(state: State, e: Int, b: Int, a: Int) -> Bool:
    """Return whether robot `b`'s own errand is more urgent than `a`'s (ties: the lower index)."""
    first, second = rank(state, e, b), rank(state, e, a)
    return first > second or (first == second and b < a)


@jit(inner=True)
def push_all(state: State, settings: Settings, e: Int) -> None:
    """Let every robot push who stands in its way, the most urgent first; write pushed, pusher and pushed_after."""
    robots = state.pos.shape[1]
    for a in range(robots):
        state.pushed[e, a] = 0
        state.pusher[e, a] = np.int16(a)
        state.pushed_after[e, a] = 0
    for urgency in range(3, 0, -1):  # an idle robot wants no cell
        for a in range(robots):
            if rank(state, e, a) == urgency and state.pushed[e, a] == 0:
                _push(state, settings, e, a)


@jit(inline=True)
def _push(state: State, settings: Settings, e: Int, first: Int) -> None:
    """Let robot `first` push who stands in the next cell of its way, who may have to push the next, and so on."""
    way = _way(state, settings, e, first)
    if way == EMPTY:
        return
    last: Int = first
    b: Int = np.int64(state.robot_at[e, np.int64(state.pos[e, first]) + settings.ahead[way]])
    while b != EMPTY and _can_be_pushed(state, e, b, first):
        for h in range(4):
            if np.int64(state.pos[e, b]) + settings.ahead[h] == np.int64(state.pos[e, last]):
                state.pushed[e, b] = np.uint8(1 + h)
        state.pusher[e, b] = np.int16(first)
        state.pushed_after[e, b] = state.pushed_after[e, last] + np.int16(1)
        last, b = b, _pushed_on(state, settings, e, b, first)


@jit(inline=True)
def _can_be_pushed(state: State, e: Int, b: Int, first: Int) -> Bool:
    return b != first and state.pushed[e, b] == 0 and not is_dead(state, e, b) and _before(state, e, first, b)


@jit(inline=True)
def _pushed_on(state: State, settings: Settings, e: Int, b: Int, first: Int) -> Int:
    """Return whom robot `b` must push to make room: EMPTY if a cell is free; north, south, west, east in this order."""
    found: Int = EMPTY
    for h in range(4):
        cell = np.int64(state.pos[e, b]) + settings.ahead[h]
        if h + 1 == state.pushed[e, b] or barred(state, settings, e, b, cell):
            continue
        c = np.int64(state.robot_at[e, cell])
        if c == EMPTY:
            return EMPTY
        if found == EMPTY and _can_be_pushed(state, e, c, first):
            found = c
    return found


@jit(inline=True)
def _way(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return the direction of the next cell on robot `a`'s way, EMPTY without one; where both turns help: back."""
    bits, heading = state.guide[e, a], np.int64(state.heading[e, a])
    if bits & AHEAD_BIT:
        return heading
    if bits == LEFT_BIT | RIGHT_BIT:
        return np.int64(settings.left_of[settings.left_of[heading]])
    if bits & LEFT_BIT:
        return np.int64(settings.left_of[heading])
    return np.int64(settings.right_of[heading]) if bits & RIGHT_BIT else EMPTY
