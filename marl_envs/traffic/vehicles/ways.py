"""The ways that agents can choose among: for each lane, turn and goal the quickest one from there, as routes."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.engine.types import NONE, TURN_SPEED, TURNS
from marl_envs.traffic.network import NO_LIMIT, Network
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.vehicles.turning import time_ways

Reals = NDArray[np.float64]
Route = tuple[int, ...]
ACTIONS = (TURN_LEFT, STRAIGHT, TURN_RIGHT)  # in the order of the actions


def free_speeds(network: Network, settings: Any) -> Reals:
    """Return how fast one may drive on each drivable [m/s]: a link is as slow as the lanes it joins, or as a turn."""
    lanes = network.num_lanes
    free = network.limit.copy()
    start, end = network.limit[network.link_start], network.limit[network.link_end]
    link = np.minimum(np.where(free[lanes:] >= NO_LIMIT, np.inf, free[lanes:]), np.minimum(start, end))
    turns = settings.drivable[lanes:-1, TURNS].astype(bool)
    free[lanes:] = np.where(turns, np.minimum(link, TURN_SPEED), link)
    return free


def goals_of(routes: tuple[Route, ...]) -> list[int]:
    """Return the different roads on which routes end, rising."""
    return sorted({route[-1] for route in routes})


def more_routes(network: Network, routes: tuple[Route, ...], free: Reals) -> tuple[Route, ...]:
    """Return a route for each lane link and goal that can be reached by it, besides `routes`.

    It begins with the link's road, crosses the link, and goes on by the lanes that are the quickest at the speeds
    `free` [N] [m/s].
    """
    seconds = network.length / free
    lane_road = network.lane_road
    found: dict[Route, None] = dict.fromkeys(routes)
    for goal in goals_of(routes):
        follow, far = _ways_to(network, goal, seconds)
        for k in range(network.num_links):
            lane, start = int(network.link_end[k]), int(network.link_start[k])
            if np.isinf(far[lane]) or lane_road[start] == goal:
                continue
            route = [int(lane_road[start])]
            while lane != NONE:
                route.append(int(lane_road[lane]))
                lane = int(follow[lane])
            found[tuple(route)] = None
    return tuple(found)


def _ways_to(network: Network, goal: int, seconds: Reals) -> tuple[NDArray[np.int64], Reals]:
    """Return the lane after each one on the quickest way to road `goal`, or NONE, and how far it is [s] (Dijkstra)."""
    follow = np.full(network.num_lanes, NONE)
    far = np.full(network.num_lanes, np.inf)
    into: list[list[int]] = [[] for _ in range(network.num_lanes)]
    for k, lane in enumerate(network.link_end.tolist()):
        into[lane].append(k)
    heap = []
    for lane in range(network.first_lane[goal], network.first_lane[goal + 1]):
        far[lane] = seconds[lane]
        heap.append((float(far[lane]), lane))
    while heap:
        time, lane = heapq.heappop(heap)
        if time > far[lane]:
            continue
        for k in into[lane]:
            before = int(network.link_start[k])
            longer = time + float(seconds[network.num_lanes + k] + seconds[before])
            if longer < far[before]:
                far[before], follow[before] = longer, lane
                heapq.heappush(heap, (longer, before))
    return follow, far


def no_ways() -> dict[str, Any]:
    """Return the same tables where routes cannot be chosen."""
    return {
        "goal": np.zeros(0, np.int32),
        "turn_place": np.zeros((0, 0, len(ACTIONS)), np.int32),
        "after": np.zeros((0, 0)),
    }


def way_tables(
    network: Network, routes: tuple[Route, ...], settings: Any, free: Reals, pull: float, comfort: float
) -> dict[str, Any]:
    """Return the tables goal, turn_place and after of `Rules`.

    Args:
        network: where they drive.
        routes: that `more_routes` returned.
        settings: of the engine, with these routes.
        free: `Rules.free`.
        pull: acceleration [m/s2].
        comfort: deceleration [m/s2].
    """
    goals = goals_of(routes)
    first = np.append(settings.route_first, len(settings.leg)).astype(np.int32)
    after = np.zeros((len(settings.leg), int(np.diff(network.first_lane).max())))
    road = np.array([r for route in routes for r in route], np.int32)
    time_ways(
        first, road, network.first_lane, settings.leg, settings.choice, network.link_end, network.length, free, pull,
        comfort, after,
    )  # fmt: skip
    goal = np.array([goals.index(route[-1]) for route in routes], np.int32)
    places = np.full((len(goals), network.num_lanes, len(ACTIONS)), NONE, np.int32)
    least = np.full(places.shape, np.inf)
    kind = {(int(a), int(b)): int(c) for (a, b), c in zip(network.road_link_roads, network.road_link_kind, strict=True)}
    for w, route in enumerate(routes):
        turn = kind[route[0], route[1]]
        if turn not in ACTIONS or route[0] == route[-1]:
            continue
        _offer(places, least, network, route, int(goal[w]), ACTIONS.index(turn), int(first[w]), after[first[w]])
    return {"goal": goal, "turn_place": places, "after": after}


def _offer(
    places: Any, least: Reals, network: Network, route: Route, goal: int, turn: int, place: int, after: Reals
) -> None:
    """Put a route into the table where it is the quickest for a turn from a lane, and its lanes lead to the goal."""
    for i, lane in enumerate(range(network.first_lane[route[0]], network.first_lane[route[0] + 1])):
        if after[i] < least[goal, lane, turn]:
            least[goal, lane, turn], places[goal, lane, turn] = after[i], place
