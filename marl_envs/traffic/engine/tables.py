"""From a network and its demand to the engine's tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.demand import KIND_FIELDS, Demand, Trips
from marl_envs.traffic.engine.mersenne import SIZE
from marl_envs.traffic.engine.routes import all_routes, offsets, route_tables
from marl_envs.traffic.engine.sumo_tables import Changes, check_sumo, conflict_tables, with_majors
from marl_envs.traffic.engine.types import (
    CROSS_FIRST,
    END_LANE,
    FORK,
    JUNCTION,
    LANE_INDEX,
    NO_ROOM,
    NONE,
    OUT_FIRST,
    START_LANE,
    TURNS,
    Settings,
)
from marl_envs.traffic.engine.zones import find_zones
from marl_envs.traffic.network import NO_LIMIT, Network, Reals
from marl_envs.traffic.plans import TURN_LEFT, TURN_RIGHT

LANE_CHOICES = ("random", "emptiest")  # which of several lanes drivers take: the reference's rule; the emptiest
# The reference's law, which is a kind of Krauss's; the intelligent driver model; SUMO's drivers and right of way
GRAIN = 2.0**-20  # of berths under SUMO's law: so their sums are exact, whatever the order [m]
MODELS = ("krauss", "idm", "sumo")


def build_settings(
    demands: Sequence[Demand],
    trips: Sequence[Trips],
    dt: float,
    *,
    program: bool,
    mersenne: bool,
    parity: bool,
    fresh: bool = False,
    model: str = MODELS[0],
    lane_choice: str = LANE_CHOICES[0],
    amber: int = 0,
) -> Settings:
    """Return the tables for demand sets on one network.

    Args:
        demands: one or more, all on the same network.
        trips: their vehicles.
        dt: the time step [s].
        program: whether junctions switch by their own program.
        mersenne: whether random numbers are drawn as the reference does.
        parity: whether the reference's rules are kept with their slips; the corrected ones hold for any other model.
        fresh: whether each environment has trips of its own, which whoever resets it draws; `trips` are not used then.
        model: how vehicles follow each other, one of MODELS; "sumo" is for networks of SUMO's files, with `parity`.
        lane_choice: which of several lanes drivers take, one of LANE_CHOICES.
        amber: for how many steps after a link has closed passing is no red run.
    """
    network = demands[0].network
    parity = parity and model != "idm"
    if model == "sumo":
        check_sumo(network, parity)
    routes = all_routes(demands)  # in the order of appearance: what is added later changes no number
    kinds = list(dict.fromkeys(tuple(row) for demand in demands for row in demand.kinds.tolist()))
    return Settings(
        **_drivables(network),
        **_crosses(network),
        **_signals(network, model),
        **_kinds(np.array(kinds), dt, model, float(network.limit[: network.num_lanes].max())),
        **route_tables(network, routes, Changes(network) if model == "sumo" else None),
        **_zones(network, None if parity else float(np.array(kinds)[:, KIND_FIELDS.index("width")].max())),
        **_trips(demands, trips, routes, kinds),
        **conflict_tables(network, model == "sumo", _longest(kinds)),
        dt=dt,
        substeps=1,
        amber=amber,
        program=int(program),
        mersenne=int(mersenne),
        parity=int(parity),
        fresh=int(fresh),
        emptiest=int(lane_choice == "emptiest"),
        idm=int(model == "idm"),
        sumo=int(model == "sumo"),
    )


def sizes_of(settings: Settings, network: Network, capacity: int, fresh: int = 0) -> dict[str, int]:
    """Return the sizes of the state's dimensions but E.

    Args:
        settings: the tables.
        network: that they are for.
        capacity: vehicles that drive at once.
        fresh: trips of one environment, if they are its own.
    """
    return {
        "V": capacity,
        "N": len(settings.measure),
        "L": network.num_lanes,
        "J": len(network.junction_ids),
        "D": fresh or max(1, int(np.diff(settings.trip_first).max())),
        "F": fresh,
        "M": SIZE if settings.mersenne else 0,
        "drivers": capacity if settings.sumo else 0,
        "lists": len(settings.measure) if settings.sumo else 0,
        "4": 4,
        "8": 8,
    }


def most_vehicles(network: Network, demands: Sequence[Demand], trips: Sequence[Trips]) -> int:
    """Return how many vehicles can drive at once: all of them, or what the roads hold bumper to bumper and more."""
    shortest = min(float(demand.kinds[:, KIND_FIELDS.index("length")].min()) for demand in demands)
    return max(1, min(max(map(len, trips)), int((network.length / shortest + 2).sum())))


def _drivables(network: Network) -> dict[str, Any]:
    lanes, links = network.num_lanes, network.num_links
    kind = network.road_link_kind[network.link_movement]
    table = np.zeros((lanes + links + 1, 8), np.int32)
    table[:lanes, LANE_INDEX] = network.lane_index
    table[:lanes, [START_LANE, END_LANE]] = NONE
    table[lanes:-1, START_LANE] = network.link_start
    table[lanes:-1, END_LANE] = network.link_end
    table[lanes:-1, TURNS] = ((kind == TURN_LEFT) | (kind == TURN_RIGHT)) & (network.limit[lanes:] >= NO_LIMIT)
    table[lanes:-1, JUNCTION] = np.repeat(np.arange(len(network.junction_ids)), np.diff(network.first_link))
    table[:, OUT_FIRST] = offsets([*map(len, network.links_from), *[0] * links])
    table[:, CROSS_FIRST] = offsets([*[0] * lanes, *np.bincount(network.cross_links.ravel(), minlength=links)])
    return {
        "measure": np.stack((network.length, network.limit), axis=1),
        "drivable": table,
        "out_link": np.array([lanes + k for out in network.links_from for k in out], np.int32),
    }


def _crosses(network: Network) -> dict[str, Any]:
    """Return the crosses from the view of each of their two links, sorted by link and distance on it."""
    lanes = network.num_lanes
    # One after the other, the two views of a cross, as the order decides where distances are equal
    link, foe = network.cross_links.ravel(), network.cross_links[:, ::-1].ravel()
    bits = np.concatenate((np.zeros(lanes), np.arange(network.num_links))).astype(np.uint64)
    bits = np.uint64(1) << bits % np.uint64(64)
    foes = np.zeros_like(bits)
    np.bitwise_or.at(foes, link + lanes, bits[foe + lanes])
    at, foe_at = network.cross_at.ravel(), network.cross_at[:, ::-1].ravel()
    rank = network.cross_rank.astype(np.int8)
    claim = np.sign(rank - rank[:, ::-1]).ravel()
    order = np.lexsort((at, link))  # a stable sort
    return {
        "link_bit": bits,
        "foe_bits": foes,
        "cross_at": at[order].astype(np.float64),
        "cross_foe": (foe[order] + lanes).astype(np.int32),
        "cross_foe_at": foe_at[order].astype(np.float64),
        "cross_claim": claim[order],
    }


def _zones(network: Network, width: float | None) -> dict[str, Any]:
    """Return the zones for vehicles that are `width` wide, by link, and the links that end on each lane.

    None: no zones, as the reference's rules know none.
    """
    lanes = network.num_lanes
    found = [] if width is None else find_zones(network, width)
    order = sorted(found, key=lambda zone: (zone.link, zone.begin))
    fork = np.zeros(len(network.length))
    for zone in order:
        if zone.kind == FORK:
            fork[zone.link + lanes] = max(fork[zone.link + lanes], zone.end)
    ends = np.argsort(network.link_end, kind="stable")
    return {
        "zone_first": offsets([*[0] * lanes, *np.bincount([z.link for z in order], minlength=network.num_links)]),
        "zone_kind": np.array([zone.kind for zone in order], np.int8),
        "zone_foe": np.array([zone.foe + lanes for zone in order], np.int32),
        "zone_claim": np.array([zone.claim for zone in order], np.int8),
        "zone_place": np.array([zone[4:] for zone in order], np.float64).reshape(-1, 4),
        "fork": fork,
        "in_first": offsets(np.bincount(network.link_end, minlength=lanes)),
        "in_link": (ends + lanes).astype(np.int32),
    }


def _signals(network: Network, model: str) -> dict[str, Any]:
    green: list[NDArray[np.bool_]] = []
    first = []
    for j in range(len(network.junction_ids)):
        links = network.link_movement[network.first_link[j] : network.first_link[j + 1]]
        for p in range(network.first_phase[j], network.first_phase[j + 1]):
            first.append(sum(map(len, green)))
            green.append(network.green[p, links - network.first_road_link[j]])
    shown = with_majors(network, green) if model == "sumo" else green
    return {
        "phase_first": network.first_phase.astype(np.int32),
        "phase_time": network.phase_time.copy(),
        "link_first": (network.first_link + network.num_lanes).astype(np.int32),
        "green_first": np.array(first, np.int32),
        "green": np.concatenate([*shown, np.zeros(0, np.bool_)]).astype(np.uint8),
    }


def _kinds(kinds: Reals, dt: float, model: str, fastest: float) -> dict[str, Any]:
    """Return what the formulas need of each kind of vehicle."""
    of = {name: kinds[:, c].copy() for c, name in enumerate(KIND_FIELDS)}
    top, usual = of["max_speed"], of["usual_deceleration"]
    calm = 2.0 * np.sqrt(of["max_acceleration"] * usual)
    sight = top * top / usual / 2 + top * dt * 2
    berth = of["length"] + of["min_gap"]
    if model == "sumo":  # the reader cuts top speeds down to the highest limit, which these drivers may pass
        top = np.where(top >= fastest, NO_LIMIT, top)
        berth = np.round(berth / GRAIN) * GRAIN
    if model == "idm":  # the gap wanted to one that stands
        sight = of["min_gap"] + top * of["headway"] + top * top / calm + top * dt * 2
    return {
        "body": of["length"],
        "top_speed": top,
        "boost": of["max_acceleration"] * dt,
        "hard": of["max_deceleration"],
        "usual": usual,
        "pull": of["usual_acceleration"],
        "min_gap": of["min_gap"],
        "headway": of["headway"] + (dt / 2 if model == MODELS[0] else 0.0),
        "calm": calm,
        "berth": np.round((of["length"] + of["min_gap"]) / GRAIN) * GRAIN
        if model == "sumo"
        else of["length"] + of["min_gap"],
        "sight": sight,
        "full_pull": of["max_acceleration"] / (1.0 - of["imperfection"] / 2.0),
        "sigma": of["imperfection"],
        "spread": of["speed_spread"],
        "even": ((of["max_deceleration"] == usual) & (usual * dt <= -NO_ROOM)).astype(np.uint8),
    }


def _longest(kinds: Sequence[tuple[float, ...]]) -> float:
    """Return the most that a vehicle takes in a queue [m]."""
    length, gap = (max(kind[KIND_FIELDS.index(name)] for kind in kinds) for name in ("length", "min_gap"))
    return length + gap


def _trips(
    demands: Sequence[Demand],
    trips: Sequence[Trips],
    routes: Sequence[tuple[int, ...]],
    kinds: Sequence[tuple[float, ...]],
) -> dict[str, Any]:
    route_number = {route: w for w, route in enumerate(routes)}
    kind_number = {kind: k for k, kind in enumerate(kinds)}
    parts: dict[str, list[NDArray[Any]]] = {
        f"trip_{name}": [] for name in ("step", "route", "kind", "order", "speed", "pace")
    }
    first = [0]
    for demand, made in zip(demands, trips, strict=True):
        route_of = np.array([*[route_number[r] for r in demand.routes], NONE], np.int32)  # the last for NONE
        kind_of = np.array([kind_number[tuple(row)] for row in demand.kinds.tolist()], np.int32)
        by_road = np.lexsort((np.arange(len(made)), demand.flow_road[made.flow], made.step))
        parts["trip_step"].append(made.step)
        parts["trip_route"].append(route_of[demand.flow_route[made.flow]])
        parts["trip_kind"].append(kind_of[demand.flow_kind[made.flow]])
        parts["trip_order"].append((by_road + first[-1]).astype(np.int32))
        parts["trip_speed"].append(demand.flow_speed[made.flow])
        parts["trip_pace"].append(demand.flow_pace[made.flow])
        first.append(first[-1] + len(made))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()} | {"trip_first": np.array(first, np.int32)}
