"""SUMO's route files (`.rou.xml`): kinds of vehicle, routes, vehicles, trips and flows.

What our vehicles have no counterpart for is left out: lane and place at the start, lane, place and speed at the end,
mean speed factors, colours, persons and goods. Imperfect drivers and speed deviations count under SUMO's law only.
What would change who drives where is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import Demand, FlowPlan, Kind, build_demand
from marl_envs.traffic.formats.sumo_flows import Window, departures
from marl_envs.traffic.formats.sumo_kinds import DEFAULT, begin_of, kind_of
from marl_envs.traffic.formats.sumo_xml import Element, read_xml
from marl_envs.traffic.network import Network
from marl_envs.traffic.routing import Router

_VEHICLES = ("vehicle", "trip", "flow")
_LEFT_OUT = ("person", "personFlow", "container", "containerFlow", "param")
_PLACES = ("fromTaz", "toTaz", "fromJunction", "toJunction", "viaJunctions", "fromXY", "toXY", "fromLonLat", "toLonLat")
_FOREVER = 1e9  # interval of what comes once [s]


@dataclass
class _Reader:
    """What the files have said so far."""

    network: Network
    window: Window
    rng: np.random.Generator
    drop_single: bool
    kinds: dict[str, Kind] = field(default_factory=dict)
    routes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    plans: list[FlowPlan] = field(default_factory=list)
    joined_routes: set[tuple[str, ...]] = field(default_factory=set)  # found to be connected
    checked: set[tuple[str, ...]] = field(default_factory=set)  # trips found to be possible

    def __post_init__(self) -> None:
        self.router = Router(self.network)
        network = self.network
        self.shortest = np.minimum.reduceat(network.length[: network.num_lanes], network.first_lane[:-1])
        roads = network.lane_road
        self.joined = set(zip(roads[network.link_start].tolist(), roads[network.link_end].tolist(), strict=True))
        self.top_speed = float(network.limit[: network.num_lanes].max())


def read_demand(
    paths: str | Path | Sequence[str | Path],
    network: Network,
    *,
    begin: float = 0.0,
    end: float | None = None,
    seed: int = 0,
    drop_single: bool = False,
) -> Demand:
    """Return the demand of one or several route files on `network`.

    Args:
        paths: the files, packed with gzip or not; later ones may use kinds and routes of earlier ones.
        network: where the vehicles drive, from `sumo.read`.
        begin: when the demand's time 0 is on the clock of the files [s]; who comes before is left out, as in SUMO.
        end: after this time nobody comes [s]; None: never.
        seed: of the flows with random departures (`probability` and `period="exp(...)"`), which are drawn here.
        drop_single: leave out vehicles that drive on one edge only, which pass no junction, instead of an error.

    Raises:
        ParameterError: names the file, the line, the element and the reason: not readable, not XML, an attribute that
            is missing or no number, a negative time, an unknown edge, kind or route, edges of a route that do not
            follow each other, a trip that is not possible, a route of one edge, a vehicle longer than a lane where it
            starts, an element or attribute that is not supported, no vehicles at all.
    """
    files = [paths] if isinstance(paths, (str, Path)) else list(paths)
    name = ", ".join(map(str, files))
    reader = _Reader(network, Window(begin, np.inf if end is None else end), np.random.default_rng(seed), drop_single)
    for file in files:
        _read_file(reader, read_xml(file, "routes"))
    if not reader.plans:
        raise ParameterError(f"{name}: there are no vehicles from {begin:g} s on; at least one is needed")
    return build_demand(network, reader.plans, name)


def _read_file(reader: _Reader, root: Element) -> None:
    for element in root.children:
        if element.tag == "vType":
            reader.kinds[element.text("id")] = kind_of(element, reader.top_speed)
        elif element.tag == "route":
            reader.routes[element.text("id")] = _edges(element, "edges")
        elif element.tag in _VEHICLES:
            _add(reader, element)
        elif element.tag not in _LEFT_OUT:
            raise ParameterError(f"{element} is not supported; allowed are vType, route, {', '.join(_VEHICLES)}")


def _add(reader: _Reader, element: Element) -> None:
    """Add the vehicle, trip or flow of an element."""
    for child in element.children:
        if child.tag not in ("route", "param"):
            raise ParameterError(
                f"{child}, in {element}, is not supported: vehicles drive from their start to their end"
            )
    route = _route(reader, element)
    if len(set(route)) == 1:
        if reader.drop_single:
            return
        raise ParameterError(f"{element}: its route is one edge, {route[0]!r}; drop_single leaves such vehicles out")
    kind = _kind(reader, element)
    road = reader.network.road_index[route[0]]
    if kind.length > reader.shortest[road]:
        raise ParameterError(
            f"{element}: a vehicle of {kind.length:g} m is longer than a lane of edge {route[0]!r}, "
            f"{reader.shortest[road]:g} m, where it starts"
        )
    speed, pace = begin_of(element)
    for when in departures(element, reader.window, reader.rng):
        interval = _FOREVER if when.interval is None else when.interval
        reader.plans.append(FlowPlan(kind, route, interval, when.start, when.end, speed, pace))


def _kind(reader: _Reader, element: Element) -> Kind:
    name = element.attributes.get("type", DEFAULT)
    if name not in reader.kinds:
        if name != DEFAULT:
            raise ParameterError(f"{element}: there is no vType {name!r} above it")
        reader.kinds[name] = kind_of(Element(element.path, element.line, "vType", {}), reader.top_speed)
    return reader.kinds[name]


def _edges(element: Element, name: str) -> tuple[str, ...]:
    edges = tuple(element.text(name).split())
    if not edges:
        raise ParameterError(f"{element}: {name} must name at least one edge")
    return edges


def _route(reader: _Reader, element: Element) -> tuple[str, ...]:
    """Return the edges of a vehicle's route, or those that a trip must pass, checked."""
    inner = [child for child in element.children if child.tag == "route"]
    if inner:
        return _connected(reader, inner[0], _edges(inner[0], "edges"))
    if "route" in element.attributes:
        name = element.attributes["route"]
        if name not in reader.routes:
            raise ParameterError(f"{element}: there is no route {name!r} above it")
        return _connected(reader, element, reader.routes[name])
    for name in _PLACES:
        if name in element.attributes:
            raise ParameterError(f"{element}: the attribute {name!r} is not supported; allowed are from, to and via")
    if element.tag == "vehicle":
        raise ParameterError(f"{element} has no route")
    via = element.attributes.get("via", "").split()
    return _possible(reader, element, (element.text("from"), *via, element.text("to")))


def _known(reader: _Reader, element: Element, edges: tuple[str, ...]) -> list[int]:
    for edge in edges:
        if edge not in reader.network.road_index:
            raise ParameterError(f"{element}: there is no edge {edge!r} for cars")
    return [reader.network.road_index[edge] for edge in edges]


def _connected(reader: _Reader, element: Element, edges: tuple[str, ...]) -> tuple[str, ...]:
    """Return a route, each edge of which must follow the one before."""
    if edges not in reader.joined_routes:
        roads = _known(reader, element, edges)
        for a, b in pairwise(roads):
            if (a, b) not in reader.joined:
                ids = reader.network.road_ids
                raise ParameterError(f"{element}: the route is not connected: no way from {ids[a]!r} to {ids[b]!r}")
        reader.joined_routes.add(edges)
    return edges


def _possible(reader: _Reader, element: Element, edges: tuple[str, ...]) -> tuple[str, ...]:
    """Return the edges of a trip, between which there must be ways; the shortest ones are taken."""
    if edges not in reader.checked:
        _known(reader, element, edges)
        if len(set(edges)) > 1:
            reader.router.find(edges, str(element))
        reader.checked.add(edges)
    return edges
