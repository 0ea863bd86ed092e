"""From parameters to a simulation: the tables, the spaces, and the kernels that the two faces call."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.traffic.engine.tables import sizes_of
from marl_envs.traffic.engine.types import CREATED, DIS, EXIT, FINISHED, KIND, LIMIT, OPEN, PLACE, SPEED
from marl_envs.traffic.signals import batch
from marl_envs.traffic.signals.metrics import METRICS
from marl_envs.traffic.signals.networks import Roads, load, most_cycles
from marl_envs.traffic.signals.observe import (
    MOST,
    MOST_DRQ,
    STATE_OF_LANE,
    STATE_OF_SIGNAL,
    TABULAR_LOAD_STATES,
    TABULAR_STATES,
    TILES_SIZES,
)
from marl_envs.traffic.signals.tables import make_rules
from marl_envs.traffic.signals.types import (
    CHOOSE,
    DRQ,
    DURATION,
    PRESSURE,
    REWARD_TERMS,
    SUMMARY,
    TABULAR,
    TABULAR_LOAD,
    TILES,
    Params,
    Rules,
    Settings,
    State,
)


def observation_space(rules: Rules) -> spaces.Space[Any]:
    """Return the space of one signal's observation."""
    if rules.observation == TABULAR:
        return spaces.Discrete(TABULAR_STATES)
    if rules.observation == TABULAR_LOAD:
        return spaces.Discrete(TABULAR_LOAD_STATES)
    if rules.observation == TILES:
        return spaces.MultiDiscrete(np.array(TILES_SIZES, np.int32), dtype=np.int32)
    phases = rules.phase_of.shape[1]
    low, high = np.zeros(rules.own_length, np.float32), np.ones(rules.own_length, np.float32)
    if rules.observation == DRQ:
        high[phases:] = MOST_DRQ
    elif rules.observation == PRESSURE:
        low[phases:] = -1
    elif rules.observation == SUMMARY:
        high[:] = MOST
    return spaces.Box(low, high, dtype=np.float32)


def _with_neighbours(space: spaces.Space[Any], count: int) -> spaces.Space[Any]:
    """Return the space of one's own numbers and those of `count` neighbours, which are 0 where there are fewer."""
    assert isinstance(space, spaces.Box)
    return spaces.Box(np.tile(space.low, 1 + count), np.tile(space.high, 1 + count), dtype=np.float32)


def num_actions(rules: Rules) -> int:
    """Return how many actions a signal has."""
    if rules.actions == CHOOSE:
        return int(rules.phase_of.shape[1])
    return len(rules.durations) if rules.actions == DURATION else 2


def build(params: Params) -> Simulation:
    """Return the simulation of signals."""
    return assemble(params, load(params))


def assemble(params: Params, roads: Roads) -> Simulation:
    """Return the simulation of signals on these roads."""
    rules = make_rules(params, roads.network, roads.signals, roads.sets)
    capacity = roads.capacity if params.capacity is None else params.capacity
    sizes = sizes_of(roads.settings, roads.network, capacity)
    signals = len(rules.junction)
    space = observation_space(rules)
    if params.neighbours:
        space = _with_neighbours(space, rules.near_agent.shape[1])
    of_signal = rules.phase_of.shape[1] + STATE_OF_SIGNAL + STATE_OF_LANE * rules.in_lane.shape[1]
    return Simulation(
        family=FAMILY,
        params=params,
        agents=[f"signal_{a}" for a in range(signals)],
        observation_space=space,
        action_space=spaces.Discrete(num_actions(rules)),
        state_space=spaces.Box(0.0, 1.0, (1 + len(rules.room) + signals * of_signal,), np.float32),
        settings=Settings(*roads.settings, *rules),
        sizes={**sizes, "A": signals},
    )


def frame(settings: Any, state: Any, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs.

    Vehicles by slot: place int32 [V] (drivable, or -1), dis float32 [V] of the front bumper [m], share float32
    [V] of the speed allowed there that it drives, speed float32 [V] [m/s], exit int32 [V] (link it takes, or -1;
    unknown, -1, with SUMO's vehicles), body float32 [V] length [m]. Links: open uint8 [K]. Signals: phase int32 [A] to
    be green next or now, stage uint8 [A]. Lanes: outside int32 [L] vehicles. step int32 [] of decisions, seconds
    float32 [], trips int32 [3]: created, finished, driving.
    """
    vehicle, lanes = state.vehicle[e], len(settings.room)
    place = vehicle[:, PLACE].copy()
    motion = np.where(place[:, None] >= 0, state.motion[e], 0.0)  # free slots hold what earlier episodes left there
    kind = np.where(place >= 0, vehicle[:, KIND], 0)
    ideal = np.minimum(settings.measure[np.maximum(place, 0), LIMIT], settings.top_speed[kind])
    tally = state.tally[e]
    driving = len(place) - int(state.num_free[e])
    return {
        "place": place,
        "dis": motion[:, DIS].astype(np.float32),
        "share": np.minimum(1.0, motion[:, SPEED] / ideal).astype(np.float32),
        "speed": motion[:, SPEED].astype(np.float32),
        "exit": np.where((place >= 0) & (vehicle[:, EXIT] >= lanes), vehicle[:, EXIT], -1).astype(np.int32),
        "body": settings.body[kind].astype(np.float32),
        "open": (state.on[e, lanes:, OPEN] != 0).astype(np.uint8),
        "phase": state.pending[e].copy(),
        "stage": state.stage[e].copy(),
        "outside": state.outside[e].copy(),
        "step": np.array(state.cycle[e], np.int32),
        "seconds": np.array(state.step[e] * settings.dt, np.float32),
        "trips": np.array([tally[CREATED], tally[FINISHED], driving], np.int32),
    }


FAMILY = Family(
    name="traffic_signals_v0",
    params=Params,
    state=State,
    build=build,
    guided=lambda settings: settings,
    frame=frame,
    reward_terms=REWARD_TERMS,
    metrics=METRICS,
    most_cycles=most_cycles,
    scene="marl_envs.traffic.signals.render",
    play=batch.play_range,
)
