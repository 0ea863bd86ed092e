"""A controller's place at a batch of environments: checks, tables, memory, and the call that fills in the actions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.pack import allocate, table_of
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import TURN_SPEED
from marl_envs.traffic.network import Network
from marl_envs.traffic.phases import movements_of, phase_sets
from marl_envs.traffic.plans import TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.vehicles.control.advise import advise_range
from marl_envs.traffic.vehicles.control.ledger import NO_LIGHT, RANKS, THEIRS, TILES, Ledger
from marl_envs.traffic.vehicles.control.tiles import tile_cover
from marl_envs.traffic.vehicles.layouts import EMERGENCY, VEHICLE, network_of
from marl_envs.traffic.vehicles.params import Params
from marl_envs.traffic.vehicles.types import EngineSettings, Settings

LAYOUTS = ("cross", "tee")
REQUEST = 1.5  # so long before it would have to brake for the line at the limit a vehicle asks for tiles [s]
NUMBERS = tuple(name for name, hint in Ledger.__annotations__.items() if "NDArray" not in str(hint))


@dataclass(frozen=True)
class Rule:
    """What a controller goes by; see `Ledger` for what the numbers mean."""

    name: str
    rule: int
    light: int = NO_LIGHT
    gap: float = 1.0
    green_time: float = 0.0
    least_green: float = 0.0
    yellow: float = 0.0
    red: float = 0.0
    extension: float = 0.0
    lead: float = 0.0
    """From the detector to the stop line at the limit [s]."""
    tile: float = 1.0
    """[m]"""
    room: float = 0.0
    """That is kept free around a vehicle [m]."""
    spare: float = 0.0
    """How long tiles are kept free before and after [s]."""


class Desk:
    """One batch's tables and memory."""

    def __init__(self, vec: VectorEnv, rule: Rule) -> None:
        """Refuse what the rule is not made for, and make the tables.

        Raises:
            ParameterError: says why the controller cannot work here.
        """
        params, settings = vec.params, vec.simulation.settings
        rule = check(params, rule)
        network = network_of(params)
        self.arrays = vec.arrays
        seconds = params.dt * settings.interval
        engine = EngineSettings(*(getattr(settings, name) for name in EngineSettings._fields))
        # Steps as long as a decision, in which all that act; and who brakes to a stop ends a little late within a step
        longer = engine.body + engine.hard * params.dt**2 / 8.0
        coarse = engine._replace(dt=seconds, boost=engine.boost * settings.interval, body=longer)
        self.ledger = _ledger(vec, rule, network)
        self._kept = settings, coarse  # the table holds addresses only
        self._table = table_of(vec.arrays, Settings(*settings), coarse, self.ledger)
        self._continuous, self._space = bool(settings.continuous), vec.action_space

    def advise(self) -> NDArray[Any]:
        """Return actions [E, A] for the state as it is."""
        advise_range(self._table, 0, len(self.ledger.number))
        if self._continuous:
            return np.clip(self.ledger.pull, self._space.low[0], self._space.high[0])
        return self.ledger.choice.copy()


def check(params: Params, rule: Rule) -> Rule:
    """Return the rule, with the environment's own light if that runs.

    Raises:
        ParameterError: the rule cannot work with these parameters.
    """
    if not params.layout.startswith(LAYOUTS):
        raise ParameterError(f'{rule.name} needs a single junction, layout "cross" or "tee", not {params.layout!r}')
    if params.background > 0.0 and not params.signals:
        raise ParameterError(
            f"{rule.name} must drive all vehicles: background must be 0, not {params.background}, as the engine's own "
            "drivers keep to other rules"
        )
    if params.crosswalks:
        raise ParameterError(f"{rule.name} needs crosswalks=False: it lets vehicles go and looks at no pedestrians")
    if params.hard_brake < EMERGENCY:
        raise ParameterError(f"{rule.name} needs a hard_brake of at least {EMERGENCY} m/s2, not {params.hard_brake}")
    if params.signals:
        if rule.name != "FixedSignal":
            raise ParameterError(f"{rule.name} needs signals=False: the junction's own light runs with signals=True")
        rule = replace(rule, light=THEIRS)
    return rule


def _ledger(vec: VectorEnv, rule: Rule, network: Network) -> Ledger:
    params, settings = vec.params, vec.simulation.settings
    lanes, links = network.num_lanes, network.num_links
    notice = _notice(params, network)
    if network.length[: network.num_lanes].min() < notice:
        raise ParameterError(
            f"{rule.name} needs arms on which whoever comes can still stop for the junction: length must be at least "
            f"{np.ceil(params.length + notice - network.length[:lanes].min()):.0f}, not {params.length:g}"
        )
    tiles = rule.rule == TILES
    green = _greens(network, rule.name) if rule.rule == RANKS and rule.light not in (NO_LIGHT, THEIRS) else []
    cover = np.zeros((0, 0), np.uint64)
    if tiles:
        wide = float(settings.width.max()) + 2.0 * rule.room
        long = settings.longest + 2.0 * rule.room
        cover = tile_cover(settings, network.length[lanes:], long, wide, rule.tile)
    steps = int(np.ceil(_horizon(params, network) / params.dt))
    arrays = vec.arrays
    ledger = allocate(
        Ledger,
        E=vec.num_envs,
        A=vec.num_agents,
        V=arrays.motion.shape[1],
        L=lanes,
        K=links,
        P=len(green),
        S=steps if tiles else 0,
        W=cover.shape[1],
        Q=len(cover),
        **{"2": 2},
    )
    ledger.trip[:] = -1
    ledger.cover[:] = cover
    ledger.rank[:] = _ranks(network, rule)
    for p, open_links in enumerate(green):
        ledger.green[p] = open_links
    fastest = float(settings.fastest)
    numbers = {
        **{name: getattr(rule, name) for name in NUMBERS if name in vars(rule)},
        "detector": rule.lead * fastest,
        "request": notice + REQUEST * fastest,
        "spare": int(np.ceil(rule.spare / params.dt - 1e-9)),
        "reach_in": 1.0,
    }
    return ledger._replace(**numbers)


def _notice(params: Params, network: Network) -> float:
    """Return how far before the line a vehicle at the limit has to think of it, a decision's way included [m]."""
    seconds = params.decision_interval
    fastest = float(network.limit[: network.num_lanes].max())
    then = fastest + VEHICLE.max_acceleration * seconds
    return (fastest + then) * seconds / 2.0 + then * then / (2.0 * VEHICLE.usual_deceleration) + fastest * seconds


def _horizon(params: Params, network: Network) -> float:
    """Return how long a plan can be, from a stop where vehicles first ask to the end of the network [s]."""
    lanes = network.num_lanes
    fastest, slowest = float(network.limit[:lanes].max()), min(float(network.limit[:lanes].min()), TURN_SPEED)
    way = _notice(params, network) + REQUEST * fastest + network.length[lanes:].max() + network.length[:lanes].max()
    return float(way) / slowest + fastest / min(params.accelerate, VEHICLE.max_acceleration) + 2.0


def _kinds(network: Network) -> NDArray[np.int64]:
    """Return the kind of movement of each link [K]."""
    return network.road_link_kind[network.link_movement].astype(np.int64)


def is_major(network: Network) -> NDArray[np.bool_]:
    """Return which links [K] come from the major road: that from west to east."""
    ends = network.first_point[network.link_start + 1] - 1
    heading = network.xy[ends] - network.xy[ends - 1]
    major: NDArray[np.bool_] = np.abs(heading[:, 0]) > np.abs(heading[:, 1])
    return major


def _ranks(network: Network, rule: Rule) -> NDArray[np.int64]:
    """Return who goes first [K], the lower rank: the Highway Capacity Manual's ranks at two-way stops, from 0.

    With a light: straight, right, left.
    """
    kind = _kinds(network)
    if rule.rule != RANKS:
        return np.zeros(len(kind), np.int64)
    left, right = kind == TURN_LEFT, kind == TURN_RIGHT
    if rule.light != NO_LIGHT:
        return np.select([left, right], [2, 1], 0)
    return np.where(is_major(network), np.select([left], [1], 0), np.select([left, right], [3, 1], 2))


def _greens(network: Network, name: str) -> list[NDArray[np.bool_]]:
    """Return the phases of a controller's own light, each the links [K] that are open.

    With lanes for left turns: straight ways of two opposite arms, then their left turns; else all of two opposite arms,
    where left turns give way. Right turns go with any other movement of their arm.
    """
    (j,) = np.flatnonzero(np.diff(network.first_link))
    movements = movements_of(network, int(j))
    own = network.link_movement - network.first_road_link[j]
    kind = _kinds(network)
    shared = np.isin(network.link_start[kind == TURN_LEFT], network.link_start[kind != TURN_LEFT]).any()
    phases = []
    for phase in phase_sets(movements, "two" if shared else "four"):
        arms = {movements[m].start for m in phase}
        rights = [m for m, each in enumerate(movements) if each.kind == TURN_RIGHT and each.start in arms]
        phases.append(np.isin(own, [*phase, *rights]))
    missing = ~np.any(phases, axis=0)
    if missing.any():
        raise ParameterError(f"{name}: the layout has movements that no phase opens")
    return phases
