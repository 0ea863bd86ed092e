"""The floor of the shelves task with its charging cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.warehouse.energy import as_object, with_chargers
from marl_envs.warehouse.layouts import CHARGER, GOAL, HIGHWAY, Layout, get_layout


def floor_of(params: Any) -> Layout:
    """Return the floor of these parameters (the object, or its fields as a mapping), `c` where a robot can charge.

    Without batteries there is no `c`.

    Raises:
        ParameterError: see `energy.with_chargers`.
    """
    params = as_object(params, num_robots=2)
    floor = get_layout(params.layout)
    goals = np.array([[char == GOAL for char in row] for row in floor.rows])
    return Layout(with_chargers(floor.rows, CHARGER, HIGHWAY + GOAL, goals, params, params.num_robots))
