"""From parameters to a simulation: the apartment, the spaces, and the kernels that the two faces call."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.small.vacuum import batch
from marl_envs.small.vacuum.metrics import METRICS
from marl_envs.small.vacuum.observe import ROBOT_NUMBERS
from marl_envs.small.vacuum.types import (
    DOORS,
    NUM_COUNTERS,
    NUM_ROOMS,
    OBSERVATIONS,
    REWARD_TERMS,
    Params,
    Settings,
    State,
)


def make_settings(params: Params) -> Settings:
    """Return the tables and numbers for these parameters."""
    door = np.zeros((NUM_ROOMS, NUM_ROOMS), np.uint8)
    for one, other in DOORS:
        door[one, other] = door[other, one] = 1
    return Settings(
        door=door,
        dirt=np.array(params.dirt, np.float32),
        capacity=params.capacity,
        docks=int(params.rules == "dock"),
        may_wait=int(params.num_robots > 1),
        wasted=params.wasted,
        bonus=params.bonus / params.num_robots,
        stranded=params.stranded,
        observation=OBSERVATIONS.index(params.observation),
        mask=int(params.mask is not None),
        team=int(params.reward == "team"),
        guided=1,
        autoreset=1,
        max_cycles=params.max_cycles,
    )


def observation_space(params: Params) -> spaces.Space[Any]:
    """Return the space of one robot's observation."""
    if params.observation == "tabular":
        return spaces.Discrete(params.num_states)
    return spaces.Box(0.0, 1.0, (NUM_ROOMS + ROBOT_NUMBERS * params.num_robots,), np.float32)


def build(params: Params) -> Simulation:
    """Return the simulation of an apartment."""
    robots = params.num_robots
    return Simulation(
        family=FAMILY,
        params=params,
        agents=[f"robot_{a}" for a in range(robots)],
        observation_space=observation_space(params),
        action_space=spaces.Discrete(NUM_ROOMS + (params.rules == "dock")),
        state_space=spaces.Box(0.0, 1.0, (1 + NUM_ROOMS + ROBOT_NUMBERS * robots,), np.float32),
        settings=make_settings(params),
        sizes={"A": robots, "R": NUM_ROOMS, "K": NUM_COUNTERS},
    )


def frame(settings: Settings, state: State, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs.

    rooms int32 [A], charge int32 [A] in percent, rounded up, fate int32 [A], dirt float32 [4] (0: clean), step
    int32 [], return float32 [].
    """
    charge = -(-100 * state.charge[e] // settings.capacity)
    return {
        "rooms": state.room[e].copy(),
        "charge": charge.astype(np.int32),
        "fate": state.fate[e].astype(np.int32),
        "dirt": settings.dirt * state.dirty[e],
        "step": np.array(state.step[e], np.int32),
        "return": np.array(state.total[e], np.float32),
    }


FAMILY = Family(
    name="vacuum_v0",
    params=Params,
    state=State,
    build=build,
    guided=lambda settings: settings,
    frame=frame,
    reward_terms=REWARD_TERMS,
    metrics=METRICS,
    scene="marl_envs.small.vacuum.render",
    play=batch.play_range,
)
