"""Metrics of one episode so far: those of vehicles as agents, and what lights add to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.core.pack import unpack
from marl_envs.traffic.both.types import (
    ALL_PAID,
    CONTROL_AT,
    CROWD_AT,
    FLEET_AT,
    OUT_AT,
    SETTINGS_AT,
    SIGNALS_PAID,
    VEHICLE_RULES_AT,
    VEHICLES_PAID,
    Control,
    Crowd,
    EngineSettings,
    EngineState,
    Fleet,
    VehicleRules,
)
from marl_envs.traffic.engine.types import CREATED, RED_RUNS
from marl_envs.traffic.vehicles.metrics import METRICS as VEHICLE_METRICS
from marl_envs.traffic.vehicles.metrics import measure_one as measure_vehicles

METRICS: dict[str, tuple[str, str]] = {
    **VEHICLE_METRICS,
    "level_of_service": (
        "grade",
        "HCM 2000, signalised, of the mean delay: 0 A (10 s), B (20), C (35), D (55), E (80), 5 F",
    ),
    "masked_actions": ("actions", "actions of vehicles that the mask forbade, or that vehicles do not have"),
    "return": ("reward", "reward summed over all agents and decisions, as it was paid"),
    "red_light": ("violations", "agents' vehicles that passed a stop line while the light was red"),
    "red_light_per_1000": ("violations", "the same for 1000 vehicles created; NaN without vehicles"),
    "red_runs": ("violations", "all vehicles that did so, background ones that could not stop any more included"),
    "switches": ("1/h", "changes of phase that were decided, an hour and signal"),
    "signal_masked_actions": ("actions", "actions of signals that the mask forbade, or that signals do not have"),
    "vehicle_return": ("reward", "own rewards of the vehicles, summed over decisions"),
    "signal_return": ("reward", "own rewards of the signals, summed over decisions"),
}
"""Name -> (unit, definition), in the order of Out.metrics."""

MORE_AT = len(VEHICLE_METRICS)  # where those begin that vehicles alone do not have
DELAY_AT, GRADE_AT = list(METRICS).index("delay"), list(METRICS).index("level_of_service")
RETURN_AT = list(METRICS).index("return")
GRADES = (10.0, 20.0, 35.0, 55.0, 80.0)  # [s]


@jit(inner=True)
def measure_one(table: Any, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, vehicles = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    control, crowd = unpack(table, Control, CONTROL_AT), unpack(table, Crowd, CROWD_AT)
    out = unpack(table, Out, OUT_AT)
    measure_vehicles(state, fleet, settings, vehicles, out, e)
    grade = 0.0
    for limit in GRADES:
        grade += out.metrics[e, DELAY_AT] > limit
    out.metrics[e, GRADE_AT] = grade
    out.metrics[e, RETURN_AT] = crowd.paid[e, ALL_PAID]
    switches = np.int64(0)
    for s in range(control.switches.shape[1]):
        switches += control.switches[e, s]
    signal_hours = np.float64(control.switches.shape[1]) * state.step[e] * settings.dt / 3600.0
    violations, created = np.float64(crowd.violations[e]), np.float64(state.tally[e, CREATED])
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    values = (
        violations,
        1000.0 * violations / created,
        np.float64(state.tally[e, RED_RUNS]),
        switches / signal_hours,
        np.float64(control.masked[e]),
        crowd.paid[e, VEHICLES_PAID],
        crowd.paid[e, SIGNALS_PAID],
    )
    for m in range(len(values)):
        out.metrics[e, MORE_AT + m] = values[m]
