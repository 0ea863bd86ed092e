"""From parameters to a simulation: the tables, the spaces of both kinds, and the kernels that the two faces call."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.core.pack import part_of
from marl_envs.core.params import ParameterError
from marl_envs.traffic.both import batch
from marl_envs.traffic.both.lights import LIGHT_STATES, OF_APPROACH, OF_LIGHT
from marl_envs.traffic.both.metrics import METRICS
from marl_envs.traffic.both.params import RED_LIGHT, Params
from marl_envs.traffic.both.types import (
    NOTES,
    REWARD_TERMS,
    SIGNAL,
    SIGNAL_OUT,
    VEHICLE,
    VEHICLE_OUT,
    Rules,
    Settings,
    SignalRules,
    State,
    VehicleRules,
)
from marl_envs.traffic.engine.tables import sizes_of
from marl_envs.traffic.network import Network
from marl_envs.traffic.signals import env as signals_env
from marl_envs.traffic.signals.networks import town_of
from marl_envs.traffic.signals.observe import STATE_OF_LANE, STATE_OF_SIGNAL
from marl_envs.traffic.signals.phases import Signal, arrange
from marl_envs.traffic.signals.tables import make_rules as make_signal_rules
from marl_envs.traffic.signals.types import REWARD_TERMS as SIGNAL_TERMS
from marl_envs.traffic.vehicles import env as vehicles_env
from marl_envs.traffic.vehicles.layouts import drawn_seconds, load, network_of
from marl_envs.traffic.vehicles.observe import state_length, vector_length
from marl_envs.traffic.vehicles.params import Params as VehicleParams
from marl_envs.traffic.vehicles.programs import with_lanes_together
from marl_envs.traffic.vehicles.tables import make_rules, with_rights
from marl_envs.traffic.vehicles.types import NONE, NUM_ACTIONS
from marl_envs.traffic.vehicles.types import REWARD_TERMS as VEHICLE_TERMS
from marl_envs.traffic.vehicles.types import Settings as VehicleSettings
from marl_envs.traffic.vehicles.types import State as VehicleState

Pair = tuple[spaces.Space[Any], spaces.Space[Any]]


def arranged(params: VehicleParams) -> tuple[Network, tuple[Signal, ...]]:
    """Return the layout's network, its phases completed, and its signals.

    Raises:
        ParameterError: there is no such layout, a file is refused, or no junction has a choice of phases.
    """
    return _arranged(network_of(params), params.layout)


@lru_cache(maxsize=8)
def _arranged(network: Network, layout: str) -> tuple[Network, tuple[Signal, ...]]:
    """Arrange signals once a network: what is kept of a network elsewhere is found by the object that it is."""
    town = town_of("rilsa" if layout == "rilsa1" else layout)
    if layout.startswith(("cross", "tee", "grid")):
        network = with_lanes_together(network)
    network, signals = arrange(network, None if town is None else town.choices)
    if not signals:
        raise ParameterError(f"layout {layout!r} has no signals: no junction has two phases to choose from")
    return network, signals


def own_spaces(vehicles: VehicleRules, signals: SignalRules, tabular: bool) -> tuple[Pair, Pair]:
    """Return the spaces (of observations, of actions) of one vehicle and of one signal."""
    drives = spaces.Discrete(NUM_ACTIONS)
    switches = spaces.Discrete(signals_env.num_actions(signals))
    seen = signals_env.observation_space(signals)
    if tabular:
        return (spaces.Discrete(LIGHT_STATES), drives), (seen, switches)
    assert isinstance(seen, spaces.Box)
    more = OF_APPROACH * signals.in_lane.shape[1]
    low, high = np.pad(seen.low, (0, more)), np.pad(seen.high, (0, more), constant_values=1.0)
    length = vector_length(vehicles) + OF_LIGHT
    return (
        (spaces.Box(-1.0, 1.0, (length,), np.float32), drives),
        (spaces.Box(low, high, dtype=np.float32), switches),
    )


def common_space(one: spaces.Space[Any], other: spaces.Space[Any]) -> spaces.Space[Any]:
    """Return the space with room for both: the larger Discrete, or a Box of the longer's length."""
    if isinstance(one, spaces.Discrete) and isinstance(other, spaces.Discrete):
        return spaces.Discrete(max(int(one.n), int(other.n)))
    assert isinstance(one, spaces.Box)
    assert isinstance(other, spaces.Box)
    length = max(one.shape[0], other.shape[0])
    low, high = ([np.pad(edge, (0, length - len(edge))) for edge in edges] for edges in _edges(one, other))
    return spaces.Box(np.minimum(*low), np.maximum(*high), dtype=np.float32)


def _edges(one: spaces.Box, other: spaces.Box) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    return (one.low, other.low), (one.high, other.high)


def build(params: Params) -> Simulation:
    """Return the simulation of vehicles and signals."""
    of_vehicles, of_signals = params.of_vehicles(), params.of_signals()
    network, lights = arranged(of_vehicles)
    layout = load(of_vehicles, network)
    vehicles = make_rules(of_vehicles, layout)._replace(conflicts=params.conflicts)
    signals = make_signal_rules(of_signals, network, lights, 1)
    engine = with_rights(layout.settings, vehicles)._replace(program=0, amber=signals.yellow)
    tabular = params.observation == "tabular"
    of_vehicle, of_signal = own_spaces(vehicles, signals, tabular)
    light_of = np.full(len(network.junction_ids), NONE, np.int32)
    light_of[signals.junction] = np.arange(len(lights))
    rules = Rules(
        light_of=light_of,
        red_weight=float(params.reward_weights.get(RED_LIGHT, 0.0)),
        every=params.every,
        team=int(params.reward == "team"),
        choices=int(of_signal[1].n),  # type: ignore[attr-defined]
    )
    names = [f"vehicle_{a}" for a in range(params.num_vehicles)], [f"signal_{s}" for s in range(len(lights))]
    capacity = layout.capacity if params.capacity is None else params.capacity
    state = state_length(vehicles, params.num_vehicles) + _described(signals) - 1
    return Simulation(
        family=FAMILY,
        params=params,
        agents=[*names[0], *names[1]],
        observation_space=common_space(of_vehicle[0], of_signal[0]),
        action_space=common_space(of_vehicle[1], of_signal[1]),
        state_space=spaces.Box(-1.0, 1.0, (state,), np.float32),
        settings=Settings(*engine, *vehicles, *signals, *rules),
        sizes={
            **sizes_of(layout.settings, network, capacity, layout.trips),
            **_sizes(params, vehicles, signals, tabular),
            "A": params.num_vehicles + len(lights),
            "3": 3,
            "10": 10,
            "20": 20,
        },
        own_spaces={**dict.fromkeys(names[0], of_vehicle), **dict.fromkeys(names[1], of_signal)},
    )


def _described(signals: SignalRules) -> int:
    """Return how many numbers the signals' own global state has."""
    of_signal = signals.phase_of.shape[1] + STATE_OF_SIGNAL + STATE_OF_LANE * signals.in_lane.shape[1]
    return 1 + len(signals.room) + len(signals.junction) * int(of_signal)


def _sizes(params: Params, vehicles: VehicleRules, signals: SignalRules, tabular: bool) -> dict[str, int]:
    """Return the sizes of dimensions that each kind has for itself."""
    count, lights, mask = params.num_vehicles, len(signals.junction), params.mask is not None
    fleet = {"A": count, "C": vehicles.conflicts, "T": len(VEHICLE_TERMS), "Z": len(vehicles.pair_zone)}
    walks = {"B": 0, "Y": 0, "X": 0, "K": 0}
    out = {
        "A": count,
        "D": 0 if tabular else vector_length(vehicles),
        "B": count if tabular else 0,
        "N": NUM_ACTIONS if mask else 0,
        "T": len(VEHICLE_TERMS),
        "M": 0,
        "K": 0,
        "G": 0,
    }
    theirs = {
        "A": lights,
        "D": 0 if tabular else signals.own_length,
        "B": lights if tabular else 0,
        "N": signals_env.num_actions(signals) if mask else 0,
        "T": len(SIGNAL_TERMS),
        "M": 0,
        "K": 0,
        "G": _described(signals),
    }
    parts = {VEHICLE: {**fleet, **walks}, SIGNAL: {"A": lights}, VEHICLE_OUT: out, SIGNAL_OUT: theirs}
    return {prefix + name: int(size) for prefix, sizes in parts.items() for name, size in sizes.items()}


def most_cycles(params: Params) -> int:
    """Return for how many decisions there is room for trips."""
    if params.arrivals == "once":
        return 2**31 - 1
    return int(np.floor(round(drawn_seconds(params.of_vehicles()) / params.decision_interval, 9)))


def frame(settings: Any, state: Any, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs: that of `vehicles.env.frame`, and of signals.

    Signals: phase int32 [A] to be green next or now, stage uint8 [A] (0 green, 1 yellow, 2 all red). violations int32
    [] of red lights.
    """
    shown = vehicles_env.frame(part_of(settings, VehicleSettings), part_of(state, VehicleState, VEHICLE), e)
    return {
        **shown,
        "phase": state.signal_pending[e].copy(),
        "stage": state.signal_stage[e].copy(),
        "violations": np.array(state.violations[e], np.int32),
    }


FAMILY = Family(
    name="traffic_v0",
    params=Params,
    state=State,
    build=build,
    guided=lambda settings: settings,
    frame=frame,
    reward_terms=REWARD_TERMS,
    metrics=METRICS,
    most_cycles=most_cycles,
    notes=NOTES,
    finish_alone=True,
    scene="marl_envs.traffic.both.render",
    play=batch.play_range,
)
