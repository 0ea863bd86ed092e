"""CityFlow's files: `roadnet.json` and `flow.json`.

Source: cityflow-project/CityFlow (Apache-2.0), roadnet.cpp and engine.cpp. Numbers are read as its parser does.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from marl_envs.core.params import ParameterError
from marl_envs.traffic.assemble import assemble
from marl_envs.traffic.demand import KIND_FIELDS, Demand, FlowPlan, Kind, build_demand
from marl_envs.traffic.formats.numbers import read_real
from marl_envs.traffic.geometry import Point
from marl_envs.traffic.network import Network
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

KIND_NAMES = {STRAIGHT: "go_straight", TURN_LEFT: "turn_left", TURN_RIGHT: "turn_right", OTHER: "other"}
_KINDS = {name: kind for kind, name in KIND_NAMES.items()}
# Our names of a vehicle's numbers -> CityFlow's
VEHICLE_KEYS = {
    "length": "length",
    "width": "width",
    "max_acceleration": "maxPosAcc",
    "max_deceleration": "maxNegAcc",
    "usual_acceleration": "usualPosAcc",
    "usual_deceleration": "usualNegAcc",
    "min_gap": "minGap",
    "max_speed": "maxSpeed",
    "headway": "headwayTime",
}
_kind_numbers = itemgetter(*(VEHICLE_KEYS[name] for name in KIND_FIELDS if name in VEHICLE_KEYS))


def read_network(path: str | Path) -> Network:
    """Return the network of a `roadnet.json`.

    Raises:
        ParameterError: names the file, the element and the reason: not readable, not JSON (with the line), a key that
            is missing or of a wrong type, or whatever `assemble` refuses.
    """
    roads, junctions = _read(_plans, _load(path, dict), str(path))
    return assemble(roads, junctions, str(path))


def read_demand(path: str | Path, network: Network, *, drop_unroutable: bool = False) -> Demand:
    """Return the demand of a `flow.json` on `network`.

    Args:
        path: the file.
        network: where the vehicles drive.
        drop_unroutable: what CityFlow does with a flow whose roads are not connected or that has one road only: its
            first vehicle vanishes and no other comes. Otherwise that is an error.

    Raises:
        ParameterError: names the file, the flow and the reason: not readable, not JSON (with the line), no flows, a key
            that is missing or of a wrong type, or whatever `build_demand` refuses.
    """
    with _uncollected():
        flows = _load(path, list)
        if not flows:
            raise ParameterError(f"{path}: there are no flows; at least one is needed")
        kinds: dict[tuple[Any, ...], Kind] = {}
        plans = [_read(_flow, item, f"{path}: flow {k}", kinds) for k, item in enumerate(flows)]
        return build_demand(network, plans, str(path), drop_unroutable=drop_unroutable)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through a million new objects again and again: half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load(path: str | Path, kind: type) -> Any:
    """Return what a JSON file holds."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path}: cannot be read: {error}") from None
    try:
        data = json.loads(text, parse_float=lru_cache(read_real))  # vehicles have the same numbers again and again
    except json.JSONDecodeError as error:
        raise ParameterError(f"{path}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # thousands of digits or brackets
        raise ParameterError(f"{path}: not JSON: {error}") from None
    if not isinstance(data, kind):
        raise ParameterError(f"{path}: must hold a JSON {'object' if kind is dict else 'array'}")
    return data


def _read(reader: Callable[..., Any], item: Any, where: str, *more: Any) -> Any:
    """Return `reader(item, where, ...)`; what is missing or of a wrong type becomes an error that says where."""
    if not isinstance(item, dict):
        raise ParameterError(f"{where} must be a JSON object")
    where = f"{where} ({item['id']!r})" if isinstance(item.get("id"), str) else where
    try:
        return reader(item, where, *more)
    except KeyError as error:
        raise ParameterError(f"{where}: the key {error} is missing") from None


def _list(item: dict[str, Any], key: str, where: str, least: int = 0) -> list[Any]:
    value = item[key]
    if not isinstance(value, list) or len(value) < least:
        raise ParameterError(f"{where}: {key} must be an array{' that is not empty' if least else ''}")
    return value


def _plans(item: dict[str, Any], where: str) -> tuple[list[RoadPlan], list[JunctionPlan]]:
    roads, junctions = _list(item, "roads", where, least=1), _list(item, "intersections", where, least=1)
    return (
        [_read(_road, road, f"{where}: roads[{k}]") for k, road in enumerate(roads)],
        [_read(_junction, junction, f"{where}: intersections[{k}]") for k, junction in enumerate(junctions)],
    )


def _text(item: dict[str, Any], key: str, where: str) -> str:
    value = item[key]
    if not isinstance(value, str):
        raise ParameterError(f"{where}: {key} must be a string, not {value!r}")
    return value


def _number(item: dict[str, Any], key: str, where: str) -> float:
    value = item[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ParameterError(f"{where}: {key} must be a number, not {value!r}")
    return float(value)


def _index(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParameterError(f"{what} must be an integer, not {value!r}")
    return value


def _point(item: Any, where: str) -> Point:
    if not isinstance(item, dict):
        raise ParameterError(f"{where}: a point must be an object with x and y, not {item!r}")
    return _number(item, "x", where), _number(item, "y", where)


def _points(item: dict[str, Any], where: str) -> tuple[Point, ...]:
    return tuple(_point(point, where) for point in _list(item, "points", where))


def _object(item: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = item[key]
    if not isinstance(value, dict):
        raise ParameterError(f"{where}: {key} must be an object, not {value!r}")
    return value


def _road(item: dict[str, Any], where: str) -> RoadPlan:
    lanes = _list(item, "lanes", where)
    if not all(isinstance(lane, dict) for lane in lanes):
        raise ParameterError(f"{where}: each of lanes must be an object with width and maxSpeed")
    return RoadPlan(
        id=_text(item, "id", where),
        start=_text(item, "startIntersection", where),
        end=_text(item, "endIntersection", where),
        points=_points(item, where),
        widths=tuple(_number(lane, "width", where) for lane in lanes),
        limits=tuple(_number(lane, "maxSpeed", where) for lane in lanes),
    )


def _junction(item: dict[str, Any], where: str) -> JunctionPlan:
    name, point = _text(item, "id", where), _point(item["point"], where)
    roads = tuple(_list(item, "roads", where))
    if not isinstance(item["virtual"], bool):
        raise ParameterError(f"{where}: virtual must be true or false, not {item['virtual']!r}")
    if not all(isinstance(road, str) for road in roads):
        raise ParameterError(f"{where}: roads must be names of roads")
    if item["virtual"]:
        return JunctionPlan(name, point, virtual=True, roads=roads)
    links = _list(item, "roadLinks", where)
    phases = _list(_object(item, "trafficLight", where), "lightphases", where)
    return JunctionPlan(
        name,
        point,
        width=_number(item, "width", where),
        roads=roads,
        road_links=tuple(_read(_road_link, link, f"{where}: roadLinks[{k}]") for k, link in enumerate(links)),
        phases=tuple(_read(_phase, phase, f"{where}: lightphases[{k}]") for k, phase in enumerate(phases)),
    )


def _phase(item: dict[str, Any], where: str) -> PhasePlan:
    links = _list(item, "availableRoadLinks", where)
    return PhasePlan(_number(item, "time", where), tuple(_index(k, f"{where}: a road link") for k in links))


def _road_link(item: dict[str, Any], where: str) -> RoadLinkPlan:
    links = _list(item, "laneLinks", where)
    return RoadLinkPlan(
        _KINDS.get(_text(item, "type", where), OTHER),
        _text(item, "startRoad", where),
        _text(item, "endRoad", where),
        tuple(_read(_lane_link, link, f"{where}: laneLinks[{k}]") for k, link in enumerate(links)),
    )


def _lane_link(item: dict[str, Any], where: str) -> LaneLinkPlan:
    start, end = (_index(item[key], f"{where}: {key}") for key in ("startLaneIndex", "endLaneIndex"))
    return LaneLinkPlan(start, end, _points(item, where) if item.get("points") else ())


def vehicle_kind(item: dict[str, Any], where: str) -> Kind:
    """Return the kind of vehicle that an object with CityFlow's keys describes."""
    return Kind(**{name: _number(item, key, where) for name, key in VEHICLE_KEYS.items()})


def _flow(item: dict[str, Any], where: str, kinds: dict[tuple[Any, ...], Kind]) -> FlowPlan:
    vehicle = item["vehicle"]
    if not isinstance(vehicle, dict):
        raise ParameterError(f"{where}: vehicle must be an object, not {vehicle!r}")
    key = _kind_numbers(vehicle)
    try:
        kind = kinds.get(key)
    except TypeError:  # an array or an object, which is no number
        kind = None
    if kind is None:
        kind = kinds[key] = vehicle_kind(vehicle, f"{where}: vehicle")
    route = _list(item, "route", where, least=1)
    if not all(isinstance(road, str) for road in route):
        raise ParameterError(f"{where}: route must be names of roads")
    interval = _number(item, "interval", where)
    # CityFlow takes these two only where they are written as integers, and has defaults
    start, end = item.get("startTime", 0), item.get("endTime", -1)
    if type(start) is not int or type(end) is not int:
        _index(start, f"{where}: startTime")
        _index(end, f"{where}: endTime")
    return FlowPlan(kind, tuple(route), interval, start, None if end == -1 else end)
