"""Road networks: roads, lanes, lane links, crosses and signal phases, as read-only tables.

A *drivable* is a lane or a lane link (a path through a junction from one lane to another). Drivables are numbered:
first all lanes, road by road from the left, then all lane links, junction by junction. A *road link* is a movement:
all lane links from one road to another. A *cross* is where two lane links of a junction meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.plans import JunctionPlan, RoadPlan

Ints = NDArray[np.int32]
Reals = NDArray[np.float64]

NO_LIMIT = 10_000.0  # speed limit of lane links: none [m/s]


@dataclass(frozen=True, eq=False)
class RightOfWay:
    """What a file of SUMO's says of who gives way, more than ranks can say."""

    yields: NDArray[np.bool_]
    """[C, 2] whether each of the two lane links must give way to the other; both may."""
    foes: NDArray[np.bool_]
    """[C] whether the file calls the two foes; else their lines only cross."""
    wait_at: Reals
    """[K] where on the link one waits inside the junction until it is free [m]; 0: nowhere."""
    added: NDArray[np.bool_]
    """[K] whether the link is not in the file, but stands for a change of lane before it."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network. R roads, L lanes, K lane links, N = L + K drivables, J junctions, Q road links, C crosses, P phases.

    Made by `assemble.assemble`, which checks everything.
    """

    name: str
    """Where it comes from: the file, or what generated it."""
    road_ids: tuple[str, ...]
    road_start: Ints
    """[R] junction."""
    road_end: Ints
    """[R] junction."""
    first_lane: Ints
    """[R + 1] the lanes of road r are first_lane[r] .. first_lane[r + 1] - 1."""
    lane_width: Reals
    """[L] [m]."""
    length: Reals
    """[N] [m]."""
    limit: Reals
    """[N] speed limit [m/s]; NO_LIMIT on lane links."""
    junction_ids: tuple[str, ...]
    virtual: NDArray[np.bool_]
    """[J] vehicles only enter and leave there."""
    junction_xy: Reals
    """[J, 2] [m]."""
    junction_roads: tuple[tuple[int, ...], ...]
    """[J] roads that start or end there, in the file's order, which decides between routes of equal length."""
    first_link: Ints
    """[J + 1] the lane links of junction j are first_link[j] .. first_link[j + 1] - 1, counted from 0."""
    link_start: Ints
    """[K] lane."""
    link_end: Ints
    """[K] lane."""
    link_movement: Ints
    """[K] road link."""
    first_road_link: Ints
    """[J + 1]"""
    road_link_kind: NDArray[np.uint8]
    """[Q] plans.OTHER, TURN_RIGHT, TURN_LEFT or STRAIGHT: its right of way, too."""
    road_link_roads: Ints
    """[Q, 2] from, to."""
    cross_links: Ints
    """[C, 2] the two lane links."""
    cross_at: Reals
    """[C, 2] where on each [m]."""
    cross_rank: NDArray[np.uint8]
    """[C, 2] right of way of each there, the higher goes first: the road links' kinds, unless a file knows better."""
    first_phase: Ints
    """[J + 1] the phases of junction j; none where it is virtual."""
    phase_time: Reals
    """[P] how long it lasts in the junction's own program [s]."""
    green: NDArray[np.bool_]
    """[P, most road links of a junction] whether the junction's k-th road link may go."""
    xy: Reals
    """[X, 2] points of all centre lines [m]."""
    first_point: Ints
    """[N + 1] the points of drivable d are xy[first_point[d]] .. xy[first_point[d + 1] - 1]."""
    roads: tuple[RoadPlan, ...]
    """What it was assembled from."""
    junctions: tuple[JunctionPlan, ...]
    """Likewise."""
    right_of_way: RightOfWay | None = None
    """SUMO's, in networks from its files."""

    @property
    def num_lanes(self) -> int:
        """Lanes, L."""
        return len(self.lane_width)

    @property
    def num_links(self) -> int:
        """Lane links, K."""
        return len(self.link_start)

    @cached_property
    def road_index(self) -> dict[str, int]:
        """Number of each road, by id."""
        return {road: r for r, road in enumerate(self.road_ids)}

    @cached_property
    def junction_index(self) -> dict[str, int]:
        """Number of each junction, by id."""
        return {junction: j for j, junction in enumerate(self.junction_ids)}

    @cached_property
    def lane_road(self) -> Ints:
        """[L] road of each lane."""
        return np.repeat(np.arange(len(self.road_ids), dtype=np.int32), np.diff(self.first_lane))

    @cached_property
    def lane_index(self) -> Ints:
        """[L] number of each lane on its road, from the left."""
        return np.arange(self.num_lanes, dtype=np.int32) - self.first_lane[self.lane_road]

    @cached_property
    def links_from(self) -> tuple[tuple[int, ...], ...]:
        """[L] lane links that leave each lane, in the file's order."""
        found: list[list[int]] = [[] for _ in range(self.num_lanes)]
        for k, lane in enumerate(self.link_start.tolist()):
            found[lane].append(k)
        return tuple(map(tuple, found))

    @cached_property
    def drivable_ids(self) -> tuple[str, ...]:
        """Name of each drivable: "ROAD_0" for a lane, "ROAD_0_TO_ROAD_1" for a lane link."""
        lanes = [f"{self.road_ids[r]}_{k}" for r, k in zip(self.lane_road, self.lane_index, strict=True)]
        links = [f"{lanes[a]}_TO_{lanes[b]}" for a, b in zip(self.link_start, self.link_end, strict=True)]
        return tuple(lanes + links)

    @cached_property
    def signals(self) -> tuple[int, ...]:
        """Junctions that can be controlled: those with phases."""
        return tuple(np.flatnonzero(np.diff(self.first_phase)).tolist())

    def num_phases(self, junction: int) -> int:
        """Return how many phases a junction has."""
        return int(self.first_phase[junction + 1] - self.first_phase[junction])
