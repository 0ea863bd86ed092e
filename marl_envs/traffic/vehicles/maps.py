"""What pictures as observations need of a network: points along all lines, and a map of where roads are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.traffic.network import Network, Reals
from marl_envs.traffic.vehicles.image import MAP_STEP
from marl_envs.traffic.vehicles.paths import points_on
from marl_envs.traffic.vehicles.types import PATH_STEP

MOST_CELLS = 200_000_000  # of the map: 7 km x 7 km
RIM = 10.0  # around the lines [m]


def no_maps() -> dict[str, Any]:
    """Return the tables where nobody sees pictures."""
    none = np.zeros(0)
    return {
        "line_first": np.zeros(0, np.int32),
        "line_x": none,
        "line_y": none,
        "road_map": np.zeros((0, 0), np.uint8),
        "map_x": 0.0,
        "map_y": 0.0,
    }


def map_tables(network: Network) -> dict[str, Any]:
    """Return the tables line_first, line_x, line_y, road_map, map_x and map_y of `Rules`.

    Raises:
        ParameterError: the network is too large for a map.
    """
    first, points = [0], [np.zeros((0, 2))]
    for d, length in enumerate(network.length.tolist()):
        points.append(points_on(network, d, np.linspace(0.0, length, max(1, int(np.ceil(length / PATH_STEP))) + 1)))
        first.append(first[-1] + len(points[-1]))
    low, high = network.xy.min(axis=0) - RIM, network.xy.max(axis=0) + RIM
    columns, rows = (int(np.ceil(side / MAP_STEP)) for side in (high - low).tolist())
    if rows * columns > MOST_CELLS:
        raise ParameterError(
            f'observation="image" goes with networks of at most {MOST_CELLS * MAP_STEP**2 / 1e6:g} km2; '
            f"{network.name} takes {rows * columns * MAP_STEP**2 / 1e6:.0f}"
        )
    lines = np.concatenate(points)
    return {
        "line_first": np.array(first, np.int32),
        "line_x": lines[:, 0].copy(),
        "line_y": lines[:, 1].copy(),
        "road_map": _road_map(network, low, rows, columns),
        "map_x": float(low[0]),
        "map_y": float(low[1]),
    }


def _road_map(network: Network, low: Reals, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return which cells are road: their middle is at most half a width from the middle line of a lane or link."""
    road = np.zeros((rows, columns), np.uint8)
    for d in range(len(network.length)):
        lane = d if d < network.num_lanes else int(network.link_start[d - network.num_lanes])
        half = float(network.lane_width[lane]) / 2.0
        for a, b in pairwise(network.xy[network.first_point[d] : network.first_point[d + 1]]):
            _draw(road, (a - low) / MAP_STEP, (b - low) / MAP_STEP, half / MAP_STEP)
    return road


def _draw(road: NDArray[np.uint8], a: Reals, b: Reals, half: float) -> None:
    """Mark the cells whose middle is at most `half` from the straight line between two points, in cells."""
    begin = np.maximum(np.floor(np.minimum(a, b) - half), 0).astype(int)
    end = np.minimum(np.ceil(np.maximum(a, b) + half), road.shape[::-1]).astype(int)
    x = np.arange(begin[0], end[0]) + 0.5 - a[0]
    y = (np.arange(begin[1], end[1]) + 0.5 - a[1])[:, None]
    along = b - a
    share = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-12), 0.0, 1.0)
    near = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2 <= half * half
    road[begin[1] : end[1], begin[0] : end[0]] |= near.astype(np.uint8)
