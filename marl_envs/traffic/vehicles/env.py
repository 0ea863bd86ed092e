"""From parameters to a simulation: the tables, the spaces, and the kernels that the two faces call."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.traffic.engine.tables import sizes_of
from marl_envs.traffic.engine.types import CREATED, DIS, EXIT, FINISHED, KIND, OPEN, PLACE, SPEED
from marl_envs.traffic.vehicles import batch
from marl_envs.traffic.vehicles.crosswalks import slots_for
from marl_envs.traffic.vehicles.layouts import drawn_seconds, load
from marl_envs.traffic.vehicles.metrics import METRICS
from marl_envs.traffic.vehicles.observe import TABULAR_STATES, state_length, vector_length
from marl_envs.traffic.vehicles.params import Params
from marl_envs.traffic.vehicles.tables import make_rules, with_rights
from marl_envs.traffic.vehicles.turning import ROUTES
from marl_envs.traffic.vehicles.types import (
    COLLISIONS,
    NONE,
    NOTES,
    OWN_IN_TIME,
    REWARD_TERMS,
    SLACK,
    TABULAR,
    WALK_HIT,
    Rules,
    Settings,
    State,
)


def observation_space(rules: Rules) -> spaces.Space[Any]:
    """Return the space of one agent's observation."""
    if rules.observation == TABULAR:
        return spaces.Discrete(TABULAR_STATES * (ROUTES if rules.route_choice else 1))
    return spaces.Box(-1.0, 1.0, (vector_length(rules),), np.float32)


def action_space(rules: Rules) -> spaces.Space[Any]:
    """Return the space of one agent's action."""
    if rules.continuous:
        return spaces.Box(-rules.hard_brake, rules.pull_up, (1,), np.float32)
    return spaces.Discrete(len(rules.levels))


def build(params: Params) -> Simulation:
    """Return the simulation of vehicles."""
    layout = load(params)
    rules = make_rules(params, layout)
    capacity = layout.capacity if params.capacity is None else params.capacity
    sizes = sizes_of(layout.settings, layout.network, capacity, layout.trips)
    agents = params.num_vehicles
    return Simulation(
        family=FAMILY,
        params=params,
        agents=[f"vehicle_{a}" for a in range(agents)],
        observation_space=observation_space(rules),
        action_space=action_space(rules),
        state_space=spaces.Box(-1.0, 1.0, (state_length(rules, agents),), np.float32),
        settings=Settings(*with_rights(layout.settings, rules), *rules),
        sizes={
            **sizes,
            "A": agents,
            "C": rules.conflicts,
            "T": len(REWARD_TERMS),
            "Z": len(rules.pair_zone),
            "3": 3,
            "10": 10,
            "20": 20,
            "B": len(rules.walk_line),
            "Y": slots_for(params.pedestrians) if rules.crosswalks else 0,
            "X": len(rules.gate_place),
            "K": layout.network.num_links if rules.crosswalks else 0,
        },
    )


def most_cycles(params: Params) -> int:
    """Return for how many decisions there is room for trips."""
    if params.arrivals == "once":
        return 2**31 - 1
    return int(np.floor(round(drawn_seconds(params) / params.decision_interval, 9)))


def frame(settings: Any, state: Any, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs.

    Vehicles by slot: place int32 [V] (drivable, or -1), dis float32 [V] of the front bumper [m], came int32 [V]
    (drivable before), exit int32 [V] (link it takes, or -1), body and width float32 [V] [m], speed [V] [m/s], pull
    [V] acceleration in the last step [m/s2], agent int32 [V] (-1: the engine), wreck uint8 [V]. Agents: status int32
    [A], slot int32 [A] (vehicle, or -1), foe int32 [A] (vehicle of the most pressing conflict, or -1), margin float32
    [A] of it [s], until float32 [A] when one is there [s]. Links: open uint8 [K]. Lanes: outside uint8 [L]. step int32
    [] of decisions, seconds float32 [], trips int32 [4]: created, finished, driving, collisions. Pedestrians: walker
    float32 [B, Y, 3] (place on the crosswalk [m], speed [m/s], 0: nobody, 1 if it waits), hits int32 [] of them.
    """
    vehicle, lanes = state.vehicle[e], len(settings.lane_junction)
    place = vehicle[:, PLACE].copy()
    there = place >= 0
    motion = np.where(there[:, None], state.motion[e], 0.0)  # free slots hold what earlier episodes left there
    kind = np.where(there, vehicle[:, KIND], 0)
    tally = state.tally[e]
    foe, driving = state.seen[e, :, 0].copy(), len(place) - int(state.num_free[e])
    return {
        "place": place,
        "dis": motion[:, DIS].astype(np.float32),
        "came": np.where(there, state.came[e], NONE).astype(np.int32),
        "exit": np.where(there, vehicle[:, EXIT], NONE).astype(np.int32),
        "body": settings.body[kind].astype(np.float32),
        "width": settings.width[kind].astype(np.float32),
        "speed": motion[:, SPEED].astype(np.float32),
        "pull": np.where(there, state.old_pull[e], 0.0).astype(np.float32),
        "agent": np.where(there, state.agent[e], NONE).astype(np.int32),
        "wreck": (there & (state.clear_at[e] != NONE)).astype(np.uint8),
        "status": state.status[e].copy(),
        "slot": state.slot[e].copy(),
        "foe": foe,
        "margin": np.where(foe != NONE, state.conflict[e, :, 0, SLACK], np.inf).astype(np.float32),
        "until": np.where(foe != NONE, state.conflict[e, :, 0, OWN_IN_TIME], np.inf).astype(np.float32),
        "open": state.on[e, lanes:, OPEN].astype(np.uint8),
        "outside": (state.first_waiting[e] != NONE).astype(np.uint8),
        "walker": state.walker[e].astype(np.float32),
        "hits": np.array(state.counts[e, WALK_HIT], np.int32),
        "step": np.array(state.cycle[e], np.int32),
        "seconds": np.array(state.step[e] * settings.dt, np.float32),
        "trips": np.array([tally[CREATED], tally[FINISHED], driving, state.counts[e, COLLISIONS]], np.int32),
    }


FAMILY = Family(
    name="intersection_v0",
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
    scene="marl_envs.traffic.vehicles.render",
    play=batch.play_range,
)
