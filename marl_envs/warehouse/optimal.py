"""The assignment with the least total of ways, for planners of the shelves task (guidance: nearest pairs)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marl_envs.warehouse.assignment import NOBODY, cheapest
from marl_envs.warehouse.types import EMPTY, FETCH, IDLE, RETURN, UNREACHABLE, Settings, State


def with_own_targets(state: State) -> State:
    """Return the state with targets, errands and guide bits that a planner may overwrite."""
    return state._replace(target=state.target.copy(), phase=state.phase.copy(), guide=state.guide.copy())


def assign(state: State, own: State, settings: Settings) -> None:
    """Write targets into `own`: fetching robots to requested shelves, returning ones to empty homes.

    As many as possible get one, at the least total of steps, turns included. What other robots are about stays; dead
    ones get nothing, and what they stand on is no target.

    Raises:
        ImportError: scipy is not installed.
    """
    for mine, theirs in ((own.target, state.target), (own.phase, state.phase), (own.guide, state.guide)):
        mine[:] = theirs
    for e in range(len(state.pos)):
        fetching = np.flatnonzero(((state.phase[e] == FETCH) | (state.phase[e] == IDLE)) & _alive(state, e))
        shelves = _match(state, own, settings, e, fetching, _standing(state, e), settings.free_steps)
        own.phase[e, fetching] = np.where(shelves, FETCH, IDLE)
        returning = np.flatnonzero(state.phase[e] == RETURN)
        gaps = _open_cells(state, e, state.gap[e][state.gap[e] > 0])
        _match(state, own, settings, e, returning, gaps, settings.laden_steps)


def _alive(state: State, e: int) -> NDArray[np.bool_]:
    """Return which robots have energy left [A]; without batteries `level` has no columns."""
    return state.level[e] > 0 if state.level.shape[1] else np.ones(state.pos.shape[1], np.bool_)


def _open_cells(state: State, e: int, cells: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return those of the cells on which no dead robot stands."""
    robots = state.robot_at[e][cells]
    found: NDArray[np.uint32] = cells[(robots == EMPTY) | _alive(state, e)[robots]]
    return found


def _standing(state: State, e: int) -> NDArray[np.uint32]:
    """Return the cells of the requested shelves that nobody carries."""
    cells = state.shelf_pos[e][state.queue[e]]
    robots = state.robot_at[e][cells]
    carried = (robots != EMPTY) & (state.load[e][robots] == state.queue[e])
    return _open_cells(state, e, cells[~carried])


def _match(
    state: State,
    own: State,
    settings: Settings,
    e: int,
    robots: NDArray[np.int64],
    cells: NDArray[np.uint32],
    steps: NDArray[np.uint16],
) -> NDArray[np.bool_]:
    """Give the robots targets among the cells of homes; return which of them have one."""
    here = state.pos[e][robots].astype(np.int64) * 4 + state.heading[e][robots]
    homes = settings.home_index[cells]
    choice = cheapest(steps[homes][:, here].T.astype(np.int64), UNREACHABLE)
    matched: NDArray[np.bool_] = choice != NOBODY
    own.target[e, robots] = 0
    own.guide[e, robots] = 0
    own.target[e, robots[matched]] = cells[choice[matched]]
    table = settings.free_guide if steps is settings.free_steps else settings.laden_guide
    own.guide[e, robots[matched]] = table[homes[choice[matched]], here[matched]]
    return matched
