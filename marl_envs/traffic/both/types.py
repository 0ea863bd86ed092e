"""Settings and state of vehicles and signals together: the engine's, those of each kind, and what joins them.

The names of vehicles' settings stay; whatever else would be there twice has the prefix of its kind
(`core.pack.prefixed`). Kernels unpack each part by itself, at its own offset, as the class that its own family uses: so
they are the very kernels of `traffic/vehicles` and `traffic/signals`. Each kind has result arrays of its own among the
state, whose rows are brought together in `Out`: vehicles first.

Dimensions besides the engine's: A agents; with a prefix, those of a kind.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.out import Out
from marl_envs.core.pack import joined, prefixed, slots_of
from marl_envs.traffic.engine.types import Settings as EngineSettings
from marl_envs.traffic.engine.types import State as EngineState
from marl_envs.traffic.signals.types import REWARD_TERMS as SIGNAL_TERMS
from marl_envs.traffic.signals.types import Control
from marl_envs.traffic.signals.types import Rules as SignalRules
from marl_envs.traffic.vehicles.types import NOTES, Fleet
from marl_envs.traffic.vehicles.types import REWARD_TERMS as VEHICLE_TERMS
from marl_envs.traffic.vehicles.types import Rules as VehicleRules

__all__ = ["NOTES", "Control", "EngineSettings", "EngineState", "Fleet", "SignalRules", "VehicleRules"]

VEHICLE, SIGNAL = "vehicle_", "signal_"  # prefixes
VEHICLE_OUT, SIGNAL_OUT = "vehicle_out_", "signal_out_"
# What a vehicle's light shows
NO_LIGHT, GREEN_LIGHT, AMBER_LIGHT, RED_LIGHT = range(4)
REWARD_TERMS = (*VEHICLE_TERMS, "red_light", *(f"signal_{term}" for term in SIGNAL_TERMS))
RED_TERM = len(VEHICLE_TERMS)
SIGNAL_TERMS_AT = RED_TERM + 1
VEHICLES_PAID, SIGNALS_PAID, ALL_PAID = range(3)  # Crowd.paid[e, :]
FIRST_GREEN = 25.0  # before an episode each signal has been green for up to so long [s]


class Rules(NamedTuple):
    """What stays fixed besides the settings of engine, vehicles and signals."""

    light_of: Annotated[NDArray[np.int32], "J"]  # the signal at each junction, or NONE
    red_weight: float  # of the reward term "red_light"
    every: int  # decisions from one of the signals to the next
    team: int  # 1: everybody gets the sum of all rewards
    choices: int  # how many actions a signal has


class Crowd(NamedTuple):
    """What is read or written besides."""

    actions: Annotated[NDArray[np.int32], "E A"]  # of all agents, vehicles first
    seat: Annotated[NDArray[np.int32], "E vehicle_A"]  # vehicles of the agents before the last step, or NONE
    ran_red: Annotated[NDArray[np.int32], "E vehicle_A"]  # how often each drove on red since the last decision
    violations: Annotated[NDArray[np.int64], "E"]  # the same of all agents in the episode
    paid: Annotated[NDArray[np.float64], "E 3"]  # VEHICLES_PAID, SIGNALS_PAID: own rewards; ALL_PAID: as paid out


_SHARED = ("E", "V", "D", "J", "L")  # dimensions that mean the same in all parts
State = joined(
    "State",
    __name__,
    EngineState,
    prefixed(Fleet, VEHICLE, _SHARED),
    prefixed(Control, SIGNAL, _SHARED),
    prefixed(Out, VEHICLE_OUT, ("E",)),
    prefixed(Out, SIGNAL_OUT, ("E",)),
    Crowd,
)
Settings = joined("Settings", __name__, EngineSettings, VehicleRules, prefixed(SignalRules, SIGNAL, ()), Rules)

FLEET_AT = slots_of(EngineState)
CONTROL_AT = FLEET_AT + slots_of(Fleet)
VEHICLE_OUT_AT = CONTROL_AT + slots_of(Control)
SIGNAL_OUT_AT = VEHICLE_OUT_AT + slots_of(Out)
CROWD_AT = SIGNAL_OUT_AT + slots_of(Out)
SETTINGS_AT = slots_of(State)
VEHICLE_RULES_AT = SETTINGS_AT + slots_of(EngineSettings)
SIGNAL_RULES_AT = VEHICLE_RULES_AT + slots_of(VehicleRules)
RULES_AT = SIGNAL_RULES_AT + slots_of(SignalRules)
OUT_AT = SETTINGS_AT + slots_of(Settings)
