"""Our networks and demand as CityFlow's files, to run the same traffic there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.traffic.assemble import assemble
from marl_envs.traffic.demand import KIND_FIELDS, Demand
from marl_envs.traffic.formats.cityflow import KIND_NAMES, VEHICLE_KEYS
from marl_envs.traffic.geometry import Point
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import JunctionPlan, LaneLinkPlan, PhasePlan, RoadLinkPlan, RoadPlan


def write_network(network: Network, path: str | Path) -> None:
    """Write a `roadnet.json`; `read_network` reads `network` from it, but for last digits that CityFlow's parser loses.

    Raises:
        ParameterError: lanes have lines of their own, as in SUMO's networks, RiLSA and roundabouts, or were cut for
            crosswalks: CityFlow's files have roads with parallel lanes only.
        OSError: the file cannot be written.
    """
    for road in network.roads:
        if road.lane_lines:
            raise ParameterError(f"{network.name}: road {road.id!r} has lanes of their own, which CityFlow has not")
    if not np.array_equal(assemble(network.roads, network.junctions, network.name).xy, network.xy):
        raise ParameterError(f"{network.name}: its lanes were cut after they were made, which CityFlow has not")
    net = {
        "intersections": [_junction(network, j, plan) for j, plan in enumerate(network.junctions)],
        "roads": [_road(plan) for plan in network.roads],
    }
    Path(path).write_text(json.dumps(net), encoding="utf-8")


def write_demand(demand: Demand, path: str | Path) -> None:
    """Write a `flow.json`; `read_demand` reads `demand` from it, with the same exception.

    Raises:
        ParameterError: a flow that begins or ends at a fraction of a second, or whose vehicles are inserted with a
            speed, dawdle, or differ in speed: CityFlow has none of these.
        OSError: the file cannot be written.
    """
    Path(path).write_text(json.dumps([_flow(demand, k) for k in range(len(demand.flow_kind))]), encoding="utf-8")


def _flow(demand: Demand, k: int) -> dict[str, Any]:
    where = f"{demand.name}: flow {k}"
    start, end = float(demand.flow_start[k]), float(demand.flow_end[k])
    if not start.is_integer() or (end != float("inf") and not end.is_integer()):
        raise ParameterError(f"{where}: begins at {start} s and ends at {end} s; CityFlow has whole seconds only")
    if demand.flow_speed[k] or demand.flow_pace[k] or demand.flow_route[k] < 0:
        raise ParameterError(f"{where}: its vehicles begin with a speed or have no route, which CityFlow has not")
    numbers = dict(zip(KIND_FIELDS, demand.kinds[demand.flow_kind[k]].tolist(), strict=True))
    more = [name for name, value in numbers.items() if name not in VEHICLE_KEYS and value]
    if more:
        raise ParameterError(f"{where}: its vehicles have {', '.join(more)}, which CityFlow has not")
    return {
        "vehicle": {key: numbers[name] for name, key in VEHICLE_KEYS.items()},
        "route": [demand.network.road_ids[road] for road in demand.routes[demand.flow_route[k]]],
        "interval": float(demand.flow_interval[k]),
        "startTime": int(start),
        "endTime": -1 if end == float("inf") else int(end),
    }


def _point(point: Point) -> dict[str, float]:
    return {"x": point[0], "y": point[1]}


def _road(plan: RoadPlan) -> dict[str, Any]:
    lanes = zip(plan.widths, plan.limits, strict=True)
    return {
        "id": plan.id,
        "startIntersection": plan.start,
        "endIntersection": plan.end,
        "points": [_point(point) for point in plan.points],
        "lanes": [{"width": width, "maxSpeed": limit} for width, limit in lanes],
    }


def _phases(network: Network, j: int, plan: JunctionPlan) -> list[PhasePlan]:
    """Return the phases that a junction has now, which may be others than those that it was made with."""
    if plan.virtual:  # whose phases the tables leave out
        return list(plan.phases)
    rows = range(network.first_phase[j], network.first_phase[j + 1])
    return [PhasePlan(float(network.phase_time[p]), tuple(np.flatnonzero(network.green[p]).tolist())) for p in rows]


def _junction(network: Network, j: int, plan: JunctionPlan) -> dict[str, Any]:
    phases = [{"time": p.time, "availableRoadLinks": list(p.road_links)} for p in _phases(network, j, plan)]
    return {
        "id": plan.id,
        "point": _point(plan.point),
        "width": plan.width,
        "virtual": plan.virtual,
        "roads": list(plan.roads),
        "roadLinks": [_road_link(link) for link in plan.road_links],
        "trafficLight": {"lightphases": phases},
    }


def _road_link(plan: RoadLinkPlan) -> dict[str, Any]:
    return {
        "type": KIND_NAMES[plan.kind],
        "startRoad": plan.start_road,
        "endRoad": plan.end_road,
        "laneLinks": [_lane_link(link) for link in plan.lane_links],
    }


def _lane_link(plan: LaneLinkPlan) -> dict[str, Any]:
    points = [_point(point) for point in plan.points]
    return {"startLaneIndex": plan.start_lane, "endLaneIndex": plan.end_lane, "points": points}
