"""Where vehicles are on the plane: the path through each lane link, with some of the lanes before and behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.network import Network
from marl_envs.traffic.vehicles.types import PATH_STEP

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Paths:
    """Points of all links' paths, every PATH_STEP metres from `before` metres before the stop line."""

    first: NDArray[np.int32]
    """[K + 1] where each link's points begin."""
    x: Reals
    y: Reals
    before: float
    """[m]"""

    def of(self, link: int) -> tuple[Reals, Reals]:
        """Return x and y of the points of a link."""
        part = slice(self.first[link], self.first[link + 1])
        return self.x[part], self.y[part]


def make_paths(network: Network, before: float) -> Paths:
    """Return the paths of all links; they reach `before` metres [m] beyond both ends, rounded up to PATH_STEP."""
    before = float(np.ceil(before / PATH_STEP) * PATH_STEP)
    first, xs, ys = [0], [np.zeros(0)], [np.zeros(0)]
    for k in range(network.num_links):
        ways = np.arange(-before, network.length[network.num_lanes + k] + before + PATH_STEP, PATH_STEP)
        points = path_points(network, k, ways)
        xs.append(points[:, 0])
        ys.append(points[:, 1])
        first.append(first[-1] + len(ways))
    return Paths(np.array(first, np.int32), np.concatenate(xs), np.concatenate(ys), before)


def path_points(network: Network, link: int, ways: Reals) -> Reals:
    """Return the points [n, 2] at `ways` [n] [m] on a link's path."""
    d = network.num_lanes + link
    start, end, length = int(network.link_start[link]), int(network.link_end[link]), float(network.length[d])
    points = points_on(network, d, ways)
    before, behind = ways < 0.0, ways > length
    points[before] = points_on(network, start, network.length[start] + ways[before])
    points[behind] = points_on(network, end, ways[behind] - length)
    return points


def points_on(network: Network, d: int, at: Reals) -> Reals:
    """Return the points [n, 2] at distances `at` [n] [m] on a drivable; beyond its ends it goes straight on.

    A drivable's length may be another than that of the line that is drawn for it (SUMO's files): then it is stretched.
    """
    line = network.xy[network.first_point[d] : network.first_point[d + 1]]
    pieces = np.hypot(*np.diff(line, axis=0).T)
    sums = np.concatenate(([0.0], np.cumsum(pieces)))
    drawn = at * (sums[-1] / network.length[d])
    k = np.clip(np.searchsorted(sums, drawn, side="right") - 1, 0, len(pieces) - 1)
    share = (drawn - sums[k]) / np.maximum(pieces[k], 1e-9)
    result: Reals = line[k] + share[:, None] * (line[k + 1] - line[k])
    return result
