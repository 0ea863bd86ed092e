"""Assigners: who of the free robots takes which open task of a pool, by a function of one's own or the cheapest way.

An assigner is called between the kernels of a step, once for each environment that has both free robots and open
tasks. What it answers becomes `State.schedule`, which a kernel carries out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.warehouse.assignment import cheapest
from marl_envs.warehouse.errands import distances
from marl_envs.warehouse.errands.types import CALLED, EMPTY, NONE, POOL, UNREACHABLE, Settings, State

if TYPE_CHECKING:
    from marl_envs.core.family import Simulation

IDLE = -1  # an assigner's answer for a robot that takes nothing


def _free_robots(state: State) -> NDArray[np.bool_]:
    """Return who has no task and can take one [E, A]; without batteries `level` has no columns."""
    free: NDArray[np.bool_] = state.task == NONE
    return free & (state.level > 0) if state.level.shape[1] else free


class Pool:
    """Free robots and open tasks of one environment, as an assigner sees them. Read only."""

    def __init__(self, settings: Settings, state: State, e: int) -> None:
        """Collect who is free and what is open in environment `e`."""
        self._settings, self._goals = settings, state.goal
        self.robots: NDArray[np.int64] = np.flatnonzero(_free_robots(state)[e])
        """Free robots [F]; the dead are none."""
        open_places = np.flatnonzero(state.pool_owner[e] == EMPTY)
        self.tasks: NDArray[np.int64] = state.pool[e][open_places].astype(np.int64)
        """Open tasks [T], numbered as in `State.task`: k is the file's k modulo its number of tasks."""
        self.waited: NDArray[np.int64] = np.int64(state.step[e]) - state.pool_since[e][open_places]
        """How long each has been open [T] [steps]."""
        in_file = self.tasks % (len(settings.task_first) - 1)
        self._at = state.pos[e][self.robots]
        self._first = settings.task_cell[settings.task_first[in_file]]
        self.robot_cells = self._places(self._at)
        """Row and column of each free robot [F, 2]."""
        self.task_cells = self._places(self._first)
        """Row and column of the first errand of each open task [T, 2]."""
        self.errands: NDArray[np.int64] = settings.task_first[in_file + 1] - settings.task_first[in_file]
        """Number of errands of each open task [T]."""

    def _places(self, cells: NDArray[np.uint32]) -> NDArray[np.int64]:
        return np.stack([self._settings.row[cells], self._settings.col[cells]], axis=-1).astype(np.int64)

    def distances(self) -> NDArray[np.int64]:
        """Return the shortest way from each free robot to the first errand of each open task [F, T] [cells].

        Turns and other robots are ignored; UNREACHABLE (65535) where there is no way. Builds a distance table for every
        open task.

        Raises:
            ParameterError: the tables do not fit in `distance_bytes`.
        """
        distances.keep(self._settings, np.concatenate([self._goals.ravel(), self._first]))
        tables = self._settings.steps[self._settings.slot[self._first]]
        ways: NDArray[np.int64] = tables[:, self._at].T.astype(np.int64)
        return ways


Assigner = Callable[[Pool], NDArray[Any]]
"""Returns for each free robot the index of a task in `Pool.tasks`, each at most once, or IDLE: integers [F].

It must depend on the pool alone: environments promise that a seed and the actions decide everything.
"""


def optimal(pool: Pool) -> NDArray[np.int64]:
    """Return the assignment with the least total of ways to the first errands (scipy's linear_sum_assignment)."""
    return cheapest(pool.distances(), UNREACHABLE)


@lru_cache(maxsize=64)
def load(name: str) -> Assigner:
    """Return the assigner called "optimal", or the one that "module:function" names.

    Raises:
        ParameterError: there is no such module or function.
    """
    if name == "optimal":
        return optimal
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ParameterError(f'assigner "{name}" cannot be found as "module:function": {error}') from error
    if not callable(found):
        raise ParameterError(f'assigner "{name}" must be a function of a Pool, not {type(found).__name__}')
    return found  # type: ignore[no-any-return]


def prepare(simulation: Simulation, state: State) -> None:
    """Let the assigner, if one is to be called, choose tasks; then build the distance tables that are missing.

    Raises:
        ParameterError: the tables do not fit in `distance_bytes`.
        ValueError: an assigner's answer makes no sense.
    """
    settings = simulation.settings
    goals = state.goal.ravel()
    if settings.supply == POOL and settings.assigner == CALLED:
        goals = np.concatenate([goals, _propose(settings, state, simulation.params.assigner)])
    distances.keep(settings, goals)


def _propose(settings: Settings, state: State, name: str) -> NDArray[np.uint32]:
    """Write the assigner's answers into the schedule; return the cells of the errands that begin with it.

    It is asked once a step: whom it leaves idle stays so in the step, also if the state is only shown again.
    """
    begun = [np.zeros(0, np.uint32)]
    due = state.asked != state.step + 1
    waiting = due & _free_robots(state).any(axis=1) & (state.pool_owner == EMPTY).any(axis=1)
    for e in np.flatnonzero(waiting).tolist():
        pool = Pool(settings, state, e)
        answer = _checked(load(name)(pool), pool, name)
        takes = answer != IDLE
        state.schedule[e, pool.robots[takes]] = pool.tasks[answer[takes]]
        begun.append(pool._first[answer[takes]])
    state.asked[due] = state.step[due] + 1
    return np.concatenate(begun)


def _checked(answer: Any, pool: Pool, name: str) -> NDArray[np.int64]:
    """Return the answer, or raise ValueError saying what is wrong with it."""
    chosen = np.asarray(answer)
    if chosen.shape != pool.robots.shape or not np.issubdtype(chosen.dtype, np.integer):
        raise ValueError(
            f'assigner "{name}" must return an integer for each of the {len(pool.robots)} free robots, '
            f"not {chosen.dtype} {chosen.shape}"
        )
    taken = chosen[chosen != IDLE]
    if ((taken < 0) | (taken >= len(pool.tasks))).any():
        raise ValueError(f'assigner "{name}" must return {IDLE} to {len(pool.tasks) - 1}, not {chosen.tolist()}')
    if len(np.unique(taken)) < len(taken):
        raise ValueError(f'assigner "{name}" must give each task to one robot at most, not {chosen.tolist()}')
    return chosen.astype(np.int64)
