"""What the measurements need to know of a task that its records do not say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.config import Suite
from benchmarks.errors import InputError


class Place(NamedTuple):
    """One family of environments."""

    size: str  # the parameter that is the number of agents
    counted: str  # the metric of which a share is kept when agents fail: a count, never a reward
    frozen: int  # action of an agent that fails in place
    active: Callable[[Any, Any], Any]  # (obs, alive) [E, A] -> bool: whose action has an effect
    zones: int  # kinds of jobs, for the division of labour; 0: each agent has a job of its own
    picked: Callable[[Any, Any], Any] | None = None  # (vec, loads before) -> zone of each robot's new load, or -1


def _picked(vec: Any, before: NDArray[Any]) -> NDArray[np.int64]:
    """Return the quarter of the floor (0 to 3) in which each robot has just loaded a shelf, -1 if it has not."""
    state, settings = vec.arrays, vec.simulation.settings
    row, column = settings.row[state.pos].astype(np.int64), settings.col[state.pos].astype(np.int64)
    quarter = 2 * (2 * row >= settings.height) + (2 * column >= settings.width)
    return np.where((before < 0) & (state.load >= 0), quarter, -1)


PLACES = {
    "warehouse_v0": Place("num_robots", "deliveries", 0, lambda obs, alive: alive, 4, _picked),
    # Cars see 0 while they do not drive; one that fails brakes hard and stays where it is.
    "intersection_v0": Place("num_vehicles", "arrived", 3, lambda obs, alive: alive & (obs > 0), 0),
}


def place_of(env: str) -> Place:
    """Return what is known of a family; raise InputError for one that the measurements do not know."""
    if env not in PLACES:
        raise InputError(f"coordination is measured in {', '.join(PLACES)}, not in {env}")
    return PLACES[env]


def check(suite: Suite, path: Path) -> None:
    """Raise InputError if a suite of the file `path` asks for measurements that cannot be made."""
    if not suite.coordination:
        return
    if suite.chance is None:
        raise InputError(f"{path}: coordination needs chance, the agent that is 0 %")
    for name, environment in suite.environments.items():
        try:
            place_of(environment.env)
        except InputError as error:
            raise InputError(f"{path}: environments.{name}.env: {error}") from error
