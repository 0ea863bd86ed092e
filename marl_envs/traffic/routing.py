"""Routes: from the roads that a flow names to a connected one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property

from marl_envs.core.params import ParameterError
from marl_envs.traffic.network import Network

Entry = tuple[float, int]  # distance [m], road


class NoRouteError(Exception):
    """There is no route; the message says why."""


class Router:
    """Finds routes and keeps each different one once."""

    def __init__(self, network: Network, routes: Sequence[tuple[int, ...]] = ()) -> None:
        """Begin with `routes`."""
        self._network = network
        self.routes: list[tuple[int, ...]] = list(routes)
        self._number = {route: w for w, route in enumerate(self.routes)}
        self._known: dict[tuple[str, ...], int] = {}

    def find(self, names: tuple[str, ...], where: str, allow_none: bool = False) -> int:
        """Return the number of the route along the roads `names`; -1 if there is none and that is allowed.

        Raises:
            ParameterError: an unknown road; two roads that are not connected, or one road only, unless allowed.
        """
        if names not in self._known:
            self._known[names] = self._add(names, where, allow_none)
        return self._known[names]

    def roads_of(self, names: Sequence[str], where: str) -> list[int]:
        """Return the numbers of roads; raise ParameterError if one is unknown."""
        for name in names:
            if name not in self._network.road_index:
                raise ParameterError(f"{where}: there is no road {name!r}")
        return [self._network.road_index[name] for name in names]

    def complete(self, roads: Sequence[int]) -> tuple[int, ...]:
        """Return the route that passes `roads` in order; raise NoRouteError if there is none."""
        route = list(roads[:1])
        for a, b in itertools.pairwise(roads):
            if a != b:
                route += [b] if b in self._neighbours[a] else self._shortest(a, b)
        if len(route) < 2:
            raise NoRouteError("the route must have at least 2 different roads")
        return tuple(route)

    def number_of(self, route: tuple[int, ...]) -> int:
        """Return the number of a complete route, which is kept."""
        if route not in self._number:
            self._number[route] = len(self.routes)
            self.routes.append(route)
        return self._number[route]

    def _add(self, names: tuple[str, ...], where: str, allow_none: bool) -> int:
        roads = self.roads_of(names, where)
        try:
            return self.number_of(self.complete(roads))
        except NoRouteError as error:
            if allow_none:
                return -1
            raise ParameterError(f"{where}: route {list(names)}: {error}") from None

    @cached_property
    def _neighbours(self) -> list[list[int]]:
        """Roads that a vehicle can go on to from each road, in the order of the junction's list."""
        network = self._network
        lane_road = network.lane_road
        ends: list[set[int]] = [set() for _ in network.road_ids]
        for a, b in zip(network.link_start.tolist(), network.link_end.tolist(), strict=True):
            ends[lane_road[a]].add(int(lane_road[b]))
        return [
            [b for b in network.junction_roads[network.road_end[a]] if b in ends[a]]
            for a in range(len(network.road_ids))
        ]

    @cached_property
    def _mean_length(self) -> list[float]:
        """Mean length of each road's lanes [m]."""
        lengths = self._network.length.tolist()
        means = []
        for a, b in zip(self._network.first_lane, self._network.first_lane[1:], strict=False):
            total = 0.0
            for lane in range(a, b):  # in this order: the last digit decides ties
                total += lengths[lane]
            means.append(total / int(b - a))
        return means

    def _shortest(self, start: int, goal: int) -> list[int]:
        """Return the roads from `start`, which is left out, to `goal` by Dijkstra."""
        best, before = {start: 0.0}, {}
        seen = set()
        heap: list[Entry] = [(0.0, start)]
        while heap and heap[0][1] != goal:
            road = heap[0][1]
            _pop(heap)
            if road in seen:
                continue
            seen.add(road)
            for other in self._neighbours[road]:
                distance = best[road] + self._mean_length[other]
                if other not in best or distance < best[other]:
                    best[other], before[other] = distance, road
                    _push(heap, (distance, other))
        if not heap:
            ids = self._network.road_ids
            raise NoRouteError(f"the route is not connected: no way from {ids[start]!r} to {ids[goal]!r}")
        path = [goal]
        while before[path[-1]] != start:
            path.append(before[path[-1]])
        return path[::-1]


# CityFlow's routes between places joined by ways of equal length depend on its heap, that of the C++ standard library.


def _push(heap: list[Entry], entry: Entry) -> None:
    heap.append(entry)
    _sift_up(heap, len(heap) - 1, entry)


def _sift_up(heap: list[Entry], hole: int, entry: Entry) -> None:
    while hole > 0 and heap[(hole - 1) // 2][0] > entry[0]:
        heap[hole] = heap[(hole - 1) // 2]
        hole = (hole - 1) // 2
    heap[hole] = entry


def _pop(heap: list[Entry]) -> None:
    """Take out the nearest entry: the hole sinks to a leaf, then the last entry rises from there."""
    entry = heap.pop()
    size = len(heap)
    if not size:
        return
    hole = child = 0
    while child < (size - 1) // 2:
        child = 2 * (child + 1)
        if heap[child][0] > heap[child - 1][0]:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    if size % 2 == 0 and child == (size - 2) // 2:
        child = 2 * (child + 1)
        heap[hole] = heap[child - 1]
        hole = child - 1
    _sift_up(heap, hole, entry)
