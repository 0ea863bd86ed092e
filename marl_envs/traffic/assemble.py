"""From plans to a network: checks, geometry, crosses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_float
from marl_envs.traffic.geometry import Line, Point, find_crosses, lane_lines, length_of, link_curve, trimmed
from marl_envs.traffic.network import NO_LIMIT, Ints, Network, Reals
from marl_envs.traffic.plans import STRAIGHT, JunctionPlan, LaneLinkPlan, RoadLinkPlan, RoadPlan

_FAR = 1e9  # bound of coordinates [m]


class _Links(NamedTuple):
    """The lane links of all junctions, in order."""

    start: list[int]
    end: list[int]
    movement: list[int]
    lines: list[Line]
    first: list[int]  # [J + 1]


def assemble(roads: Sequence[RoadPlan], junctions: Sequence[JunctionPlan], name: str) -> Network:
    """Return the network that `roads` and `junctions` describe.

    Args:
        roads: the roads, in the order in which they will be numbered.
        junctions: the junctions, likewise.
        name: where they come from, such as a file: messages begin with it.

    Raises:
        ParameterError: names the element and the reason: an id twice, an unknown junction or road, a road without
            lanes or of no length, a width that leaves no road, a road link between roads that do not meet at the
            junction, a lane link to a missing lane, a junction without phases, a phase that names a missing road link
            or has a negative time, a number that is not finite.
    """
    junction_at = _numbered([j.id for j in junctions], f"{name}: junction")
    road_at = _numbered([r.id for r in roads], f"{name}: road")
    for road in roads:
        _check_road(road, junction_at, f"{name}: road {road.id!r}")
    for junction in junctions:
        _check_junction(junction, roads, road_at, f"{name}: junction {junction.id!r}")
    first_lane = np.cumsum([0] + [len(r.widths) for r in roads])
    width_of = {j.id: 0.0 if j.virtual else j.width for j in junctions}
    lanes = [line for road in roads for line in _lanes_of(road, width_of, name)]
    links = _links_of(roads, junctions, road_at, first_lane, name)
    movements = [(j, m) for j in junctions for m in _road_links(j)]
    limits = [limit for road in roads for limit in road.limits]
    xy, first_point = _flat([*lanes, *links.lines])
    cross_links, cross_at = _crosses(xy, first_point[len(lanes) :], links.first)
    kinds = _frozen(np.array([m.kind for _, m in movements], np.uint8))
    return Network(
        name=name,
        road_ids=tuple(r.id for r in roads),
        road_start=_ints(junction_at[r.start] for r in roads),
        road_end=_ints(junction_at[r.end] for r in roads),
        first_lane=_ints(first_lane.tolist()),
        lane_width=_reals([w for r in roads for w in r.widths]),
        length=_reals([length_of(line) for line in (*lanes, *links.lines)]),
        limit=_reals([*limits, *[NO_LIMIT] * len(links.lines)]),
        junction_ids=tuple(j.id for j in junctions),
        virtual=_frozen(np.array([j.virtual for j in junctions], np.bool_)),
        junction_xy=_reals([j.point for j in junctions]),
        junction_roads=tuple(tuple(road_at[r] for r in j.roads) for j in junctions),
        first_link=_ints(links.first),
        link_start=_ints(links.start),
        link_end=_ints(links.end),
        link_movement=_ints(links.movement),
        first_road_link=_ints(np.cumsum([0] + [len(_road_links(j)) for j in junctions]).tolist()),
        road_link_kind=kinds,
        road_link_roads=_ints([(road_at[m.start_road], road_at[m.end_road]) for _, m in movements]).reshape(-1, 2),
        cross_links=cross_links,
        cross_at=cross_at,
        cross_rank=_frozen(kinds[np.array(links.movement, np.int64)[cross_links]]),
        first_phase=_ints(np.cumsum([0] + [0 if j.virtual else len(j.phases) for j in junctions]).tolist()),
        phase_time=_reals([p.time for j in junctions if not j.virtual for p in j.phases]),
        green=_green(junctions),
        xy=xy,
        first_point=first_point,
        roads=tuple(roads),
        junctions=tuple(junctions),
    )


def _frozen(array: Any) -> Any:
    """Return an array, read-only from now on."""
    array.flags.writeable = False
    return array


def _ints(values: Iterable[object]) -> Ints:
    return _frozen(np.array(list(values), np.int32))  # type: ignore[no-any-return]


def _reals(values: Sequence[object]) -> Reals:
    return _frozen(np.array(values, np.float64))  # type: ignore[no-any-return]


def _numbered(ids: Sequence[str], what: str) -> dict[str, int]:
    """Return the number of each id."""
    numbers: dict[str, int] = {}
    for k, name in enumerate(ids):
        if name in numbers:
            raise ParameterError(f"{what} {name!r} is there twice")
        numbers[name] = k
    return numbers


def _road_links(junction: JunctionPlan) -> tuple[RoadLinkPlan, ...]:
    return () if junction.virtual else junction.road_links


def _check_road(road: RoadPlan, junction_at: dict[str, int], where: str) -> None:
    for end in (road.start, road.end):
        if end not in junction_at:
            raise ParameterError(f"{where}: there is no junction {end!r}")
    if not road.widths:
        raise ParameterError(f"{where} has no lanes; at least one is needed")
    if len(road.limits) != len(road.widths):
        raise ParameterError(f"{where}: {len(road.limits)} speed limits for {len(road.widths)} lanes")
    if len(road.points) < 2:
        raise ParameterError(f"{where}: a road needs at least 2 points, not {len(road.points)}")
    for k, (width, limit) in enumerate(zip(road.widths, road.limits, strict=True)):
        check_float(f"{where}: width of lane {k}", width, 0.0, 1e3)
        if check_float(f"{where}: speed limit of lane {k}", limit, 0.0, NO_LIMIT) == 0.0:
            raise ParameterError(f"{where}: speed limit of lane {k} must be positive")
    _check_line(road.points, where)
    if road.lane_lines and len(road.lane_lines) != len(road.widths):
        raise ParameterError(f"{where}: {len(road.lane_lines)} centre lines for {len(road.widths)} lanes")
    for line in road.lane_lines:
        _check_line(line, where)


def _check_line(line: Sequence[Point], where: str) -> None:
    if len(line) < 2:
        raise ParameterError(f"{where}: a line needs at least 2 points, not {len(line)}")
    for k, point in enumerate(line):
        check_float(f"{where}: x of point {k}", point[0], -_FAR, _FAR)
        check_float(f"{where}: y of point {k}", point[1], -_FAR, _FAR)
        if k and point == line[k - 1]:
            raise ParameterError(f"{where}: points {k - 1} and {k} are the same, {point}")


def _check_junction(junction: JunctionPlan, roads: Sequence[RoadPlan], road_at: dict[str, int], where: str) -> None:
    check_float(f"{where}: x", junction.point[0], -_FAR, _FAR)
    check_float(f"{where}: y", junction.point[1], -_FAR, _FAR)
    for name in junction.roads:
        if name not in road_at:
            raise ParameterError(f"{where}: there is no road {name!r}")
    if junction.virtual:
        return
    check_float(f"{where}: width", junction.width, 0.0, _FAR)
    for k, movement in enumerate(junction.road_links):
        _check_movement(junction, movement, roads, road_at, f"{where}: road link {k}")
    if not junction.phases:
        raise ParameterError(f"{where} has no signal phases; without a signal, give one with all road links")
    for k, phase in enumerate(junction.phases):
        check_float(f"{where}: time of phase {k}", phase.time, 0.0, 1e9)
        for link in phase.road_links:
            if not 0 <= link < len(junction.road_links):
                raise ParameterError(
                    f"{where}: phase {k} names road link {link}; there are {len(junction.road_links)}, counted from 0"
                )
    if sum(phase.time for phase in junction.phases) <= 0.0:
        raise ParameterError(f"{where}: the times of its phases must not all be 0")


def _check_movement(
    junction: JunctionPlan, movement: RoadLinkPlan, roads: Sequence[RoadPlan], road_at: dict[str, int], where: str
) -> None:
    if not 0 <= movement.kind <= STRAIGHT:
        raise ParameterError(f"{where}: kind must be from 0 to {STRAIGHT}, not {movement.kind}")
    for name in (movement.start_road, movement.end_road):
        if name not in road_at:
            raise ParameterError(f"{where}: there is no road {name!r}")
    start, end = roads[road_at[movement.start_road]], roads[road_at[movement.end_road]]
    if start.end != junction.id or end.start != junction.id:
        raise ParameterError(f"{where}: {start.id!r} must end and {end.id!r} start at this junction")
    for link in movement.lane_links:
        for lane, road in ((link.start_lane, start), (link.end_lane, end)):
            if not 0 <= lane < len(road.widths):
                raise ParameterError(
                    f"{where}: a lane link names lane {lane} of road {road.id!r}, which has {len(road.widths)}, "
                    f"counted from 0"
                )
        if link.points:
            _check_line(link.points, where)


def _lanes_of(road: RoadPlan, width_of: dict[str, float], name: str) -> list[Line]:
    """Return the centre line of each lane between the junctions."""
    if road.lane_lines:
        return list(road.lane_lines)
    at_start, at_end = width_of[road.start], width_of[road.end]
    ends = [math.dist(road.points[0], road.points[1]), math.dist(road.points[-1], road.points[-2])]
    room = ends[0] if len(road.points) > 2 else ends[0] - at_end
    if at_start >= room or at_end >= ends[1]:
        raise ParameterError(
            f"{name}: road {road.id!r}: its first and last piece, {ends[0]:g} and {ends[1]:g} m, must be longer than "
            f"the widths of the junctions, {at_start:g} and {at_end:g} m"
        )
    return list(lane_lines(trimmed(road.points, at_start, at_end), road.widths))


def _links_of(
    roads: Sequence[RoadPlan],
    junctions: Sequence[JunctionPlan],
    road_at: dict[str, int],
    first_lane: NDArray[np.int64],
    name: str,
) -> _Links:
    """Return all lane links; their curves are drawn between lanes that still reach the junctions' points."""
    links = _Links([], [], [], [], [0])
    width_of = {j.id: 0.0 if j.virtual else j.width for j in junctions}
    lanes = _FullLanes(roads)
    movement = 0
    for junction in junctions:
        for plan in _road_links(junction):
            start, end = road_at[plan.start_road], road_at[plan.end_road]
            for link in plan.lane_links:
                links.start.append(int(first_lane[start]) + link.start_lane)
                links.end.append(int(first_lane[end]) + link.end_lane)
                links.movement.append(movement)
                line = link.points or _curve(link, roads[start], roads[end], lanes, width_of)
                links.lines.append(line)
                if not math.isfinite(length_of(line)):
                    raise ParameterError(f"{name}: junction {junction.id!r}: a lane link has no finite length")
            movement += 1
        links.first.append(len(links.start))
    return links


class _FullLanes(dict[str, Sequence[Line]]):
    """Centre lines of a road's lanes as far as the junctions' points, and computed when they are asked for."""

    def __init__(self, roads: Sequence[RoadPlan]) -> None:
        self._roads = {road.id: road for road in roads}

    def __missing__(self, name: str) -> Sequence[Line]:
        road = self._roads[name]
        self[name] = road.lane_lines or lane_lines(road.points, road.widths)
        return self[name]


def _curve(link: LaneLinkPlan, start: RoadPlan, end: RoadPlan, lanes: _FullLanes, width_of: dict[str, float]) -> Line:
    """Return the path of a lane link whose points are not given."""
    leave_width = 0.0 if start.lane_lines else width_of[start.end]
    arrive_width = 0.0 if end.lane_lines else width_of[end.start]
    return link_curve(lanes[start.id][link.start_lane], lanes[end.id][link.end_lane], leave_width, arrive_width)


def _flat(lines: Sequence[Line]) -> tuple[Reals, Ints]:
    """Return all points, and where each line's begin."""
    xy = _reals([point for line in lines for point in line])
    return xy, _ints(np.cumsum([0] + [len(line) for line in lines]).tolist())


def _crosses(xy: Reals, first_point: Ints, first_link: Sequence[int]) -> tuple[Ints, Reals]:
    """Return the crosses of all junctions: pairs of lane links, and where on them."""
    pairs, places = [np.zeros((0, 2), np.int32)], [np.zeros((0, 2))]
    for k0, k1 in itertools.pairwise(first_link):
        most = (k1 - k0) * (k1 - k0 - 1) // 2
        pair, at = np.zeros((most + 1, 2), np.int32), np.zeros((most + 1, 2))
        count = find_crosses(xy, first_point, k0, k1, pair, at)
        pairs.append(pair[:count])
        places.append(at[:count])
    return _frozen(np.concatenate(pairs)), _frozen(np.concatenate(places))


def _green(junctions: Sequence[JunctionPlan]) -> NDArray[np.bool_]:
    """Return which road links may go in which phase."""
    phases = [(junction, phase) for junction in junctions if not junction.virtual for phase in junction.phases]
    most = max((len(junction.road_links) for junction, _ in phases), default=0)
    green = np.zeros((len(phases), most), np.bool_)
    for p, (_, phase) in enumerate(phases):
        green[p, list(phase.road_links)] = True
    return _frozen(green)  # type: ignore[no-any-return]
