"""The floor of the errands task with its charging cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.warehouse.energy import as_object, with_chargers
from marl_envs.warehouse.errands.floors import CHARGER, Floor, get_floor
from marl_envs.warehouse.errands.problems import read_problem

DEFAULT_ROBOTS = 8


def floor_of(params: Any) -> Floor:
    """Return the floor of these parameters (the object, or its fields as a mapping), `C` where a robot can charge.

    Without batteries there is no `C`.
    Stations, shelf sides and the cells of a file's tasks are where robots have errands.

    Raises:
        ParameterError: see `energy.with_chargers`, or the floor or the problem is broken.
    """
    params = as_object(params, problem=None, num_robots=None)
    problem = None if params.problem is None else read_problem(params.problem)
    floor = get_floor(params.floor) if problem is None else problem.floor
    if params.battery is None and CHARGER not in "".join(floor.rows):
        return floor
    robots = (params.num_robots or DEFAULT_ROBOTS) if problem is None else len(problem.starts)
    busy = np.isin(floor.codes, [ord(char) for char in "ES"])
    if problem is not None:
        busy.reshape(-1)[problem.task_cells] = True
    return Floor(with_chargers(floor.rows, CHARGER, ".ESC", busy, params, robots))
