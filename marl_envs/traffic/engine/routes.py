"""Tables of routes: which link to take from each lane, and where routes begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from marl_envs.traffic.demand import Demand
from marl_envs.traffic.engine.sumo_tables import Changes
from marl_envs.traffic.engine.types import NONE, Settings
from marl_envs.traffic.network import Ints, Network

FORESIGHT = 8  # roads for which a driver under SUMO's law chooses the lane


def all_routes(demands: Sequence[Demand]) -> list[tuple[int, ...]]:
    """Return the different routes of all demand sets, in the order of `Settings.route_first`."""
    return list(dict.fromkeys(route for demand in demands for route in demand.routes))


def with_routes(settings: Settings, network: Network, routes: Sequence[tuple[int, ...]]) -> Settings:
    """Return the settings with more routes, on which nobody begins; those that there are come first in `routes`."""
    return settings._replace(**{**route_tables(network, routes, None), "doors": settings.doors})


def offsets(lengths: Any) -> Ints:
    """Return where each of consecutive parts begins, and the end of the last."""
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)


class _Legs(NamedTuple):
    """Rows of `choice`, one for each three roads in a row that any route has."""

    row: dict[tuple[int, ...], int]
    choice: list[int]
    options: list[list[int]]
    changes: list[int]


def route_tables(network: Network, routes: Sequence[tuple[int, ...]], changes: Changes | None) -> dict[str, Any]:
    """Return where routes begin, and which link to take from each lane on the way; `changes` under SUMO's law."""
    far = 3 if changes is None else FORESIGHT
    widest = int(np.diff(network.first_lane).max())
    legs = _Legs({}, [NONE] * widest, [[] for _ in range(widest)], [0] * widest)  # row 0: the last road
    entries: dict[tuple[int, ...], list[int]] = {}
    leg, entry = [], []
    for route in routes:
        for q in range(len(route)):
            leg.append(_leg(network, legs, route[q : q + far], changes))
        start = route[:2] if changes is None else route[:far]
        if start not in entries:
            entries[start] = _entries(network, start) if changes is None else changes.entries(start)
        entry.append(entries[start])
    return {
        "leg": np.array(leg, np.int32),
        "choice": np.array(legs.choice, np.int32),
        "changes": np.array(legs.changes, np.int32),
        "option_first": offsets([len(links) for links in legs.options]),
        "option_link": np.array([link for links in legs.options for link in links], np.int32),
        "entry_first": offsets([len(lanes) for lanes in entry]),
        "entry_lane": np.array([lane for lanes in entry for lane in lanes], np.int32),
        "route_first": offsets([len(route) for route in routes])[:-1].copy(),
        "doors": np.array(sorted({lane for lanes in entries.values() for lane in lanes}), np.int32),
    }


def _entries(network: Network, roads: tuple[int, ...]) -> list[int]:
    """Return the lanes of the first road that lead to the second."""
    lanes = range(network.first_lane[roads[0]], network.first_lane[roads[0] + 1])
    return [lane for lane in lanes if _links_to(network, lane, roads[1])]


def _links_to(network: Network, lane: int, road: int) -> list[int]:
    """Return the lane links from a lane to a road."""
    return [k for k in network.links_from[lane] if network.lane_road[network.link_end[k]] == road]


def _leg(network: Network, legs: _Legs, roads: tuple[int, ...], changes: Changes | None) -> int:
    """Return the row for a road and those after it that count, as far as the route goes on."""
    if len(roads) == 1:
        return 0
    if roads not in legs.row:
        legs.row[roads] = len(legs.choice)
        lanes = range(network.first_lane[roads[0]], network.first_lane[roads[0] + 1])
        for lane in lanes:
            options = _options(network, lane, roads, changes)
            legs.choice.append(options[0] if options else NONE)
            legs.options.append(options)
            legs.changes.append(int(changes.fewest(lane, roads)) if changes is not None and options else 0)
    return legs.row[roads]


def _options(network: Network, lane: int, roads: tuple[int, ...], changes: Changes | None) -> list[int]:
    """Return the links to take from a lane, to lanes that lead on, from the nearest to this one on."""
    if changes is not None:
        return [network.num_lanes + k for k in changes.links(lane, roads)]
    options = _links_to(network, lane, roads[1])
    if len(roads) == 3:
        options = [k for k in options if _links_to(network, int(network.link_end[k]), roads[2])]
    index = network.lane_index
    options.sort(key=lambda k: abs(int(index[network.link_end[k]]) - int(index[lane])))
    return [network.num_lanes + k for k in options]
