"""From a layout to the tables of `Rules`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from marl_envs.traffic.demand import KIND_FIELDS
from marl_envs.traffic.engine.types import CROSS_FIRST, JUNCTION, NONE
from marl_envs.traffic.engine.types import Settings as EngineSettings
from marl_envs.traffic.network import Network
from marl_envs.traffic.vehicles.crosswalks import gate_tables
from marl_envs.traffic.vehicles.layouts import HOUR, VEHICLE, Layout, vehicles_of, walks_of
from marl_envs.traffic.vehicles.maps import map_tables, no_maps
from marl_envs.traffic.vehicles.params import ACTIONS, OBSERVATIONS, REWARDS, Params
from marl_envs.traffic.vehicles.paths import make_paths
from marl_envs.traffic.vehicles.types import REWARD_TERMS, TURN_ACTIONS, Rules
from marl_envs.traffic.vehicles.ways import free_speeds, no_ways, way_tables
from marl_envs.traffic.vehicles.zones import find_zones, rights


def make_rules(params: Params, layout: Layout) -> Rules:
    """Return the tables and numbers for these parameters."""
    network, settings = layout.network, layout.settings
    continuous = params.actions == "continuous"
    free = free_speeds(network, settings)
    ways = no_ways()
    if params.route_choice:
        comfort = VEHICLE.usual_deceleration
        ways = way_tables(network, layout.routes, settings, free, float(params.accelerate), comfort)
    still = [0.0] * TURN_ACTIONS if params.route_choice else []
    widest = float(layout.demand.kinds[:, KIND_FIELDS.index("width")].max())
    walks = walks_of(params)
    return Rules(
        **ways,
        **(map_tables(network) if params.observation == "image" else no_maps()),
        image_range=float(params.image_range),
        image_size=params.image_size,
        **gate_tables(walks, network.num_lanes, widest),
        crosswalks=int(bool(walks)),
        walk_rate=params.pedestrians / HOUR * params.dt,
        **_geometry(params, layout),
        **_streams(layout),
        free=free,
        slowest=float(free.min()),
        lane_junction=_junctions_ahead(network),
        link_turn=network.road_link_kind[network.link_movement].astype(np.int32),
        weights=np.array([float(params.reward_weights.get(term, 0.0)) for term in REWARD_TERMS]),
        levels=np.array([0.0, params.accelerate, -params.brake, -params.hard_brake, *still]),
        hard_brake=float(params.hard_brake),
        pull_up=float(params.accelerate),
        comfort=VEHICLE.usual_deceleration,
        reach=float(params.view),
        noise=float(params.noise),
        fastest=float(network.limit[: network.num_lanes].max()),
        longest=float(settings.body.max()),
        altruism=float(params.altruism),
        rate=layout.rate / HOUR * params.dt / params.platoon,
        background=float(params.background),
        platoon=params.platoon,
        vehicles=vehicles_of(params),
        window=int(params.within / params.dt),
        flow=int(params.arrivals == "flow"),
        interval=params.steps("decision_interval", params.decision_interval),
        clear=params.steps("clear_time", params.clear_time),
        conflicts=params.conflicts if params.observation == "features" else 1,
        observation=OBSERVATIONS.index(params.observation),
        continuous=ACTIONS.index(params.actions),
        route_choice=int(params.route_choice),
        mask_unsafe=int(params.mask_unsafe),
        share=REWARDS.index(params.reward),
        mask=int(params.mask is not None and not continuous),
        guided=1,
        autoreset=1,
        max_cycles=params.max_cycles,
    )


def with_rights(settings: EngineSettings, rules: Rules) -> EngineSettings:
    """Return the engine's settings with the same right of way as `rules`: background vehicles obey it."""
    claims = []
    crosses = settings.drivable[:, CROSS_FIRST]
    for first, foes in ((settings.zone_first, settings.zone_foe), (crosses, settings.cross_foe)):
        link = np.repeat(np.arange(len(settings.measure)), np.diff(first))
        junction = settings.drivable[link, JUNCTION]
        begin = settings.link_first[junction]
        row = rules.pair_first[junction] + (link - begin) * rules.pair_size[junction] + foes - begin
        claims.append(rules.prior[row].astype(np.int8))
    return settings._replace(zone_claim=claims[0], cross_claim=claims[1])


def _geometry(params: Params, layout: Layout) -> dict[str, Any]:
    network, widths = layout.network, layout.demand.kinds[:, KIND_FIELDS.index("width")]
    rule = params.right_of_way
    if rule == "layout":
        rule = "none" if params.layout.startswith(("cross", "tee", "grid")) else "priority"
    return {
        **_places(network, float(layout.settings.body.max()), float(widths.max())),
        "prior": rights(network, rule),
        "width": widths.copy(),
    }


@lru_cache(maxsize=16)
def _places(network: Network, length: float, width: float) -> dict[str, Any]:
    """Return the paths and zones for vehicles of at most this size [m]; kept, as environments share a network."""
    paths = make_paths(network, length + 1.0)
    tables = {
        **find_zones(network, paths, length, width),
        **{"path_first": paths.first, "path_x": paths.x, "path_y": paths.y},
    }
    for table in tables.values():
        table.flags.writeable = False
    return {**tables, "before": paths.before}


def _streams(layout: Layout) -> dict[str, Any]:
    if layout.arrivals is None:
        none = np.zeros(0, np.int32)
        return {"stream_sum": np.zeros(0), "stream_route": none, "stream_kind": none, "stream_speed": np.zeros(0)}
    arrivals, demand, network = layout.arrivals, layout.demand, layout.network
    share = arrivals.rate[:, 0] / arrivals.rate[:, 0].sum()
    limit = network.limit[network.first_lane[demand.flow_road]]
    top = demand.kinds[demand.flow_kind, KIND_FIELDS.index("max_speed")]
    total = np.cumsum(share)
    total[-1] = 1.0
    return {
        "stream_sum": total,
        "stream_route": demand.flow_route.astype(np.int32),
        "stream_kind": demand.flow_kind.astype(np.int32),
        "stream_speed": np.minimum(limit, top),
    }


def _junctions_ahead(network: Network) -> Any:
    """Return the junction to which each lane leads, NONE where it ends the network."""
    ends = network.road_end[network.lane_road]
    leads = np.array([bool(out) for out in network.links_from])
    return np.where(leads, ends, NONE).astype(np.int32)
