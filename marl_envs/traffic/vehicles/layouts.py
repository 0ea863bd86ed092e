"""Layouts by name or file, the trips on them, and what the engine needs for both."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.traffic import generate
from marl_envs.traffic.arrivals import Arrivals, build_arrivals
from marl_envs.traffic.demand import KIND_FIELDS, Demand, Kind, Trips, expand
from marl_envs.traffic.engine.routes import all_routes, with_routes
from marl_envs.traffic.engine.tables import build_settings
from marl_envs.traffic.formats import cityflow, sumo, sumo_routes
from marl_envs.traffic.network import Network
from marl_envs.traffic.rilsa import rilsa, rilsa_counts
from marl_envs.traffic.sources import by_turns
from marl_envs.traffic.streets import Lanes
from marl_envs.traffic.vehicles.crosswalks import Crosswalk, crosswalks_of, with_crosswalks
from marl_envs.traffic.vehicles.params import Params
from marl_envs.traffic.vehicles.programs import with_clearances
from marl_envs.traffic.vehicles.ways import free_speeds, more_routes

SUMO_NETWORKS, SUMO_ROUTES = (".net.xml", ".net.xml.gz"), (".rou.xml", ".rou.xml.gz")
FLOW = 600.0  # of a layout without counts of its own [veh/h]
HOUR = 3600.0  # [s]
EMERGENCY = 4.5  # hardest braking of all vehicles [m/s2]
SWING = (
    0.15  # that the engine's cars leave free besides a body's width: where a path has a kink, its rear swings out [m]
)
DRAWN = 600.0  # room is made for the trips of so many seconds, or the next multiple [s]
# The vehicle of the environment; its top speed is the layout's highest limit
VEHICLE = Kind(
    length=5.0,
    width=1.8,
    max_acceleration=2.0,
    max_deceleration=EMERGENCY,
    usual_acceleration=2.0,
    usual_deceleration=3.0,
    min_gap=2.0,
    headway=1.0,
)
_SINGLE = re.compile(
    r"(?:(?P<one>cross|tee)|grid-(?P<rows>[1-9]\d?)x(?P<columns>[1-9]\d?))(?:-(?P<lanes>[1-3]))?(?P<turns>-turns)?"
)
_ROUNDABOUT = re.compile(r"roundabout(?:-(?P<arms>[3-8]))?")
ALLOWED = (
    "cross, tee, grid-RxC (each with -LANES, 1 to 3, and -turns for lanes of their own for turns, in this order), "
    "roundabout, roundabout-ARMS (3 to 8), rilsa1"
)


@dataclass(frozen=True, eq=False)
class Layout:
    """A network with its trips, and the engine's settings for both."""

    network: Network
    arrivals: Arrivals | None
    """Streams that trips are drawn from; None: the trips are those of a file."""
    demand: Demand
    settings: Any
    rate: float
    """Of all streams together [veh/h]."""
    capacity: int
    trips: int
    """Most trips of an episode that are drawn; 0: those of a file."""
    routes: tuple[tuple[int, ...], ...]
    """All that the settings know; with a choice of route more than those of the trips."""


def load(params: Params, network: Network | None = None) -> Layout:
    """Return what the parameters name.

    Args:
        params: the parameters.
        network: in place of the one that they name; only its phases may differ.

    Raises:
        ParameterError: there is no such layout or demand, a file is refused, or nobody can drive through a junction.
    """
    network = network_of(params) if network is None else network
    if not np.diff(network.first_link).any():
        raise ParameterError(f"layout {params.layout!r} has no junction that vehicles could drive through")
    arrivals, demand, trips = _trips_of(params, network)
    rate = _rate_of(params, arrivals)
    most = _most_trips(params, rate) if arrivals is not None else 0
    wide = demand.kinds.copy()
    wide[:, KIND_FIELDS.index("width")] += SWING
    settings = build_settings(
        [replace(demand, kinds=wide)],
        [trips],
        params.dt,
        program=params.signals,
        mersenne=False,
        parity=False,
        model="idm",
        fresh=arrivals is not None,
    )
    routes = tuple(all_routes([demand]))
    if params.route_choice:
        routes = more_routes(network, routes, free_speeds(network, settings))
        settings = with_routes(settings, network, routes)
    room = int((network.length / settings.body.min() + 2).sum())
    capacity = max(1, min(most or len(trips), room))
    return Layout(network, arrivals, demand, settings, rate, capacity, most, routes)


def vehicles_of(params: Params) -> int:
    """Return how many vehicles an episode has with arrivals="once": the agents, and the share of background."""
    return round(params.num_vehicles / (1.0 - params.background))


def drawn_seconds(params: Params) -> float:
    """Return for how long an episode may last at most, since room is made for so many trips [s]."""
    return float(np.ceil(round(params.max_cycles * params.decision_interval / DRAWN, 9)) * DRAWN)


def _most_trips(params: Params, rate: float) -> int:
    """Return for how many trips there is room: more come in one of a thousand million episodes."""
    if params.arrivals == "once":
        return vehicles_of(params)
    groups = rate / HOUR * drawn_seconds(params) / params.platoon
    return int(np.ceil(groups + 6.0 * np.sqrt(groups) + 10.0)) * params.platoon


def _rate_of(params: Params, arrivals: Arrivals | None) -> float:
    if params.flow is not None:
        return params.flow
    if arrivals is not None and arrivals.demand.name == "rilsa":
        return float(arrivals.rate[:, 0].sum() * HOUR)
    return FLOW


def network_of(params: Any) -> Network:
    """Return the network of a layout, all movements open unless its signals run.

    Args:
        params: the parameters, or whatever has `layout`, `length`, `speed`, `signals` and `crosswalks`.

    Raises:
        ParameterError: there is no such layout, or a file is refused.
    """
    name, walks = params.layout, bool(params.crosswalks)
    return _network(name, float(params.length), float(params.speed), bool(params.signals), walks, _stamp(name))


def walks_of(params: Any) -> tuple[Crosswalk, ...]:
    """Return the crosswalks of a layout, none if it has none; `params` as for `network_of`."""
    if not params.crosswalks:
        return ()
    name = params.layout
    uncut = _network(name, float(params.length), float(params.speed), bool(params.signals), False, _stamp(name))
    return crosswalks_of(uncut)


def _stamp(name: str) -> int:
    """Return when a file was last written, so that what is kept of it is not used after a change."""
    try:
        return Path(name).stat().st_mtime_ns
    except (OSError, ValueError):  # no file, or no name for one
        return 0


@lru_cache(maxsize=16)
def _network(name: str, length: float, speed: float, signals: bool, walks: bool, stamp: int) -> Network:
    if walks:
        return with_crosswalks(_network(name, length, speed, signals, False, stamp))
    if name.endswith(".json"):
        network = cityflow.read_network(name)
    elif name.endswith(SUMO_NETWORKS):
        network = sumo.read_network(name)
    elif name == "rilsa1":
        network = rilsa().network
    else:
        return _generated(name, length, speed, signals)
    return network if signals else opened(network)


def _generated(name: str, length: float, speed: float, signals: bool) -> Network:
    ring = _ROUNDABOUT.fullmatch(name)
    if ring:
        return generate.roundabout(int(ring["arms"] or 4), length=length, speed=speed)
    found = _SINGLE.fullmatch(name)
    if not found:
        raise ParameterError(
            f"layout must be one of {ALLOWED}, or a file that ends in .json (CityFlow) or "
            f"{' or '.join(SUMO_NETWORKS)} (SUMO), not {name!r}"
        )
    turns = 1 if found["turns"] else 0
    lanes = Lanes(turns, int(found["lanes"] or 1), turns)
    phases = "four" if turns else "two"
    if found["one"]:
        arms = 4 if found["one"] == "cross" else 3
        network = generate.junction(arms, lanes, length=length, speed=speed, phases=phases, signals=signals)
    else:
        size = int(found["rows"]), int(found["columns"])
        network = generate.grid(*size, lanes, length=length, speed=speed, phases=phases, signals=signals)
    return with_clearances(network) if signals else network


def opened(network: Network) -> Network:
    """Return the network with one phase at each junction, in which all may go."""
    driven = [j for j in range(len(network.junction_ids)) if network.num_phases(j)]
    green = np.ones((len(driven), network.green.shape[1]), np.bool_)
    counts = [int(j in set(driven)) for j in range(len(network.junction_ids))]
    first = np.cumsum([0, *counts]).astype(np.int32)
    return replace(network, green=green, phase_time=np.full(len(driven), 60.0), first_phase=first)


def _trips_of(params: Params, network: Network) -> tuple[Arrivals | None, Demand, Trips]:
    """Return the streams to draw from, if any, their demand, and the trips of a file, if any."""
    name = params.demand or ("rilsa" if params.layout == "rilsa1" else None)
    if name is not None and name.endswith((".json", *SUMO_ROUTES)):
        demand = _read(name, network)
        demand = replace(demand, kinds=np.array([_braking(row) for row in demand.kinds]))
        steps = int(np.ceil(drawn_seconds(params) / params.dt))
        return None, demand, expand(demand, params.dt, steps)
    if name not in (None, "rilsa"):
        raise ParameterError(
            f'demand must be None, "rilsa", or a file that ends in .json (CityFlow) or '
            f"{' or '.join(SUMO_ROUTES)} (SUMO), not {name!r}"
        )
    if name == "rilsa":
        arrivals = rilsa_counts(replace(rilsa(), network=network))
        kinds = np.array([_braking(row) for row in arrivals.demand.kinds])
        arrivals = replace(arrivals, demand=replace(arrivals.demand, kinds=kinds))
    else:
        fastest = float(network.limit[: network.num_lanes].max())
        shares = dict(zip(("left", "straight", "right"), params.turns, strict=True))
        streams = by_turns(network, HOUR, shares, kind=replace(VEHICLE, max_speed=fastest))
        arrivals = build_arrivals(network, streams, params.layout)
    none = np.zeros(0, np.int32)
    return arrivals, arrivals.demand, Trips(none, none, none)


def _read(path: str, network: Network) -> Demand:
    if path.endswith(".json"):
        return cityflow.read_demand(path, network)
    demand = sumo_routes.read_demand(path, network, drop_single=True)
    begin = float(demand.flow_start.min() // HOUR * HOUR)
    return replace(demand, flow_start=demand.flow_start - begin, flow_end=demand.flow_end - begin)


def _braking(row: Any) -> Any:
    """Return a kind (columns as KIND_FIELDS) that can brake as hard as all do here."""
    kind = replace(Kind(*row), width=float(min(row[1], 2.5)))
    return np.array([*vars(replace(kind, max_deceleration=max(kind.max_deceleration, EMERGENCY))).values()])
