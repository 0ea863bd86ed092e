"""Networks out of the box: a single junction, a grid, an arterial, a roundabout."""

from __future__ import annotations

import math

from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.traffic.assemble import assemble
from marl_envs.traffic.geometry import Point
from marl_envs.traffic.network import Network
from marl_envs.traffic.phases import GREEN
from marl_envs.traffic.plans import (
    STRAIGHT,
    TURN_RIGHT,
    JunctionPlan,
    LaneLinkPlan,
    PhasePlan,
    RoadLinkPlan,
    RoadPlan,
)
from marl_envs.traffic.streets import CORNER, LANE_WIDTH, ONE_EACH, Lanes, Street, build, smooth

SPEED = 13.89  # speed limit, 50 km/h [m/s]
LENGTH = 300.0  # of a road [m]
WIDE = Lanes(1, 2, 1)
_SIDES = {"W": (-1.0, 0.0), "S": (0.0, -1.0), "E": (1.0, 0.0), "N": (0.0, 1.0)}
_FARTHEST = 1e5  # [m]


def junction(
    arms: int = 4,
    lanes: Lanes = ONE_EACH,
    *,
    length: float = LENGTH,
    speed: float = SPEED,
    phases: str | None = None,
    signals: bool = True,
) -> Network:
    """Return a single junction "J" with arms to "W", "S", "E" and, where there are four, "N".

    Args:
        arms: 3 (no north) or 4.
        lanes: of each direction of each arm.
        length: of the arms, from the junction's middle [m].
        speed: speed limit [m/s].
        phases: signal phases, see `phases.phase_sets`; None: what suits the lanes.
        signals: whether there is a signal.

    Raises:
        ParameterError: a value that is not allowed.
    """
    check_choice("arms", arms, (3, 4))
    check_float("length", length, 0.0, _FARTHEST)
    sides = dict(list(_SIDES.items())[:arms])
    nodes: dict[str, Point] = {"J": (0.0, 0.0)}
    nodes.update({side: (length * x, length * y) for side, (x, y) in sides.items()})
    streets = [Street(side, "J", lanes, speed) for side in sides]
    return build(nodes, streets, "cross" if arms == 4 else "tee", phases=phases, signals=signals)


def grid(
    rows: int = 4,
    columns: int = 4,
    lanes: Lanes = ONE_EACH,
    *,
    length: float = LENGTH,
    speed: float = SPEED,
    phases: str | None = None,
    signals: bool = True,
) -> Network:
    """Return a grid of streets: junctions "J0_0" (north-west) to "J{rows - 1}_{columns - 1}".

    Vehicles enter and leave at "W0", "E0" .. (rows) and "N0", "S0" .. (columns).

    Args:
        rows: of junctions, from north to south.
        columns: of junctions, from west to east.
        lanes: of each direction of each road.
        length: between two junctions, and of the roads at the rim [m].
        speed: speed limit [m/s].
        phases: signal phases, see `phases.phase_sets`.
        signals: whether there are signals.

    Raises:
        ParameterError: a value that is not allowed.
    """
    return _rectangle(rows, columns, lanes, lanes, length, speed, phases, signals, f"grid-{rows}x{columns}")


def arterial(
    junctions: int = 5,
    lanes: Lanes = WIDE,
    side_lanes: Lanes = ONE_EACH,
    *,
    length: float = LENGTH,
    speed: float = SPEED,
    phases: str | None = None,
    signals: bool = True,
) -> Network:
    """Return a main street from "W0" to "E0" with junctions "J0_0", "J0_1" .., each with a side street "N0"-"S0" ..

    Args:
        junctions: how many.
        lanes: of each direction of the main street.
        side_lanes: of each direction of the side streets.
        length: between two junctions, and of the roads at the rim [m].
        speed: speed limit [m/s].
        phases: signal phases, see `phases.phase_sets`.
        signals: whether there are signals.

    Raises:
        ParameterError: a value that is not allowed.
    """
    return _rectangle(1, junctions, lanes, side_lanes, length, speed, phases, signals, f"arterial-{junctions}")


def _rectangle(
    rows: int,
    columns: int,
    lanes: Lanes,
    side_lanes: Lanes,
    length: float,
    speed: float,
    phases: str | None,
    signals: bool,
    name: str,
) -> Network:
    check_int("rows", rows, 1, 1000)
    check_int("columns", columns, 1, 1000)
    check_float("length", length, 0.0, _FARTHEST)

    def node(r: int, c: int) -> str:
        if c in (-1, columns):
            return f"{'W' if c < 0 else 'E'}{r}"
        return f"{'N' if r < 0 else 'S'}{c}" if r in (-1, rows) else f"J{r}_{c}"

    places = [(r, c) for r in range(rows) for c in range(columns)]
    places += [(r, c) for r in range(rows) for c in (-1, columns)] + [
        (r, c) for r in (-1, rows) for c in range(columns)
    ]
    nodes = {node(r, c): (c * length, -r * length) for r, c in places}
    streets = [Street(node(r, c - 1), node(r, c), lanes, speed) for r in range(rows) for c in range(columns + 1)]
    streets += [Street(node(r - 1, c), node(r, c), side_lanes, speed) for c in range(columns) for r in range(rows + 1)]
    return build(nodes, streets, name, phases=phases, signals=signals)


def roundabout(
    arms: int = 4,
    *,
    radius: float | None = None,
    length: float = LENGTH,
    speed: float = SPEED,
    ring_speed: float = 8.33,
) -> Network:
    """Return a roundabout with one lane: junctions "R0", "R1" .. on the ring, counter-clockwise from the west.

    Its arms lead to "A0", "A1" ..; who is on the ring goes first.

    Args:
        arms: 3 to 8.
        radius: of the ring's middle line [m]; None: 20, and more for more than five arms.
        length: of the arms, from the middle of the roundabout [m].
        speed: speed limit of the arms [m/s].
        ring_speed: speed limit of the ring [m/s].

    Raises:
        ParameterError: a value that is not allowed, such as a ring too small for its arms.
    """
    check_int("arms", arms, 3, 8)
    radius = max(20.0, 4.0 * arms) if radius is None else check_float("radius", radius, 5.0, 1000.0)
    check_float("length", length, radius + 20.0, _FARTHEST)
    gap = 2.0 * (LANE_WIDTH + CORNER) / radius  # angle of the part of the ring that belongs to an arm [rad]
    if gap > 2.0 * math.pi / arms - 8.0 / radius:
        raise ParameterError(f"radius {radius:g} m is too small for {arms} arms: 8 m must be left between two of them")
    angles = [math.pi + 2.0 * math.pi * k / arms for k in range(arms)]
    ring = [_ring_road(k, angles[k], arms, radius, gap, ring_speed) for k in range(arms)]
    roads = [road for k in range(arms) for road in _arm_roads(k, angles[k], radius, length, speed)] + ring
    plans = [_ring_junction(k, angles[k], arms, radius, roads) for k in range(arms)]
    plans += [
        JunctionPlan(f"A{k}", _polar(angles[k], length), virtual=True, roads=(f"A{k}-R{k}", f"R{k}-A{k}"))
        for k in range(arms)
    ]
    return assemble(roads, plans, "roundabout" if arms == 4 else f"roundabout-{arms}")


def _polar(angle: float, distance: float) -> Point:
    return distance * math.cos(angle), distance * math.sin(angle)


def _ring_road(k: int, angle: float, arms: int, radius: float, gap: float, speed: float) -> RoadPlan:
    """Return the road from arm k to the next one along the ring."""
    begin, end = angle + gap / 2.0, angle + 2.0 * math.pi / arms - gap / 2.0
    steps = [begin + (end - begin) * i / 8 for i in range(9)]
    return RoadPlan(
        id=f"R{k}-R{(k + 1) % arms}",
        start=f"R{k}",
        end=f"R{(k + 1) % arms}",
        points=tuple(_polar(a, radius - LANE_WIDTH / 2.0) for a in steps),
        widths=(LANE_WIDTH,),
        limits=(speed,),
        lane_lines=(tuple(_polar(a, radius) for a in steps),),
    )


def _arm_roads(k: int, angle: float, radius: float, length: float, speed: float) -> list[RoadPlan]:
    """Return an arm's roads towards the ring and away from it; they end where the ring begins to bend to them."""
    near, far = _polar(angle, radius + CORNER), _polar(angle, length)
    roads = []
    for start, end, points in ((f"A{k}", f"R{k}", (far, near)), (f"R{k}", f"A{k}", (near, far))):
        side = LANE_WIDTH / 2.0 if start[0] == "A" else -LANE_WIDTH / 2.0  # to the left, seen outwards
        shift = (-side * math.sin(angle), side * math.cos(angle))
        line = tuple((x + shift[0], y + shift[1]) for x, y in points)
        roads.append(RoadPlan(f"{start}-{end}", start, end, points, (LANE_WIDTH,), (speed,), (line,)))
    return roads


def _ring_junction(k: int, angle: float, arms: int, radius: float, roads: list[RoadPlan]) -> JunctionPlan:
    """Return the junction of an arm and the ring: ahead on the ring, off it, and onto it."""
    line = {road.id: road.lane_lines[0] for road in roads}
    before, after = f"R{(k - 1) % arms}-R{k}", f"R{k}-R{(k + 1) % arms}"
    into, out = f"A{k}-R{k}", f"R{k}-A{k}"
    ways = [(STRAIGHT, before, after), (TURN_RIGHT, before, out), (TURN_RIGHT, into, after)]
    links = [
        RoadLinkPlan(kind, start, end, (LaneLinkPlan(0, 0, _join(line[start], line[end])),))
        for kind, start, end in ways
    ]
    phase = PhasePlan(GREEN, tuple(range(len(links))))
    return JunctionPlan(
        f"R{k}", _polar(angle, radius), roads=(before, into, out, after), road_links=tuple(links), phases=(phase,)
    )


def _join(start: tuple[Point, ...], end: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return a curve from the end of one lane to the beginning of another."""
    return smooth(start[-1], _direction(start[-2], start[-1]), end[0], _direction(end[0], end[1]))


def _direction(a: Point, b: Point) -> Point:
    size = math.dist(a, b)
    return (b[0] - a[0]) / size, (b[1] - a[1]) / size
