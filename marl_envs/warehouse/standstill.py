"""Deadlocks: robots that stand for some steps, each asking for the cell of another of them.

A robot is stuck when it was refused the same cell in the last DEADLOCK_AFTER steps. As it asks for one cell, the stuck
robots are a functional graph, and a deadlock is a part of it that hangs together: a ring with all that queue up behind
it, or all that queue up behind a robot which stood through these steps and asked for nothing. Rings of three or more
move on under the collision rule "resolve", so a ring that stays is two robots head-on (larger ones: "block"). A queue
that ends at a robot which turns, loads, moves, or would move but for a conflict elsewhere ("all_wait") is no deadlock.

Source: wait-for graph with a cycle, or a chain up to a stationary agent, for k steps; k = 5 is a convention.

Only refused robots are looked at, so free traffic costs nothing, and refused ones a few steps each.
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.warehouse.counting import (
    DEAD_SINCE,
    DEAD_STEP,
    DEADLOCK_AFTER,
    DEADLOCK_FIRST,
    DEADLOCK_LARGEST,
    DEADLOCK_STEPS,
    DEADLOCKS,
    DISSOLVE_TIME,
    DISSOLVED,
    IDLE_TIME,
    JAM_CELL,
    JAM_STEP,
    JAM_TIME,
    OPEN,
    Counted,
)
from marl_envs.warehouse.types import BLOCKED, EMPTY, VERTEX, WAITED

UNSEEN, ON_WALK, JUDGED = range(3)


@jit(inline=True)
def is_refused(state: Counted, e: Int, a: Int) -> Bool:
    """Return whether another robot refused robot `a`'s move in this step."""
    return VERTEX <= state.outcome[e, a] <= BLOCKED


@jit(inline=True)
def front(state: Counted, e: Int, a: Int) -> Int:
    """Return the robot now in the cell that the refused robot `a` asked for, or EMPTY."""
    return np.int64(state.robot_at[e, state.next[e, a]])


@jit(inline=True)
def _stuck(state: Counted, e: Int, a: Int) -> Bool:
    return state.jam[e, a, JAM_STEP] == state.step[e] and state.jam[e, a, JAM_TIME] >= DEADLOCK_AFTER


@jit(inline=True)
def _note_refusal(state: Counted, e: Int, a: Int) -> None:
    """Count the steps in which robot `a` has been refused this cell, and those with an idle robot in it."""
    step, cell = state.step[e], np.int64(state.next[e, a])
    if state.jam[e, a, JAM_STEP] != step - 1 or state.jam[e, a, JAM_CELL] != cell:
        state.jam[e, a, JAM_TIME] = state.jam[e, a, IDLE_TIME] = 0
    state.jam[e, a, JAM_STEP] = step
    state.jam[e, a, JAM_CELL] = cell
    state.jam[e, a, JAM_TIME] += np.int32(1)
    b = front(state, e, a)
    idle = b != EMPTY and state.outcome[e, b] >= WAITED and not is_refused(state, e, b)
    state.jam[e, a, IDLE_TIME] = np.int32(state.jam[e, a, IDLE_TIME] + 1 if idle else 0)


@jit(inner=True)
def _judge(state: Counted, e: Int, a: Int) -> None:
    """Write into `behind` by which robot the deadlock is known that holds `a` and all on its way, or EMPTY."""
    b, last = a, a
    while b != EMPTY and _stuck(state, e, b) and state.tail[e, b] == UNSEEN:
        state.tail[e, b] = ON_WALK
        last, b = b, front(state, e, b)
    known_by: Int = EMPTY
    if b == EMPTY:
        pass  # a contested cell that nobody got
    elif not _stuck(state, e, b):
        if state.jam[e, last, IDLE_TIME] >= DEADLOCK_AFTER:
            known_by = b
    elif state.tail[e, b] == ON_WALK:
        known_by, c = b, front(state, e, b)
        while c != b:
            known_by = min(known_by, c)
            c = front(state, e, c)
    else:
        known_by = np.int64(state.behind[e, b])
    b = a
    while b != EMPTY and _stuck(state, e, b) and state.tail[e, b] == ON_WALK:
        state.tail[e, b] = JUDGED
        state.behind[e, b] = np.int16(known_by)
        b = front(state, e, b)


@jit(inner=True)
def _count_deadlocks(state: Counted, e: Int, refused: Int) -> None:
    """Note every deadlock among the first `refused` robots of State.refused."""
    step = state.step[e]
    for i in range(refused):
        a = np.int64(state.refused[e, i])
        if not _stuck(state, e, a):
            continue
        if state.tail[e, a] == UNSEEN:
            _judge(state, e, a)
        known_by = state.behind[e, a]
        if known_by == EMPTY:
            continue
        if state.jam[e, known_by, DEAD_SINCE] == 0:
            state.jam[e, known_by, DEAD_SINCE] = step
            state.jam[e, known_by, DEAD_STEP] = 0
            state.record[e, DEADLOCKS] += 1
            state.record[e, OPEN] += 1
            if state.record[e, DEADLOCK_FIRST] == 0:
                state.record[e, DEADLOCK_FIRST] = step
        if state.jam[e, known_by, DEAD_STEP] != step:
            state.jam[e, known_by, DEAD_STEP] = step
            state.waiting_on[e, known_by] = 0
        state.waiting_on[e, known_by] += np.int16(1)
        state.record[e, DEADLOCK_STEPS] += 1
        state.record[e, DEADLOCK_LARGEST] = max(state.record[e, DEADLOCK_LARGEST], state.waiting_on[e, known_by])


@jit(inner=True)
def close_dissolved(state: Counted, e: Int, step: Int) -> None:
    """Count the deadlocks last seen before `step`, as dissolved one step later. It can be called late."""
    if state.record[e, OPEN] == 0:
        return
    for a in range(state.pos.shape[1]):
        if state.jam[e, a, DEAD_SINCE] != 0 and state.jam[e, a, DEAD_STEP] < step:
            state.record[e, DISSOLVED] += 1
            state.record[e, DISSOLVE_TIME] += state.jam[e, a, DEAD_STEP] + 1 - state.jam[e, a, DEAD_SINCE]
            state.record[e, OPEN] -= 1
            state.jam[e, a, DEAD_SINCE] = 0


@jit(inner=True)
def find_deadlocks(state: Counted, e: Int, refused: Int) -> None:
    """Bring the deadlock counters up to date with this step, whose refused robots are the first of State.refused."""
    close_dissolved(state, e, state.step[e] - 1)  # steps without a refusal are not looked at
    stuck = False
    for i in range(refused):
        a = state.refused[e, i]
        _note_refusal(state, e, a)
        state.tail[e, a] = UNSEEN
        stuck |= state.jam[e, a, JAM_TIME] >= DEADLOCK_AFTER
    if stuck:
        _count_deadlocks(state, e, refused)
