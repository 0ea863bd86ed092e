"""Who is sent to charge, and to which charging cell, in both tasks.

A robot is sent to charge once its level has fallen to what the way to the nearest charging cell costs at most, plus
the reserve, and stays sent until it is full. It is given the nearest charging cell that nobody else is sent to, an
unoccupied one if there is any; while there is none that it can reach, it waits where it is. On its way it changes over
to a nearer one that has become free. If charging cells are short, the robot with the lowest level chooses first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.warehouse.battery import Batteries, Power
from marl_envs.warehouse.types import EMPTY, UNREACHABLE

OCCUPIED = 2 * UNREACHABLE  # makes any free charging cell nearer than an occupied one


@jit(inner=True)
def send(state: Batteries, settings: Power, steps: Any, e: Int) -> None:
    """Decide once a step who is to charge, and where.

    Args:
        state: with `laden` and `spot` as they are now.
        settings: of the task.
        steps: ways to the charging cells: row h, or H + h for laden robots, by spot.
        e: environment.
    """
    waiting = 0
    for a in range(state.level.shape[1]):
        level = state.level[e, a]
        if state.sent[e, a] and (level == 0 or level >= settings.capacity):
            state.sent[e, a] = 0
            state.window_far[e, a] = EMPTY  # another target: progress is not judged before the next window
            _book(state, settings, e, a, EMPTY)
        elif 0 < level < settings.capacity and level <= need_of(state, settings, e, a) + settings.reserve:
            if state.sent[e, a] == 0:
                state.window_far[e, a] = EMPTY
            state.sent[e, a] = 1
        if state.charger[e, a]:
            _change_over(state, settings, steps, e, a)
        waiting += state.sent[e, a] != 0 and state.charger[e, a] == 0
    robots, served = state.level.shape[1], np.int64(-1)
    for _ in range(waiting):
        first = np.int64(settings.capacity) * robots  # level * robots + robot: who is first, ties lowest index
        for a in range(robots):
            if state.sent[e, a] and state.charger[e, a] == 0:
                turn = np.int64(state.level[e, a]) * robots + a
                if served < turn < first:
                    first = turn
        served = first
        a = first % robots
        _book(state, settings, e, a, _nearest_free(state, settings, steps, e, a))


@jit(inline=True)
def need_of(state: Batteries, settings: Power, e: Int, a: Int) -> Int:
    """Return the most that robot `a`'s way to the nearest charging cell costs."""
    return settings.need[state.laden[e, a], state.spot[e, a]]


@jit(inline=True)
def _book(state: Batteries, settings: Power, e: Int, a: Int, h: Int) -> None:
    """Send robot `a` to charging cell `h`, or to none (EMPTY), in place of its former one."""
    if state.charger[e, a]:
        state.booked[e, settings.charger_at[state.charger[e, a]]] = 0
    state.charger[e, a] = 0
    if h != EMPTY:
        state.booked[e, h] = 1
        state.charger[e, a] = settings.chargers[h]


@jit(inline=True)
def _way(state: Batteries, settings: Power, steps: Any, e: Int, a: Int, h: Int) -> Int:
    """Return the length of robot `a`'s way to charging cell `h`; one where another robot stands counts as far."""
    b = state.robot_at[e, settings.chargers[h]]
    way = np.int64(steps[np.int64(state.laden[e, a]) * settings.chargers.shape[0] + h, state.spot[e, a]])
    return way + OCCUPIED if b != EMPTY and b != a else way


@jit(inner=True)
def _nearest_free(state: Batteries, settings: Power, steps: Any, e: Int, a: Int) -> Int:
    """Return the charging cell nearest to robot `a` that nobody is sent to (ties: the first), or EMPTY.

    One that may be out of reach is left to others, and another one waited for, unless all may be out of reach.
    """
    dearest, affordable = settings.dearest[state.laden[e, a]], max(state.level[e, a], need_of(state, settings, e, a))
    best: Int = EMPTY
    least: Int = 0
    for h in range(settings.chargers.shape[0]):
        if state.booked[e, h]:
            continue
        way = _way(state, settings, steps, e, a, h)
        plain = way % OCCUPIED
        if plain != UNREACHABLE and plain * dearest <= affordable and (best == EMPTY or way < least):
            best, least = h, way
    return best


@jit(inline=True)
def _change_over(state: Batteries, settings: Power, steps: Any, e: Int, a: Int) -> None:
    """Send robot `a`, which is on its way, to another charging cell if a nearer one has become free."""
    if state.charger[e, a] == state.pos[e, a]:
        return
    h = _nearest_free(state, settings, steps, e, a)
    own = np.int64(settings.charger_at[state.charger[e, a]])
    if h != EMPTY and _way(state, settings, steps, e, a, h) < _way(state, settings, steps, e, a, own):
        _book(state, settings, e, a, h)
