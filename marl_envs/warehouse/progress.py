"""Progress over windows of WINDOW steps: who moves without getting anywhere, and who stands because all others stand.

For policies that wait by choice before a robot, as the greedy planner does, nobody is refused and no deadlock of
standstill.py arises. So at the end of a window a robot with a target counts as held when it stood all through it and
every next cell of its shortest ways is in the hands of another held robot, or of one that stood without a target.

Livelock, per robot: it moved or turned in at least half of the window's steps, got nothing done and is no nearer to its
target than at the window's start. The stricter definition asks for a repeated joint configuration, too; remembering
configurations of all robots would cost more than the step itself, so a random walk counts here.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.warehouse.counting import (
    LIVELOCKED,
    STANDING,
    STANDSTILL_FIRST,
    STANDSTILL_LARGEST,
    WINDOW,
    WINDOW_START,
    WINDOWS,
    Counted,
)
from marl_envs.warehouse.types import EMPTY

FREE, HELD, RESTING = range(3)


class Ways(Protocol):
    """What this reads of the Settings of either task."""

    @property
    def ahead(self) -> NDArray[np.int32]:
        """What to add to a cell to go one ahead, by heading [4]."""


@jit(inline=True)
def window_ends(state: Counted, e: Int) -> Bool:
    """Return whether a window ends (and the next begins) with this step."""
    return state.step[e] % WINDOW == 0


@jit(inline=True)
def was_watched(state: Counted, e: Int) -> Bool:
    """Return whether the window that ends now was watched from its start; begin the next one."""
    watched: Bool = state.record[e, WINDOW_START] == state.step[e] - WINDOW + 1
    state.record[e, WINDOW_START] = state.step[e] + 1
    state.record[e, WINDOWS] += watched
    return watched


@jit(inline=True)
def look_back(state: Counted, e: Int, a: Int, watched: Bool, active: Int, done: Int, far: Int) -> None:
    """Judge robot `a` at the end of a window, and note where it begins the next one.

    Args:
        state: the state; `tail` becomes FREE, HELD (stands, with a target) or RESTING (stands, without).
        e: which environment.
        a: which robot.
        watched: what `was_watched` says.
        active: the robot's moves and turns in this episode.
        done: what it got done in this episode (loads, errands ...).
        far: distance to its target, or EMPTY.
    """
    state.tail[e, a] = FREE
    if watched and done == state.window_done[e, a]:
        moves = active - state.window_active[e, a]
        if moves == 0:
            state.tail[e, a] = RESTING if far == EMPTY else HELD
        elif 2 * moves >= WINDOW and far != EMPTY and far >= state.window_far[e, a] != EMPTY:
            state.record[e, LIVELOCKED] += 1
    state.window_active[e, a] = active
    state.window_done[e, a] = done
    state.window_far[e, a] = far


@jit(inner=True)
def count_standstill(state: Counted, settings: Ways, e: Int) -> None:
    """Count the held robots, given in `go` the directions of the next cells of their shortest ways as bits.

    Whoever has none, or one that is not in the hands of a held or a resting robot, is not held; until nothing changes.
    """
    held, before = 0, -1
    while held != before:
        before, held = held, 0
        for a in range(state.pos.shape[1]):
            if state.tail[e, a] == HELD:
                if _is_shut_in(state, settings, e, a):
                    held += 1
                else:
                    state.tail[e, a] = FREE
    if held:
        state.record[e, STANDING] += held
        state.record[e, STANDSTILL_LARGEST] = max(state.record[e, STANDSTILL_LARGEST], held)
        if state.record[e, STANDSTILL_FIRST] == 0:
            state.record[e, STANDSTILL_FIRST] = state.step[e]


@jit(inline=True)
def _is_shut_in(state: Counted, settings: Ways, e: Int, a: Int) -> Bool:
    for h in range(4):
        if state.go[e, a] >> h & 1:
            b = state.robot_at[e, np.int64(state.pos[e, a]) + settings.ahead[h]]
            if b == EMPTY or state.tail[e, b] == FREE:
                return False
    return state.go[e, a] != 0
