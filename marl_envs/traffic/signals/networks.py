"""Networks and demand by name or path, ready for the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.traffic.arrivals import CAR, draw, expected
from marl_envs.traffic.demand import URBAN_IDM, Demand, Trips, check_number, expand
from marl_envs.traffic.engine.tables import build_settings, most_vehicles
from marl_envs.traffic.formats import cityflow, sumo, sumo_routes
from marl_envs.traffic.names import ALLOWED as ALLOWED_NETWORKS
from marl_envs.traffic.names import is_network, network_named
from marl_envs.traffic.network import Network
from marl_envs.traffic.phases import with_signals
from marl_envs.traffic.rilsa import rilsa, rilsa_counts
from marl_envs.traffic.signals.phases import Choices, Signal, arrange
from marl_envs.traffic.sources import ALLOWED as ALLOWED_DEMAND
from marl_envs.traffic.sources import arrivals_named, is_named, is_redrawn

SUMO_NETWORKS, SUMO_ROUTES = (".net.xml", ".net.xml.gz"), (".rou.xml", ".rou.xml.gz")
HOUR = 3600.0  # arrivals are drawn for whole hours, so that they do not depend on `max_cycles` [s]
MOST_STEPS = 2**31 - 1  # of an episode: they are counted in 32 bits


@dataclass(frozen=True, eq=False)
class Roads:
    """A network with its demand, and the engine's settings for both."""

    network: Network
    signals: tuple[Signal, ...]
    settings: Any
    capacity: int
    sets: int


def load(params: Any, change: Callable[[Demand], Demand] | None = None) -> Roads:
    """Return what the parameters name.

    Args:
        params: of the environment.
        change: what to make of each demand set, which keeps its flows and routes.

    Raises:
        ParameterError: there is no such network or demand, a file is refused, no junction has a choice of phases, or
            there are too many steps or vehicles for the memory.
    """
    demands = (params.demand,) if isinstance(params.demand, str) else params.demand
    stamps = tuple(_stamp(name) for name in (params.network, *demands))
    steps = round(drawn(params) / params.dt)
    if steps > MOST_STEPS:
        raise ParameterError(
            f"max_cycles, {params.max_cycles}, is too large: an episode has {steps:,} steps of dt, {params.dt} s; "
            f"at most {MOST_STEPS:,} are allowed"
        )
    amber = params.steps("yellow", params.yellow)
    choice = params.lane_choice
    if choice == "own":
        choice = "emptiest" if is_sumo(params.network) else "random"
    engine = (params.dt, params.rng == "mt19937", params.parity, model_of(params), choice, amber)
    named = (params.network, params.phases, demands, params.demand_sets, steps, engine)
    return _load(*named, stamps) if change is None else _make(*named, change)


def is_sumo(network: str) -> bool:
    """Return whether a network's name or path means one from SUMO's files."""
    return network == "rilsa" or network.endswith(SUMO_NETWORKS)


def model_of(params: Any) -> str:
    """Return the law of car following that the parameters mean, one of engine/tables.MODELS."""
    if params.car_following != "own":
        return str(params.car_following)
    return "sumo" if is_sumo(params.network) and params.parity else "krauss"


def drawn(params: Any) -> float:
    """Return for how long arrivals are drawn [s]: the episode, in whole hours."""
    horizon = params.warmup + params.max_cycles * params.decision_interval
    return float(np.ceil(round(horizon / HOUR, 9)) * HOUR)


def most_cycles(params: Any) -> int:
    """Return for how many decisions arrivals are drawn."""
    return int(np.floor(round((drawn(params) - params.warmup) / params.decision_interval, 9)))


def _stamp(name: str) -> int:
    """Return when a file was last written, so that what is kept of it is not used after a change."""
    try:
        return Path(name).stat().st_mtime_ns
    except (OSError, ValueError):  # no file, or no name for one
        return 0


Engine = tuple[float, bool, bool, str, str, int]  # dt, mersenne, parity, model, lane choice, amber


@lru_cache(maxsize=8)
def _load(
    name: str, phases: str, demands: tuple[str, ...], count: int, steps: int, engine: Engine, stamps: tuple[int, ...]
) -> Roads:
    del stamps
    return _make(name, phases, demands, count, steps, engine, lambda demand: demand)


def _make(
    name: str,
    phases: str,
    demands: tuple[str, ...],
    count: int,
    steps: int,
    engine: Engine,
    change: Callable[[Demand], Demand],
) -> Roads:
    network, signals = network_of(name, phases)
    dt, mersenne, parity, model, choice, amber = engine
    pairs = [pair for demand in demands for pair in trips_of(demand, network, count, dt, steps, model)]
    sets, trips = [change(demand) for demand, _ in pairs], [made for _, made in pairs]
    settings = build_settings(
        sets,
        trips,
        dt,
        program=False,
        mersenne=mersenne,
        parity=parity,
        model=model,
        lane_choice=choice,
        amber=amber,
    )
    return Roads(network, signals, settings, most_vehicles(network, sets, trips), len(sets))


def trips_of(name: str, network: Network, count: int, dt: float, steps: int, model: str) -> list[tuple[Demand, Trips]]:
    """Return the demand of a file, or `count` draws of arrivals at random, of cars that suit the law of following."""
    if name.endswith((".json", *SUMO_ROUTES)):
        demand = cityflow.read_demand(name, network) if name.endswith(".json") else _read_routes(name, network)
        return [(demand, expand(demand, dt, steps))]
    if name != "rilsa" and not is_named(name):
        raise ParameterError(
            f"demand must be one of {ALLOWED_DEMAND}, rilsa, or a file that ends in .json (CityFlow) or "
            f"{' or '.join(SUMO_ROUTES)} (SUMO), not {name!r}"
        )
    if name == "rilsa":
        arrivals = rilsa_counts(replace(rilsa(), network=network))
    else:
        car = URBAN_IDM if model == "idm" else CAR
        arrivals = arrivals_named(name, network, kind=car)
    check_number(count * expected(arrivals, steps * dt), f"demand {name!r} in {count} demand_sets")
    sets = [arrivals] * count
    if is_redrawn(name):
        sets = [arrivals_named(name, network, kind=car, seed=seed) for seed in range(count)]
    return [(one.demand, draw(one, seed, dt, steps)) for seed, one in enumerate(sets)]


def _read_routes(path: str, network: Network) -> Demand:
    """Return the demand of SUMO's routes from the full hour of the first vehicle on: files often begin at 7 o'clock.

    Vehicles that stay on one edge are left out, as they meet no signal.
    """
    demand = sumo_routes.read_demand(path, network, drop_single=True)
    begin = first_hour(demand)
    return replace(demand, flow_start=demand.flow_start - begin, flow_end=demand.flow_end - begin)


def first_hour(demand: Demand) -> float:
    """Return the full hour in which the first vehicle comes [s]."""
    return float(demand.flow_start.min() // HOUR * HOUR)


def network_of(name: str, phases: str) -> tuple[Network, tuple[Signal, ...]]:
    """Return the network of that name or path, its phases completed, and its signals.

    Raises:
        ParameterError: there is no such network, a file is refused, or no junction has a choice of phases.
    """
    return _arranged(name, phases, _stamp(name))


@lru_cache(maxsize=8)
def _arranged(name: str, phases: str, stamp: int) -> tuple[Network, tuple[Signal, ...]]:
    del stamp
    network, choices = _read(name)
    if phases != "own":
        choices = None
        signalled = [network.junction_ids[j] for j in network.signals if network.num_phases(j) > 1]
        network = with_signals(with_signals(network, signalled, phases), None, phases)
    network, signals = arrange(network, choices)
    if not signals:
        raise ParameterError(f"{name}: no junction has two phases to choose from")
    return network, signals


def town_of(name: str) -> sumo.SumoNetwork | None:
    """Return the network of a file of SUMO's, or RiLSA's; None: the name is of another kind."""
    if name == "rilsa":
        return rilsa()
    return sumo.read(name) if name.endswith(SUMO_NETWORKS) else None


def _read(name: str) -> tuple[Network, Choices | None]:
    """Return a network, and the phases to choose from at each junction where the file says so."""
    if name.endswith(".json"):
        return cityflow.read_network(name), None
    town = town_of(name)
    if town is not None:
        return town.network, town.choices
    if not is_network(name):
        raise ParameterError(
            f"network must be one of {ALLOWED_NETWORKS}, or a file that ends in .json (CityFlow) or "
            f"{' or '.join(SUMO_NETWORKS)} (SUMO), not {name!r}"
        )
    return network_named(name), None
