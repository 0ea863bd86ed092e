"""SUMO's `.net.xml`, read by sumolib: lanes, connections, right of way and signal programs.

Only what cars use is taken: lanes that are closed to passenger cars (pavements, cycle, bus and rail tracks), edges
without other lanes, and connections with such a lane are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.traffic.assemble import assemble
from marl_envs.traffic.formats.sumo_lanes import Way, cars_may, follow, line_of, lines_up, mend_lanes
from marl_envs.traffic.formats.sumo_net import load
from marl_envs.traffic.formats.sumo_right_of_way import right_of_way
from marl_envs.traffic.formats.sumo_signals import GREEN, PERMANENT, Program, green_phases, read_programs
from marl_envs.traffic.geometry import lane_lines
from marl_envs.traffic.network import NO_LIMIT, Network, Reals
from marl_envs.traffic.plans import (
    OTHER,
    STRAIGHT,
    TURN_LEFT,
    TURN_RIGHT,
    JunctionPlan,
    LaneLinkPlan,
    PhasePlan,
    RoadLinkPlan,
    RoadPlan,
)

_KINDS = {"s": STRAIGHT, "l": TURN_LEFT, "L": TURN_LEFT, "r": TURN_RIGHT, "R": TURN_RIGHT, "t": OTHER, "T": OTHER}
_UNSUPPORTED = ("rail_signal", "rail_crossing")
_ALWAYS = 60.0  # how long the only phase of a junction without a signal lasts, again and again [s]


@dataclass(frozen=True, eq=False)
class SumoNetwork:
    """A network and what else the file says of it. J junctions, C crosses."""

    network: Network
    """Its lengths and speed limits are the file's, also of lane links; its lines are as drawn there."""
    lane_ids: tuple[str, ...]
    """[L] the file's ids of its lanes."""
    cross_rank: NDArray[np.uint8]
    """[C, 2] right of way of each of the two lane links at this cross: the higher goes first, equal ones as they come.
    It takes the place of the road links' kinds, which say nothing of who gives way in such a file."""
    programs: tuple[str | None, ...]
    """[J] id of the signal, or None."""
    states: tuple[tuple[str, ...], ...]
    """[J] of each phase: SUMO's letter for each of the junction's road links."""
    choices: tuple[tuple[int, ...], ...]
    """[J] phases that an agent may choose: green without yellow. None without a signal."""
    offset: Reals
    """[J] when phase 0 of the own program begins [s], see `sumo_signals.program_at`."""
    added_links: int
    """How many lane links are not in the file: they stand for changes of lane, see `read`."""


@dataclass
class _Movement:
    """What becomes a road link: connections between two edges that always have the same signal."""

    kind: int
    ways: list[Way]
    letters: str


def read_network(path: str | Path, **options: Any) -> Network:
    """Return only the network of a `.net.xml`; see `read`."""
    return read(path, **options).network


def read(
    path: str | Path,
    *,
    additional: Sequence[str | Path] = (),
    programs: Mapping[str, str] | None = None,
    lane_changes: bool = True,
) -> SumoNetwork:
    """Return the network of a `.net.xml`.

    Args:
        path: the file, packed with gzip or not.
        additional: files with further signal programs; of several for one signal the last is taken, as in SUMO.
        programs: which program to take for a signal instead.
        lane_changes: whether to add lane links where SUMO's vehicles would have to change lanes between two junctions,
            since ours keep theirs: from each lane one may then go on to every road that follows the next one.

    Raises:
        ParameterError: names the file, the element and the reason: not readable, not XML (with the line), an attribute
            that is missing or no number (with the line), traffic on the left, a rail signal, a connection to a missing
            lane, a signal without program, a letter or kind of program that is not supported, or whatever `assemble`
            refuses.
    """
    net = load(path, additional)
    where = str(path)
    signals = read_programs(net, dict(programs or {}), where)
    edges = [e for e in net.getEdges(False) if e.getFunction() == "" and any(map(cars_may, e.getLanes()))]
    nodes = [node for node in net.getNodes() if node.getType() != "internal"]
    roads_at = _roads_at(edges)
    movements = [_movements(node, roads_at.get(node.getID(), []), net, signals, where) for node in nodes]
    added = mend_lanes([way for found in movements for m in found for way in m.ways]) if lane_changes else {}
    for found in movements:
        for m in found:
            m.ways = [w for way in m.ways for w in (way, *added.get(way.key, ()))]
    roads = [_road(edge, where) for edge in edges]
    plans = [
        _junction(node, roads_at.get(node.getID(), []), found, signals)
        for node, found in zip(nodes, movements, strict=True)
    ]
    ways = [way for found in movements for m in found for way in m.ways]
    network, rank = right_of_way(
        _measured(assemble(roads, plans, where), edges, ways),
        [[way.request for m in found for way in m.ways] for found in movements],
        nodes,
        ways,
    )
    return SumoNetwork(
        network=network,
        lane_ids=tuple(lane.getID() for edge in edges for lane in _lanes_of(edge)),
        cross_rank=rank,
        programs=tuple(_signal_of(found) for found in movements),
        states=tuple(_states(found) for found in movements),
        choices=tuple(green_phases(_states(found)) if _signal_of(found) else () for found in movements),
        offset=np.array([signals[s].offset if (s := _signal_of(found)) else 0.0 for found in movements]),
        added_links=sum(map(len, added.values())),
    )


def _lanes_of(edge: Any) -> list[Any]:
    """Return sumolib's lanes of an edge that become ours, from the left: SUMO counts from the right."""
    return [lane for lane in edge.getLanes() if cars_may(lane)][::-1]


def _roads_at(edges: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the edges that begin or end at each junction, in the file's order."""
    found: dict[str, list[Any]] = {}
    for edge in edges:
        for node in {edge.getFromNode().getID(), edge.getToNode().getID()}:
            found.setdefault(node, []).append(edge)
    return found


def _movements(node: Any, edges: Sequence[Any], net: Any, signals: dict[str, Program], where: str) -> list[_Movement]:
    """Return what becomes the junction's road links, in the file's order; `edges` begin or end there."""
    found: dict[tuple[Any, ...], _Movement] = {}
    for edge in edges:
        if edge.getToNode() is not node:
            continue
        for connection in (c for lane in edge.getLanes() if cars_may(lane) for c in lane.getOutgoing()):
            if connection.getTo().getFunction() or not cars_may(connection.getToLane()):
                continue
            if connection.getDirection() not in _KINDS:
                allowed = ", ".join(_KINDS)
                raise ParameterError(
                    f"{where}: {connection}: dir must be one of {allowed}, not {connection.getDirection()!r}"
                )
            letters = _letters(connection, signals, where)
            kind = _KINDS[connection.getDirection()]
            key = (edge.getID(), connection.getTo().getID(), connection.getTLSID(), kind, letters)
            way = follow(connection, node, net, where)
            found.setdefault(key, _Movement(kind, [], letters)).ways.append(way)
    if found and node.getType() in _UNSUPPORTED:
        raise ParameterError(f"{where}: <junction> {node.getID()!r}: type {node.getType()!r} is not supported for cars")
    movements = list(found.values())
    signs = {way.signal for m in movements for way in m.ways} - {""}
    if len(signs) > 1:
        raise ParameterError(
            f"{where}: <junction> {node.getID()!r} has several signals, {sorted(signs)}: one is allowed"
        )
    return movements


def _letters(connection: Any, signals: dict[str, Program], where: str) -> str:
    """Return the letters of a connection, a phase each; PERMANENT alone without a signal."""
    signal = connection.getTLSID()
    if not signal:
        return PERMANENT
    index, size = connection.getTLLinkIndex(), len(signals[signal].states[0])
    if not 0 <= index < size:
        raise ParameterError(
            f"{where}: {connection}: linkIndex {index}, but the states of signal {signal!r} have {size} letters"
        )
    return signals[signal].letters(index)


def _signal_of(movements: Sequence[_Movement]) -> str | None:
    return next((way.signal for m in movements for way in m.ways if way.signal), None)


def _states(movements: Sequence[_Movement]) -> tuple[str, ...]:
    """Return the states of a junction: of each phase, a letter for each road link."""
    phases = max((len(m.letters) for m in movements if m.ways[0].signal), default=1 if movements else 0)
    return tuple("".join(m.letters[p] if m.ways[0].signal else PERMANENT for m in movements) for p in range(phases))


def _road(edge: Any, where: str) -> RoadPlan:
    lanes = _lanes_of(edge)
    lines = tuple(line_of(lane.getShape(), f"{where}: <lane> {lane.getID()!r}") for lane in lanes)
    return RoadPlan(
        id=edge.getID(),
        start=edge.getFromNode().getID(),
        end=edge.getToNode().getID(),
        points=tuple(lane_lines(lines[0], [-lanes[0].getWidth()])[0]),  # half a lane to the left
        widths=tuple(lane.getWidth() for lane in lanes),
        limits=tuple(lane.getSpeed() for lane in lanes),
        lane_lines=lines,
    )


def _junction(
    node: Any, edges: Sequence[Any], movements: Sequence[_Movement], signals: dict[str, Program]
) -> JunctionPlan:
    roads = tuple(edge.getID() for edge in edges)
    point = node.getCoord()
    if not movements:
        return JunctionPlan(node.getID(), point, virtual=True, roads=roads)
    signal = _signal_of(movements)
    times = signals[signal].times if signal else (_ALWAYS,)
    states = _states(movements)
    return JunctionPlan(
        id=node.getID(),
        point=point,
        roads=roads,
        road_links=tuple(
            RoadLinkPlan(
                m.kind,
                m.ways[0].start.getEdge().getID(),
                m.ways[0].end.getEdge().getID(),
                tuple(LaneLinkPlan(lines_up(w.start), lines_up(w.end), w.points) for w in m.ways),
            )
            for m in movements
        ),
        phases=tuple(
            PhasePlan(time, tuple(k for k, letter in enumerate(state) if letter in GREEN))
            for time, state in zip(times, states, strict=True)
        ),
    )


def _measured(network: Network, edges: Sequence[Any], ways: Sequence[Way]) -> Network:
    """Return the network with the file's lengths and speed limits, which need not be those of the lines drawn."""
    length, limit = network.length.copy(), network.limit.copy()
    lanes = [lane.getLength() for edge in edges for lane in _lanes_of(edge)]
    length[: network.num_lanes] = lanes
    for k, way in enumerate(ways):
        if way.length > 0.0:
            length[network.num_lanes + k] = way.length
        limit[network.num_lanes + k] = min(way.limit, NO_LIMIT)
    scale = (length / np.maximum(network.length, 1e-9))[network.cross_links + network.num_lanes]
    cross_at = network.cross_at * scale
    for array in (length, limit, cross_at):
        array.flags.writeable = False
    return replace(network, length=length, limit=limit, cross_at=cross_at)
