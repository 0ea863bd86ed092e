"""Who does what: drawn goals, round robin, or a pool of open tasks; and what counts as done.

A file's tasks never run out: as in LoRR, task number k is the file's k modulo its number of tasks.
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.core.random import draw_below
from marl_envs.warehouse.battery import is_dead
from marl_envs.warehouse.errands.metrics import note_task
from marl_envs.warehouse.errands.types import (
    DRAWN,
    DROP,
    EMPTY,
    ERRAND,
    ERRANDS,
    NEAREST,
    NONE,
    PICKED_AT,
    POOL,
    ROUND_ROBIN,
    TAKEN_AT,
    TASKS,
    Settings,
    State,
)


@jit(inline=True)
def hand_out_first(state: State, settings: Settings, e: Int) -> None:
    """Give every robot its first task."""
    for q in range(state.pool.shape[1]):
        state.pool[e, q] = np.int32(q)
        state.pool_since[e, q] = 0
        state.pool_owner[e, q] = EMPTY
    state.next_task[e] = state.pool.shape[1]
    for a in range(state.pos.shape[1]):
        state.set_out[e, a] = 0  # also without a task: nothing of the last episode may show
        state.errand[e, a] = 0
        state.schedule[e, a] = NONE
        state.task[e, a] = NONE
        state.last_task[e, a] = NONE
        state.goal[e, a] = 0
        if settings.supply == DRAWN:
            _draw(state, settings, e, a)
        elif settings.supply == ROUND_ROBIN:
            _take(state, settings, e, a, a, 0)
    if settings.supply == POOL and settings.assigner == NEAREST:
        assign_nearest(state, settings, e)


@jit(inline=True)
def _begin_errand(state: State, e: Int, a: Int, cell: Int) -> None:
    state.goal[e, a] = np.uint32(cell)
    state.set_out[e, a] = state.step[e]
    state.shortest[e, a] = 0  # until it is looked up; a task that is taken on the spot may be done before


@jit(inline=True)
def in_file(settings: Settings, task: Int) -> Int:
    """Return the place in the file of task number `task`."""
    return task % (settings.task_first.shape[0] - 1)


@jit(inline=True)
def _take(state: State, settings: Settings, e: Int, a: Int, task: Int, released: Int) -> None:
    """Put a task of the file into the hand of robot `a`."""
    state.task[e, a] = np.int32(task)
    state.errand[e, a] = 0
    state.released[e, a] = np.int32(released)
    state.tally[e, a, TAKEN_AT] = state.step[e]
    _begin_errand(state, e, a, settings.task_cell[settings.task_first[in_file(settings, task)]])


@jit(inline=True)
def _draw(state: State, settings: Settings, e: Int, a: Int) -> None:
    """Draw robot `a`'s next goal, another cell than the one it is on, from the two sets by turns."""
    state.task[e, a] += np.int32(1)
    state.errand[e, a] = 0
    state.released[e, a] = state.tally[e, a, TAKEN_AT] = state.step[e]
    here = state.pos[e, a]
    cell = here
    if state.task[e, a] & 1:
        while cell == here:
            cell = settings.second_goals[draw_below(state.rng, e, settings.second_goals.shape[0])]
    else:
        while cell == here:
            cell = settings.first_goals[draw_below(state.rng, e, settings.first_goals.shape[0])]
    _begin_errand(state, e, a, cell)


@jit(inline=True)
def follow_schedule(state: State, settings: Settings, e: Int) -> None:
    """Let robots take the tasks that `schedule` names, where these are open and neither robot nor task is bound.

    A task can change hands until its first errand is done; then both are bound. Dead robots take none.
    """
    for a in range(state.pos.shape[1]):
        wanted = state.schedule[e, a]
        state.schedule[e, a] = NONE
        bound = state.task[e, a] != NONE and state.errand[e, a] > 0
        if wanted == NONE or wanted == state.task[e, a] or bound:
            continue
        if wanted == DROP:
            _release(state, e, a)
            state.task[e, a] = NONE
            state.goal[e, a] = 0
            continue
        q = _place_in_pool(state, e, wanted)
        if q == NONE or is_dead(state, e, a):
            continue
        b = state.pool_owner[e, q]
        if b != EMPTY and state.errand[e, b] > 0:
            continue
        if b != EMPTY:
            state.task[e, b] = NONE
            state.goal[e, b] = 0
        _release(state, e, a)
        _take_from_pool(state, settings, e, a, q)


@jit(inline=True)
def _place_in_pool(state: State, e: Int, task: Int) -> Int:
    for q in range(state.pool.shape[1]):
        if state.pool[e, q] == task:
            return q
    return NONE


@jit(inline=True)
def _release(state: State, e: Int, a: Int) -> None:
    """Put back what robot `a` has in hand, if anything."""
    if state.task[e, a] != NONE:
        state.pool_owner[e, state.place[e, a]] = EMPTY


@jit(inline=True)
def _take_from_pool(state: State, settings: Settings, e: Int, a: Int, q: Int) -> None:
    state.pool_owner[e, q] = np.int16(a)
    state.place[e, a] = np.int32(q)
    _take(state, settings, e, a, np.int64(state.pool[e, q]), state.pool_since[e, q])


@jit(inner=True)
def assign_nearest(state: State, settings: Settings, e: Int) -> None:
    """Give each free robot, lowest first, the open task whose first errand is nearest by |rows| + |columns|."""
    for a in range(state.pos.shape[1]):
        if state.task[e, a] != NONE or is_dead(state, e, a):
            continue
        best: Int = NONE
        least: Int = 0
        row, col = np.int64(settings.row[state.pos[e, a]]), np.int64(settings.col[state.pos[e, a]])
        for q in range(state.pool.shape[1]):
            if state.pool_owner[e, q] != EMPTY:
                continue
            task = np.int64(state.pool[e, q])
            cell = settings.task_cell[settings.task_first[in_file(settings, task)]]
            away = abs(np.int64(settings.row[cell]) - row) + abs(np.int64(settings.col[cell]) - col)
            if best == NONE or away < least:
                best, least = q, away
        if best == NONE:
            return
        _take_from_pool(state, settings, e, a, best)


@jit(inline=True)
def finish_errands(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Count the errand of every robot that stands on its goal, at most one a step, and hand out what comes next."""
    freed = False
    for a in range(state.pos.shape[1]):
        out.terms[e, a, ERRAND] = np.float32(0.0)
        if state.goal[e, a] == 0 or state.pos[e, a] != state.goal[e, a] or is_dead(state, e, a):
            continue
        out.terms[e, a, ERRAND] = np.float32(1.0)
        state.tally[e, a, ERRANDS] += np.int32(1)
        state.travelled[e] += state.step[e] - state.set_out[e, a]
        state.shortest_sum[e] += state.shortest[e, a]
        state.errand[e, a] += np.int32(1)
        if state.errand[e, a] == 1:
            state.tally[e, a, PICKED_AT] = state.step[e]
        if settings.supply == DRAWN:
            _count_task(state, e, a)
            _draw(state, settings, e, a)
            continue
        task = np.int64(state.task[e, a])
        at = settings.task_first[in_file(settings, task)] + state.errand[e, a]
        if at < settings.task_first[in_file(settings, task) + 1]:
            _begin_errand(state, e, a, settings.task_cell[at])
            continue
        _count_task(state, e, a)
        _next_of_file(state, settings, e, a, task)
        freed |= state.task[e, a] == NONE
    if freed and settings.supply == POOL and settings.assigner == NEAREST:
        assign_nearest(state, settings, e)


@jit(inline=True)
def _count_task(state: State, e: Int, a: Int) -> None:
    state.tally[e, a, TASKS] += np.int32(1)
    state.last_task[e, a] = state.task[e, a]
    state.service[e] += state.step[e] - state.released[e, a]
    note_task(state, e, a)


@jit(inline=True)
def _next_of_file(state: State, settings: Settings, e: Int, a: Int, task: Int) -> None:
    """After the last errand of `task`: the robot's next one in turn, or a new one for the pool in its place."""
    state.task[e, a] = NONE
    state.goal[e, a] = 0
    if settings.supply == ROUND_ROBIN:
        _take(state, settings, e, a, task + state.pos.shape[1], state.step[e])
        return
    q = state.place[e, a]
    state.pool_owner[e, q] = EMPTY
    state.pool_since[e, q] = state.step[e]
    state.pool[e, q] = state.next_task[e]
    state.next_task[e] += np.int32(1)
