"""From a plan of streets to a network: roads in both directions, movements, lanes for them, curves and signals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.traffic.assemble import assemble
from marl_envs.traffic.geometry import Point
from marl_envs.traffic.network import Network
from marl_envs.traffic.phases import GREEN, Movement, phase_plans
from marl_envs.traffic.plans import (
    STRAIGHT,
    TURN_LEFT,
    TURN_RIGHT,
    JunctionPlan,
    LaneLinkPlan,
    PhasePlan,
    RoadLinkPlan,
    RoadPlan,
)

LANE_WIDTH = 3.2  # [m]
CORNER = 5.0  # from the edge of the crossing road to the stop line [m]
PIECES = 8  # straight pieces of a curve
_STRAIGHT = math.pi / 4  # turns by less are none [rad]


@dataclass(frozen=True)
class Lanes:
    """Lanes of each direction of a street, by what they are for at a junction."""

    left: int = 1
    """Lanes only for left turns; 0: the leftmost of the others serves them, too."""
    straight: int = 1
    right: int = 1
    """Lanes only for right turns; 0: the rightmost of the others serves them, too."""

    def __post_init__(self) -> None:
        """Refuse lanes that are no numbers, and none at all.

        Raises:
            ParameterError: says what is allowed.
        """
        for name in ("left", "straight", "right"):
            check_int(f"lanes: {name}", getattr(self, name), 0, 8)
        check_int("lanes: straight", self.straight, 1, 8)

    @property
    def total(self) -> int:
        """All lanes of one direction."""
        return self.left + self.straight + self.right

    def serving(self, kind: int, kinds: frozenset[int]) -> range:
        """Return the lanes for one kind of movement, where `kinds` are there at all; counted from the left."""
        inner, outer = self.left, self.left + self.straight
        if STRAIGHT in kinds:
            lanes = {
                TURN_LEFT: range(0, max(inner, 1)),
                STRAIGHT: range(inner if TURN_LEFT in kinds else 0, outer if TURN_RIGHT in kinds else self.total),
                TURN_RIGHT: range(min(outer, self.total - 1), self.total),
            }
            return lanes[kind]
        if len(kinds) == 1:
            return range(self.total)
        return range(0, max(outer, 1)) if kind == TURN_LEFT else range(min(inner, self.total - 1), self.total)


ONE_EACH = Lanes()


@dataclass(frozen=True)
class Street:
    """A street between two nodes, with a road in each direction, called "A-B" and "B-A"."""

    a: str
    b: str
    lanes: Lanes = ONE_EACH
    speed: float = 13.89
    """Speed limit [m/s]."""


@dataclass(frozen=True)
class _Approach:
    """A road as its end junction sees it."""

    road: str
    back: str
    """The road in the other direction."""
    lanes: Lanes
    angle: float
    """Of the arm, seen from the junction [rad]."""
    far: str
    """The node at the arm's other end."""


def build(
    nodes: Mapping[str, Point], streets: Sequence[Street], name: str, *, phases: str | None = None, signals: bool = True
) -> Network:
    """Return the network of streets; nodes with one street are where vehicles enter and leave.

    There are no U-turns. Who turns may take any lane of the road ahead if that leads to a junction, since vehicles do
    not change lanes; at the rim there is one lane for each.

    Args:
        nodes: where they are [m].
        streets: between them.
        name: of the network.
        phases: a kind of `phases.phase_sets`; None: "eight" for four arms whose left turns have lanes, "maximal" for
            others with such lanes, else "two".
        signals: whether there are signals; without, left turns give way to straight ways and right turns to all, and
            equals go as they come.

    Raises:
        ParameterError: a number that is not allowed, streets too short for their junctions, phases that do not fit.
    """
    for street in streets:
        check_float(f"{name}: speed", street.speed, 0.1, 100.0)
    arms = _arms(nodes, streets)
    roads = [_road(a, b, street, nodes) for street in streets for a, b in ((street.a, street.b), (street.b, street.a))]
    plans = [_junction(node, nodes[node], arms, phases, signals, name) for node in nodes]
    return assemble(roads, plans, name)


def _arms(nodes: Mapping[str, Point], streets: Sequence[Street]) -> dict[str, list[_Approach]]:
    """Return the arms of each node, counter-clockwise from the west: west, south, east, north."""
    found: dict[str, list[_Approach]] = {node: [] for node in nodes}
    for street in streets:
        for node, far in ((street.a, street.b), (street.b, street.a)):
            (x0, y0), (x1, y1) = nodes[node], nodes[far]
            angle = math.atan2(y1 - y0, x1 - x0)
            found[node].append(_Approach(f"{far}-{node}", f"{node}-{far}", street.lanes, angle, far))
    for arms in found.values():
        arms.sort(key=lambda arm: round(arm.angle - math.pi, 6) % (2.0 * math.pi))
    return found


def _road(a: str, b: str, street: Street, nodes: Mapping[str, Point]) -> RoadPlan:
    lanes = street.lanes.total
    return RoadPlan(f"{a}-{b}", a, b, (nodes[a], nodes[b]), (LANE_WIDTH,) * lanes, (street.speed,) * lanes)


def _junction(
    node: str, point: Point, arms: Mapping[str, list[_Approach]], phases: str | None, signals: bool, name: str
) -> JunctionPlan:
    own = arms[node]
    roads = tuple(road for arm in own for road in (arm.road, arm.back))
    if len(own) < 2:
        return JunctionPlan(node, point, virtual=True, roads=roads)
    width = max(arm.lanes.total for arm in own) * LANE_WIDTH + CORNER
    links, movements = [], []
    for start in own:
        turns = {end.road: turn_of(start.angle + math.pi, end.angle) for end in own if end is not start}
        for end in sorted((end for end in own if end is not start), key=lambda end: -turns[end.road]):
            kinds = frozenset(turns.values())
            lanes = _lane_links(start, end, turns[end.road], kinds, point, width, rim=len(arms[end.far]) < 2)
            links.append(RoadLinkPlan(turns[end.road], start.road, end.back, lanes))
            movements.append(Movement(turns[end.road], start.road, end.back, *_ends(start, end)))
    plans: tuple[PhasePlan, ...] = (PhasePlan(GREEN, tuple(range(len(links)))),)
    if signals:
        try:
            plans = phase_plans(movements, phases or _default(own))
        except ParameterError as error:
            raise ParameterError(f"{name}: junction {node!r}: {error}") from None
    return JunctionPlan(node, point, width, roads=roads, road_links=tuple(links), phases=plans)


def turn_of(heading: float, onward: float) -> int:
    """Return the kind of movement of one who comes with a heading and goes on with another [rad]."""
    by = (onward - heading + math.pi) % (2.0 * math.pi) - math.pi
    if abs(by) < _STRAIGHT:
        return STRAIGHT
    return TURN_LEFT if by > 0.0 else TURN_RIGHT


def _default(arms: Sequence[_Approach]) -> str:
    if any(arm.lanes.left == 0 for arm in arms):
        return "two"
    axes = [a for a in arms if any(turn_of(a.angle + math.pi, b.angle) == STRAIGHT for b in arms if b is not a)]
    return "eight" if len(arms) == len(axes) == 4 else "maximal"


def _ends(start: _Approach, end: _Approach) -> tuple[float, float]:
    """Return where a movement enters and leaves, seen from the junction: both keep to the right of their arm."""
    return start.angle + 0.1, end.angle - 0.1


def _lane_links(
    start: _Approach, end: _Approach, kind: int, kinds: frozenset[int], point: Point, width: float, *, rim: bool
) -> tuple[LaneLinkPlan, ...]:
    lanes, count = start.lanes.serving(kind, kinds), end.lanes.total
    plans = []
    for i, lane in enumerate(lanes):
        if kind == TURN_LEFT:
            same = min(i, count - 1)
        elif kind == TURN_RIGHT:
            same = max(count - (len(lanes) - i), 0)
        else:
            same = min(lane, count - 1)
        for goal in [same] if rim else range(count):
            line = _curve(start.angle, lane, end.angle, goal, width)
            plans.append(LaneLinkPlan(lane, goal, tuple((x + point[0], y + point[1]) for x, y in line)))
    return tuple(plans)


@cache
def _curve(into: float, lane: int, out: float, goal: int, width: float) -> tuple[Point, ...]:
    """Return the way from a lane to a lane of two arms of a junction in the origin [m]."""
    a = _rotated(into, width, (lane + 0.5) * LANE_WIDTH)
    b = _rotated(out, width, -(goal + 0.5) * LANE_WIDTH)
    return smooth(a, (-math.cos(into), -math.sin(into)), b, (math.cos(out), math.sin(out)))


def _rotated(angle: float, along: float, across: float) -> Point:
    """Return the point `along` an arm [m] and `across` to its left, seen outwards [m]."""
    c, s = math.cos(angle), math.sin(angle)
    return along * c - across * s, along * s + across * c


def smooth(a: Point, leave: Point, b: Point, arrive: Point, pieces: int = PIECES) -> tuple[Point, ...]:
    """Return a smooth curve from a to b with unit directions at its ends; a straight line has no corners between."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    size = math.hypot(dx, dy)
    if abs(leave[0] * dy - leave[1] * dx) < 1e-6 * size and abs(arrive[0] * dy - arrive[1] * dx) < 1e-6 * size:
        return a, b
    pull = 0.4 * size
    corners = [
        a,
        (a[0] + pull * leave[0], a[1] + pull * leave[1]),
        (b[0] - pull * arrive[0], b[1] - pull * arrive[1]),
        b,
    ]
    weights = [((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3) for t in _parts(pieces)]
    inner = [
        (
            sum(w * p[0] for w, p in zip(row, corners, strict=True)),
            sum(w * p[1] for w, p in zip(row, corners, strict=True)),
        )
        for row in weights
    ]
    return (a, *inner, b)


def _parts(pieces: int) -> list[float]:
    return [k / pieces for k in range(1, pieces)]
