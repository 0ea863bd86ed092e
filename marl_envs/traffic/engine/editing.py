"""Changes to a running simulation from outside: a vehicle's speed, its route, a vehicle more.

These are for drivers and scripts in Python; they follow CityFlow's set_vehicle_speed, set_vehicle_route and
push_vehicle (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.traffic.demand import Demand, FlowPlan, Kind, Trips, build_demand
from marl_envs.traffic.engine.routes import all_routes
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import AWAKE, END_LANE, EXIT, IS_TOLD, LANE_INDEX, MODE, NONE, PLACE
from marl_envs.traffic.routing import NoRouteError, Router


def set_speed(traffic: Traffic, vehicle: int, speed: float, e: int = 0) -> None:
    """Let the vehicle in slot `vehicle` of environment `e` drive at most `speed` [m/s] in the next step.

    It need not keep distance for comfort then, but still avoids collisions, keeps the limits and stops at red.

    Raises:
        ParameterError: no vehicle drives there, or the speed is negative.
    """
    _check_driving(traffic, vehicle, e)
    traffic.state.told[e, vehicle] = check_float("speed", speed, 0.0, 1e4)
    traffic.state.vehicle[e, vehicle, MODE] = IS_TOLD


def set_route(traffic: Traffic, vehicle: int, roads: Sequence[str], e: int = 0) -> bool:
    """Let a vehicle go on from its road along `roads`; gaps are filled with the shortest way.

    Returns:
        Whether it will: not if it is on a lane link, if there is no such way, or if its lane does not lead there.

    Raises:
        ParameterError: no vehicle drives there, or a road is unknown.
    """
    _check_driving(traffic, vehicle, e)
    s = int(traffic.state.demand[e])
    demand, state = traffic.demands[s], traffic.state
    router = Router(traffic.network, demand.routes)
    numbers = router.roads_of(list(roads), "roads")
    lane = int(state.vehicle[e, vehicle, PLACE])
    if traffic.settings.drivable[lane, END_LANE] != NONE:
        return False
    try:
        route = router.complete([int(traffic.network.lane_road[lane]), *numbers])
    except NoRouteError:
        return False
    if route not in demand.routes:
        router.number_of(route)
        traffic.replace_demand(s, replace(demand, routes=tuple(router.routes)), traffic.trips[s])
        state = traffic.state
    settings = traffic.settings
    at = int(settings.route_first[all_routes(traffic.demands).index(route)])
    link = settings.choice[settings.leg[at] + settings.drivable[lane, LANE_INDEX]]
    if link == NONE and len(route) > 1:
        return False
    state.route_at[e, vehicle] = at
    state.vehicle[e, vehicle, [EXIT, MODE]] = link, AWAKE
    return True


def add_vehicle(traffic: Traffic, roads: Sequence[str], kind: Kind | None = None, speed: float = 0.0) -> int:
    """Create one more vehicle in the next step, before those of its flows; return the number of its trip.

    All environments must play one demand set and have had the same number of vehicles so far.

    Raises:
        ParameterError: see above, and whatever `build_demand` refuses.
    """
    state = traffic.state
    if len(traffic.demands) > 1 or np.ptp(state.next_trip) or np.ptp(state.step):
        raise ParameterError("vehicles can only be added where all environments play one demand set in step")
    demand, trips = traffic.demands[0], traffic.trips[0]
    plan = FlowPlan(kind or Kind(), tuple(roads), 1.0, 0.0, 0.0, speed)
    more = build_demand(traffic.network, [plan], "the vehicle")
    trip = int(state.next_trip[0])
    new = [int(state.step[0]), len(demand.flow_kind), 0]
    columns = [np.insert(column, trip, value) for column, value in zip(_columns(trips), new, strict=True)]
    traffic.replace_demand(0, _joined(demand, more), Trips(*columns))
    return trip


def _columns(trips: Trips) -> tuple[NDArray[np.int32], ...]:
    return trips.step, trips.flow, trips.number


def _joined(demand: Demand, more: Demand) -> Demand:
    """Return the flows of both; the kinds and routes of the first keep their numbers."""
    routes = tuple(dict.fromkeys(demand.routes + more.routes))
    kinds = np.array(list(dict.fromkeys(map(tuple, [*demand.kinds.tolist(), *more.kinds.tolist()]))))
    kind_of = [kinds.tolist().index(row) for row in more.kinds.tolist()]
    route_of = [routes.index(route) for route in more.routes]
    flows: dict[str, NDArray[Any]] = {
        "flow_kind": np.array([kind_of[k] for k in more.flow_kind], np.int32),
        "flow_route": np.array([route_of[w] for w in more.flow_route], np.int32),
        "flow_road": more.flow_road,
        "flow_interval": more.flow_interval,
        "flow_start": more.flow_start,
        "flow_end": more.flow_end,
        "flow_speed": more.flow_speed,
        "flow_pace": more.flow_pace,
    }
    joined: dict[str, Any] = {name: np.append(getattr(demand, name), values) for name, values in flows.items()}
    return replace(demand, kinds=kinds, routes=routes, **joined)


def _check_driving(traffic: Traffic, vehicle: int, e: int) -> None:
    check_int("e", e, 0, traffic.num_envs - 1)
    check_int("vehicle", vehicle, 0, traffic.capacity - 1)
    if traffic.state.vehicle[e, vehicle, PLACE] == NONE:
        raise ParameterError(f"vehicle {vehicle} does not drive in environment {e}")
