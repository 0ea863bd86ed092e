"""Demand: which vehicles want to drive where, from when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.params import ParameterError, check_choice, check_float
from marl_envs.traffic.network import Ints, Network, Reals
from marl_envs.traffic.routing import Router

MOST_VEHICLES = 20_000_000  # of one demand, in all its sets; each takes about 50 bytes


@dataclass(frozen=True)
class Kind:
    """A kind of vehicle; the defaults are those of CityFlow's `push_vehicle`."""

    length: float = 5.0
    """[m]"""
    width: float = 2.0
    """[m]; only for pictures."""
    max_acceleration: float = 4.5
    """[m/s2]"""
    max_deceleration: float = 4.5
    """The hardest braking [m/s2]."""
    usual_acceleration: float = 2.5
    """What drivers count on when they judge times and distances [m/s2]."""
    usual_deceleration: float = 2.5
    """Comfortable braking [m/s2]."""
    min_gap: float = 2.0
    """Bumper to bumper, standing [m]."""
    max_speed: float = 16.66667
    """[m/s]"""
    headway: float = 1.0
    """Time headway [s]."""
    imperfection: float = 0.0
    """Under SUMO's law: by up to this share of what they could accelerate in a second drivers fall short of what is
    possible, by half of it on average; `max_acceleration` is what is left, on average."""
    speed_spread: float = 0.0
    """Under SUMO's law: standard deviation of the factor by which drivers wish to be faster than allowed."""


# A car for the intelligent driver model in town: its queues discharge with about 1,880 vehicles an hour and lane. Its
# usual deceleration is the law's b, and its top speed leaves the limits to the roads.
URBAN_IDM = Kind(
    max_acceleration=2.0,
    max_deceleration=6.0,
    usual_acceleration=2.0,
    usual_deceleration=3.0,
    min_gap=2.0,
    headway=1.0,
)

PACES = ("given", "bounded", "average", "last", "any")  # numbered as GIVEN ... in engine/types.py

KIND_FIELDS = tuple(field.name for field in fields(Kind))


@dataclass(frozen=True)
class FlowPlan:
    """Vehicles of one kind on one route, one every `interval` seconds."""

    kind: Kind
    route: tuple[str, ...]
    """Roads to pass; gaps are filled with the shortest way."""
    interval: float
    """[s]"""
    start: float = 0.0
    """When the first vehicle comes [s]."""
    end: float | None = None
    """After this no vehicle comes [s]; None: never."""
    speed: float = 0.0
    """When it begins to drive [m/s]."""
    pace: str = PACES[0]
    """How it keeps to `speed`: "given", whatever is ahead, as CityFlow's vehicles; "bounded", no faster than allowed
    and safe; "average" or "last", nor than the vehicles on the lane, or the last of them; "any", at random up to it."""


@dataclass(frozen=True, eq=False)
class Demand:
    """Flows, checked and routed. F flows, T kinds, W routes, O roads of all routes."""

    name: str
    network: Network
    kinds: Reals
    """[T, 11] columns as KIND_FIELDS."""
    routes: tuple[tuple[int, ...], ...]
    """[W] roads."""
    flow_kind: Ints
    """[F]"""
    flow_route: Ints
    """[F] route, or -1: the flow's first vehicle vanishes (see `drop_unroutable`)."""
    flow_road: Ints
    """[F] road where its vehicles start."""
    flow_interval: Reals
    """[F] [s]"""
    flow_start: Reals
    """[F] [s]"""
    flow_end: Reals
    """[F] [s]; infinity: never"""
    flow_speed: Reals
    """[F] when a vehicle begins to drive [m/s]."""
    flow_pace: Ints
    """[F] how it keeps to that: place in PACES."""


@dataclass(frozen=True, eq=False)
class Trips:
    """One entry a vehicle, in the order of their creation: by step, then flow. D vehicles."""

    step: Ints
    """[D] in which it is created [steps]."""
    flow: Ints
    """[D]"""
    number: Ints
    """[D] how many vehicles of the flow came before it."""

    def __len__(self) -> int:
        """Return the number of vehicles."""
        return len(self.step)


def build_demand(network: Network, flows: Sequence[FlowPlan], name: str, *, drop_unroutable: bool = False) -> Demand:
    """Return the demand of `flows`, with their routes found.

    Args:
        network: where the vehicles drive.
        flows: which vehicles.
        name: where the flows come from, such as a file: messages begin with it.
        drop_unroutable: let the first vehicle of a flow without a route vanish, instead of an error.

    Raises:
        ParameterError: names the flow and the reason: no flows, an unknown road, roads that are not connected, a route
            of one road, an unknown pace, a number out of range (a negative time, an interval of 0), a vehicle longer
            than a lane where it starts.
    """
    if not flows:
        raise ParameterError(f"{name}: there are no flows; at least one is needed")
    for k, flow in enumerate(flows):
        if type(flow.route) is not tuple:
            raise ParameterError(f"{name}: flow {k}: route must be a tuple of road ids, not {flow.route!r}")
    kinds: dict[Kind, int] = {}
    router = Router(network)
    shortest = np.minimum.reduceat(network.length[: network.num_lanes], network.first_lane[:-1]).tolist()
    found: dict[tuple[int, tuple[str, ...]], tuple[int, int, int]] = {}  # files repeat kinds and routes very often
    numbers = []
    for k, flow in enumerate(flows):
        _check_times(flow, name, k)
        if flow.pace not in PACES:
            check_choice(f"{name}: flow {k}: pace", flow.pace, PACES)
        key = id(flow.kind), flow.route
        if key not in found:
            where = f"{name}: flow {k}"
            if flow.kind not in kinds:
                _check_kind(flow.kind, where)
                kinds[flow.kind] = len(kinds)
            route = router.find(flow.route, where, drop_unroutable)
            road = router.roads_of(flow.route[:1], where)[0]
            _check_room(network, road, shortest[road], flow.kind.length, where)
            found[key] = kinds[flow.kind], route, road
        numbers.append(found[key])
    kind_of, route_of, road_of = np.array(numbers, np.int32).T.copy()
    return Demand(
        name=name,
        network=network,
        kinds=np.array([astuple(kind) for kind in kinds]),
        routes=tuple(router.routes),
        flow_kind=kind_of,
        flow_route=route_of,
        flow_road=road_of,
        flow_interval=np.array([f.interval for f in flows], np.float64),
        flow_start=np.array([f.start for f in flows], np.float64),
        flow_end=np.array([np.inf if f.end is None else f.end for f in flows], np.float64),
        flow_speed=np.array([f.speed for f in flows], np.float64),
        flow_pace=np.array([PACES.index(f.pace) for f in flows], np.int32),
    )


def _check_kind(kind: Kind, where: str) -> None:
    for name in KIND_FIELDS:
        value = check_float(f"{where}: {name} of its vehicles", getattr(kind, name), 0.0, 1e4)
        if value == 0.0 and name not in ("min_gap", "headway", "width", "imperfection", "speed_spread"):
            raise ParameterError(f"{where}: {name} of its vehicles must be positive")
        if value > 1.0 and name in ("imperfection", "speed_spread"):
            raise ParameterError(f"{where}: {name} of its vehicles must be from 0 to 1, not {value!r}")


def _check_times(flow: FlowPlan, name: str, k: int) -> None:
    numbers = flow.interval, flow.start, flow.speed, flow.start if flow.end is None else flow.end
    if all(type(number) in (float, int) for number in numbers):
        interval, start, speed, end = numbers
        if 0.0 < interval <= 1e9 and 0.0 <= start <= end <= 1e9 and 0.0 <= speed <= 1e3:
            return  # the usual case, without writing a message for nobody
    where = f"{name}: flow {k}"
    if check_float(f"{where}: interval", flow.interval, 0.0, 1e9) == 0.0:
        raise ParameterError(f"{where}: interval must be positive")
    check_float(f"{where}: start", flow.start, 0.0, 1e9)
    check_float(f"{where}: speed", flow.speed, 0.0, 1e3)
    if flow.end is not None:
        check_float(f"{where}: end", flow.end, flow.start, 1e9)


def _check_room(network: Network, road: int, shortest: float, length: float, where: str) -> None:
    if length > shortest:
        raise ParameterError(
            f"{where}: a vehicle of {length:g} m is longer than a lane of road {network.road_ids[road]!r}, "
            f"{shortest:g} m, where it starts"
        )


def check_number(vehicles: float, where: str) -> None:
    """Raise ParameterError if demand has more vehicles than memory is meant for."""
    if vehicles > MOST_VEHICLES:
        raise ParameterError(
            f"{where}: about {vehicles:,.0f} vehicles; at most {MOST_VEHICLES:,} are allowed: choose less demand, less "
            f"time or fewer demand sets"
        )


def expand(demand: Demand, dt: float, steps: int) -> Trips:
    """Return the vehicles that the flows create in the first `steps` steps of `dt` seconds.

    A flow creates a vehicle in the first step that begins at or after its start, and then one whenever `interval`
    seconds have passed, until its end has passed (flow.cpp of CityFlow). A flow without a route creates one.

    Raises:
        ParameterError: there are more vehicles than memory is meant for.
    """
    last = np.minimum(demand.flow_end, demand.flow_start + steps * dt)
    number_of = np.floor(np.maximum(last - demand.flow_start, 0.0) / demand.flow_interval)
    number_of += np.ceil(dt / demand.flow_interval) + 2
    check_number(float(number_of.sum()), demand.name)
    most = number_of.astype(np.int64)
    first = np.cumsum(np.concatenate(([0], most)))
    when = np.full(first[-1], -1, np.int32)
    _run_clocks(demand.flow_interval, demand.flow_start, demand.flow_end, demand.flow_route, dt, steps, first, when)
    flow = np.repeat(np.arange(len(most), dtype=np.int32), most)
    number = (np.arange(first[-1]) - first[flow]).astype(np.int32)
    created = when >= 0
    order = np.lexsort((number[created], flow[created], when[created]))
    return Trips(when[created][order], flow[created][order], number[created][order])


@jit
def _run_clocks(
    interval: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    route: NDArray[np.int32],
    dt: Real,
    steps: Int,
    first: NDArray[np.int64],
    when: NDArray[np.int32],
) -> None:
    """Write into `when` in which steps each flow f creates its vehicles, from first[f] on."""
    for f in range(interval.shape[0]):
        i, waited, now = first[f], interval[f], 0.0
        for k in range(steps):
            if now > end[f]:
                break
            if now >= start[f]:
                while waited >= interval[f] and i < first[f + 1]:
                    when[i] = k
                    i += 1
                    waited -= interval[f]
                waited += dt
                if route[f] < 0:
                    break
            now += dt
