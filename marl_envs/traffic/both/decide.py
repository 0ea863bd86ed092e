"""When who may decide: vehicles always, a signal at its own times; and whether somebody drives on red."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.pack import unpack
from marl_envs.traffic.both.types import (
    CONTROL_AT,
    CROWD_AT,
    FLEET_AT,
    RULES_AT,
    SETTINGS_AT,
    SIGNAL_RULES_AT,
    Control,
    Crowd,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
    SignalRules,
)
from marl_envs.traffic.engine.types import CLOSED_STEP, JUNCTION, OPEN
from marl_envs.traffic.signals.control import is_allowed
from marl_envs.traffic.signals.types import CHOOSE
from marl_envs.traffic.vehicles.types import DRIVING, KEEP, MASKED, NONE, NUM_ACTIONS


@jit(inline=True)
def signals_decide(table: Any, e: Int) -> Bool:
    """Return whether the coming decision is one of the signals, too."""
    return unpack(table, Fleet, FLEET_AT).cycle[e] % unpack(table, Rules, RULES_AT).every == 0


@jit(inline=True)
def signal_may(table: Any, e: Int, s: Int, action: Int) -> Bool:
    """Return whether the mask allows signal `s` an action: at other times than its own only what changes nothing."""
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    if action >= unpack(table, Rules, RULES_AT).choices:
        return False
    if signals_decide(table, e):
        return is_allowed(control, signals, e, s, action)
    keep: Int = control.pending[e, s] if signals.actions == CHOOSE else 0
    return action == keep


@jit(inner=True)
def hand_out(table: Any, e: Int) -> None:
    """Give each kind its actions. What an agent does not have, or may not do now, is counted and left."""
    fleet, control = unpack(table, Fleet, FLEET_AT), unpack(table, Control, CONTROL_AT)
    crowd, signals = unpack(table, Crowd, CROWD_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    vehicles = fleet.slot.shape[1]
    for a in range(vehicles):
        action = crowd.actions[e, a]
        if action >= NUM_ACTIONS:
            fleet.counts[e, MASKED] += fleet.status[e, a] == DRIVING
            action = KEEP
        fleet.actions[e, a] = action
        crowd.ran_red[e, a] = 0
    for s in range(signals.junction.shape[0]):
        action = crowd.actions[e, vehicles + s]
        allowed = signal_may(table, e, s, action)
        control.masked[e] += not allowed
        control.actions[e, s] = action if allowed else _instead(table, e, s)


@jit(inline=True)
def _instead(table: Any, e: Int, s: Int) -> Int:
    """Return the first action that signal `s` may take, its present phase if that is one."""
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    count = unpack(table, Rules, RULES_AT).choices
    keep: Int = np.int64(control.pending[e, s]) if signals.actions == CHOOSE else np.int64(0)
    for i in range(count):
        action = (keep + i) % count
        if signal_may(table, e, s, action):
            return action
    return keep


@jit(inline=True)
def note_seats(table: Any, e: Int) -> None:
    """Remember who drives which vehicle before a step: a crash may part them."""
    fleet, crowd = unpack(table, Fleet, FLEET_AT), unpack(table, Crowd, CROWD_AT)
    for a in range(crowd.seat.shape[1]):
        crowd.seat[e, a] = fleet.slot[e, a] if fleet.status[e, a] == DRIVING else NONE


@jit(inner=True)
def note_red(table: Any, e: Int) -> None:
    """Count the agents that came onto a link in the last step while its light was red."""
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, crowd = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Crowd, CROWD_AT)
    rules = unpack(table, Rules, RULES_AT)
    last = state.step[e] - 1
    for a in range(crowd.seat.shape[1]):
        v = crowd.seat[e, a]
        if v == NONE or fleet.link[e, v] == NONE or fleet.entered_at[e, v] != state.step[e]:
            continue
        d = fleet.link[e, v] + state.first_waiting.shape[1]
        lit = rules.light_of[settings.drivable[d, JUNCTION]] != NONE
        if lit and not state.on[e, d, OPEN] and last - state.on[e, d, CLOSED_STEP] > settings.amber:
            crowd.ran_red[e, a] += 1
            crowd.violations[e] += 1
