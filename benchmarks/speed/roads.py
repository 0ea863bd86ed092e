"""Networks and demand for measurements of the traffic engine: flows that are published, and towns of any size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.errors import InputError
from benchmarks.fidelity.figures import FLOWS, SIXTEEN, TYC
from benchmarks.fidelity.play import data_folder, missing_files
from marl_envs.traffic.arrivals import CAR
from marl_envs.traffic.demand import Demand, FlowPlan, build_demand
from marl_envs.traffic.formats.cityflow import read_demand, read_network
from marl_envs.traffic.formats.cityflow_out import write_demand, write_network
from marl_envs.traffic.generate import grid
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT

HANGZHOU = {"hangzhou 1x1": TYC, "hangzhou 4x4": SIXTEEN}
EVERY = 60.0  # between two departures from a road of a town [s]
LEGS = 8  # roads of a trip
_TURNS = {TURN_LEFT: 0.1, STRAIGHT: 0.6, TURN_RIGHT: 0.3}


def has_hangzhou() -> bool:
    """Return whether the files of both flows are there."""
    try:
        return not missing_files(data_folder(), list(HANGZHOU.values()))
    except InputError:
        return False


@contextmanager
def files(name: str) -> Iterator[tuple[str, str]]:
    """Give the paths of network and demand: those of a published flow, or of a town, written for CityFlow."""
    if name in HANGZHOU:
        folder, flow = data_folder(), FLOWS[HANGZHOU[name]]
        assert folder is not None
        yield str(folder / flow.network), str(folder / flow.demand)
        return
    demand = town(int(name.rpartition("x")[2]))
    with tempfile.TemporaryDirectory() as written:
        paths = str(Path(written) / "roadnet.json"), str(Path(written) / "flow.json")
        write_network(demand.network, paths[0])
        write_demand(demand, paths[1])
        yield paths


@lru_cache
def hangzhou(name: str) -> Demand:
    """Return a published flow on its network."""
    with files(name) as (network, demand):
        return read_demand(demand, read_network(network))


@lru_cache
def town(side: int) -> Demand:
    """Return a grid of side x side junctions where a trip begins on every road once a minute.

    A trip has up to eight roads, at each junction 10 % to the left, 60 % straight, 30 % to the right; so there is the
    same traffic around each junction, whatever the size of the town. Signals follow the network's own program.
    """
    network, rng = grid(side, side), np.random.default_rng(0)
    ways = _ways(network)
    plans = []
    for road in range(len(network.road_ids)):
        route = _walk(ways, road, rng)
        if len(route) > 1:
            names = tuple(network.road_ids[r] for r in route)
            plans.append(FlowPlan(CAR, names, EVERY, start=float(rng.integers(int(EVERY)))))  # CityFlow's are whole
    return build_demand(network, plans, f"town {side}x{side}")


def _ways(network: Network) -> list[dict[int, float]]:
    """Return the roads that follow each road, with their weights."""
    ways: list[dict[int, float]] = [{} for _ in network.road_ids]
    for (start, end), kind in zip(network.road_link_roads.tolist(), network.road_link_kind.tolist(), strict=True):
        ways[start][end] = _TURNS[kind]
    return ways


def _walk(ways: list[dict[int, float]], road: int, rng: np.random.Generator) -> list[int]:
    route = [road]
    while len(route) < LEGS and ways[route[-1]]:
        weights = np.array(list(ways[route[-1]].values()))
        route.append(int(rng.choice(list(ways[route[-1]]), p=weights / weights.sum())))
    return route


@lru_cache
def rilsa() -> Demand:
    """Return the counts of the German guideline's junction, 2,370 vehicles an hour, one evenly after the other."""
    from marl_envs.traffic import rilsa as example

    return example.rilsa_counts(example.rilsa()).demand
