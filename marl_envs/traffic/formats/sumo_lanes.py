"""Lanes of a SUMO network and the ways between them through a junction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marl_envs.core.params import ParameterError
from marl_envs.traffic.geometry import Point
from marl_envs.traffic.network import NO_LIMIT

Key = tuple[str, str]  # ids of the lanes that a way joins


@dataclass(frozen=True, eq=False)
class Way:
    """A way through a junction: one connection, or one that is added."""

    start: Any
    """sumolib's lane."""
    end: Any
    """sumolib's lane."""
    signal: str
    """Id, or empty."""
    request: int
    """Its row in the junction's table of right of way; -1: none."""
    points: tuple[Point, ...]
    """Along the lanes inside the junction; empty: none are drawn, and a curve is computed."""
    length: float
    """Of the lanes inside the junction [m]; 0: the computed curve's."""
    limit: float
    """[m/s]"""
    wait: float
    """Share of its length where one waits inside the junction until it is free; 0: nowhere."""
    added: bool = False
    """Whether the file does not have it."""

    @property
    def key(self) -> Key:
        """Which lanes it joins."""
        return self.start.getID(), self.end.getID()


def cars_may(lane: Any) -> bool:
    """Return whether passenger cars may use a lane of sumolib's."""
    return bool(lane.allows("passenger"))


def lines_up(lane: Any) -> int:
    """Return a lane's number from the left among those of its edge that cars may use."""
    lanes = [other for other in lane.getEdge().getLanes()[::-1] if cars_may(other)]
    return lanes.index(lane)


def line_of(shape: Sequence[Point], where: str = "") -> tuple[Point, ...]:
    """Return a shape as a line, in the plane and without points that repeat.

    Raises:
        ParameterError: fewer than two points are left, and `where` is given.
    """
    points: list[Point] = []
    for x, y, *_ in shape:
        if not points or (x, y) != points[-1]:
            points.append((float(x), float(y)))
    if where and len(points) < 2:
        raise ParameterError(f"{where}: shape must have at least 2 different points, not {list(shape)}")
    return tuple(points)


def follow(connection: Any, node: Any, net: Any, where: str) -> Way:
    """Return the way of a connection, along all its lanes inside the junction.

    Raises:
        ParameterError: it leads over a lane that the file does not have, or in a circle.
    """
    inner: list[Any] = []
    via = connection.getViaLaneID()
    while via:
        lane = _lane(net, via)
        if lane is None or lane in inner:
            raise ParameterError(f"{where}: {connection}: its way leads over lane {via!r}, which does not exist")
        inner.append(lane)
        via = next((c.getViaLaneID() for c in lane.getOutgoing() if c.getTo() is connection.getTo()), "")
    points = line_of([point for lane in inner for point in lane.getShape()])
    length = sum(lane.getLength() for lane in inner)
    return Way(
        start=connection.getFromLane(),
        end=connection.getToLane(),
        signal=connection.getTLSID(),
        request=node.getLinkIndex(connection),
        points=points if len(points) > 1 else (),
        length=length,
        limit=min((lane.getSpeed() for lane in inner), default=NO_LIMIT),
        wait=inner[0].getLength() / length if len(inner) > 1 and length > 0.0 else 0.0,
    )


def _lane(net: Any, name: str) -> Any:
    """Return sumolib's lane of a name, or None."""
    edge, _, index = name.rpartition("_")
    if not net.hasEdge(edge) or not index.isdigit() or int(index) >= len(net.getEdge(edge).getLanes()):
        return None
    return net.getEdge(edge).getLane(int(index))


def mend_lanes(ways: Sequence[Way]) -> dict[Key, list[Way]]:
    """Return ways to add, by the one beside which each is to stand, so that a lane never decides the next but one road.

    Where no way from a lane into an edge ends on a lane that leads to a third edge, but other lanes of that edge do,
    the nearest of them is joined, too: what a change of lane on the edge would give.
    """
    leads: dict[str, set[str]] = {}  # lane -> edges that follow it
    ways_of: dict[tuple[str, str], list[Way]] = {}  # lane, edge -> ways
    for way in ways:
        leads.setdefault(way.start.getID(), set()).add(way.end.getEdge().getID())
        ways_of.setdefault((way.start.getID(), way.end.getEdge().getID()), []).append(way)
    added: dict[Key, list[Way]] = {}
    for group in ways_of.values():
        lanes = [lane for lane in group[0].end.getEdge().getLanes() if cars_may(lane)]
        reached = [way.end for way in group]
        for goal in sorted({goal for lane in lanes for goal in leads.get(lane.getID(), ())}):
            if any(goal in leads.get(lane.getID(), ()) for lane in reached):
                continue
            options = [lane for lane in lanes if goal in leads.get(lane.getID(), ())]
            base, end = min(
                ((way, lane) for way in group for lane in options),
                key=lambda pair: abs(pair[0].end.getIndex() - pair[1].getIndex()),
            )
            reached.append(end)
            new = Way(base.start, end, base.signal, base.request, (), 0.0, base.limit, base.wait, added=True)
            added.setdefault(base.key, []).append(new)
    return added
