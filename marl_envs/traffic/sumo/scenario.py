"""What SUMO is to play: the files of a network and of its demand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import KIND_FIELDS, Demand, Kind, Trips
from marl_envs.traffic.formats import sumo_routes
from marl_envs.traffic.formats.sumo import SumoNetwork
from marl_envs.traffic.formats.sumo_kinds import SIGMA
from marl_envs.traffic.rilsa import rilsa_files
from marl_envs.traffic.signals.networks import (
    SUMO_NETWORKS,
    SUMO_ROUTES,
    drawn,
    first_hour,
    model_of,
    town_of,
    trips_of,
)


@dataclass(frozen=True)
class DemandSet:
    """One of the demands among which episodes take turns: a file that is there, or vehicles to be written into one."""

    file: Path | None
    begin: float
    """On the file's clock [s]."""
    drawn: tuple[Demand, Trips] | None

    def routes(self, folder: Path, dt: float) -> Path:
        """Return the route file, written into `folder` if there is none."""
        if self.file is not None:
            return self.file
        assert self.drawn is not None  # or there would be a file
        path = folder / "drawn.rou.xml"
        write_routes(path, *self.drawn, dt)
        return path


@dataclass(frozen=True)
class Scenario:
    """A network and its demands, for SUMO."""

    town: SumoNetwork
    demands: tuple[DemandSet, ...]
    vehicles: int
    """Of the largest demand, as our reader counts them."""
    _name: str

    def files(self, stack: ExitStack) -> tuple[Path, list[Path]]:
        """Return the `.net.xml` and its additional files; they are there until `stack` is closed."""
        if self._name != "rilsa":
            return Path(self._name), []
        network, plans = stack.enter_context(rilsa_files())
        return network, [plans]


def scenario_of(params: Any) -> Scenario:
    """Return what the parameters of `traffic_signals_v0` name, for SUMO.

    Raises:
        ParameterError: the network or a demand is not one that SUMO can play, or a file is refused.
    """
    town = town_of(params.network)
    if town is None:
        raise ParameterError(
            f"network must be rilsa or a file of SUMO's, which ends in {' or '.join(SUMO_NETWORKS)}, to be played in "
            f"SUMO, not {params.network!r}"
        )
    names: Sequence[str] = (params.demand,) if isinstance(params.demand, str) else params.demand
    steps = round(drawn(params) / params.dt)
    demands: list[DemandSet] = []
    vehicles = 0
    for name in names:
        if name.endswith(".json"):
            raise ParameterError(f"demand must be a name or a file of SUMO's routes to be played in SUMO, not {name!r}")
        pairs = trips_of(name, town.network, params.demand_sets, params.dt, steps, model_of(params))
        vehicles = max(vehicles, *(len(trips) for _, trips in pairs))
        if name.endswith(SUMO_ROUTES):
            begin = first_hour(sumo_routes.read_demand(name, town.network, drop_single=True))
            demands.append(DemandSet(Path(name), begin, None))
        else:
            demands += [DemandSet(None, 0.0, pair) for pair in pairs]
    return Scenario(town, tuple(demands), vehicles, params.network)


def write_routes(path: Path, demand: Demand, trips: Trips, dt: float) -> None:
    """Write vehicles as SUMO's routes, with the drivers that SUMO takes for cars; steps become seconds.

    They depart at the speed that they have in our demand, and accelerate as much on average, since both simulations are
    to get the same vehicles.
    """
    lines = ["<routes>"]
    for k, values in enumerate(demand.kinds.tolist()):
        kind = Kind(**dict(zip(KIND_FIELDS, values, strict=True)))
        lines.append(
            f'  <vType id="{k}" length="{kind.length}" width="{kind.width}" maxSpeed="{kind.max_speed}" '
            f'accel="{kind.max_acceleration / (1.0 - SIGMA / 2.0)}" sigma="{SIGMA}" '
            f'speedFactor="normc(1,{kind.speed_spread},0.2,2)" '
            f'decel="{kind.max_deceleration}" minGap="{kind.min_gap}" tau="{kind.headway}"/>'
        )
    for w, route in enumerate(demand.routes):
        edges = " ".join(demand.network.road_ids[road] for road in route)
        lines.append(f'  <route id="{w}" edges={quoteattr(edges)}/>')
    for n, (step, flow) in enumerate(zip(trips.step.tolist(), trips.flow.tolist(), strict=True)):
        if demand.flow_route[flow] >= 0:
            lines.append(
                f'  <vehicle id="{n}" type="{demand.flow_kind[flow]}" route="{demand.flow_route[flow]}" '
                f'depart="{step * dt:.3f}" departSpeed="{demand.flow_speed[flow]}"/>'
            )
    path.write_text("\n".join([*lines, "</routes>", ""]))
