"""What vehicles see of lights, and what signals see of connected vehicles.

Kernels here take the table and unpack the parts that they need, which costs nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.pack import unpack
from marl_envs.traffic.both.types import (
    AMBER_LIGHT,
    CONTROL_AT,
    FLEET_AT,
    GREEN_LIGHT,
    NO_LIGHT,
    RED_LIGHT,
    RULES_AT,
    SETTINGS_AT,
    SIGNAL_RULES_AT,
    VEHICLE_RULES_AT,
    Control,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
    SignalRules,
    VehicleRules,
)
from marl_envs.traffic.engine.types import BEHIND, CLOSED_STEP, DIS, HEAD, JUNCTION, LENGTH, LIMIT, OPEN, PLACE, SPEED
from marl_envs.traffic.signals.types import ALL_RED, GREEN, YELLOW
from marl_envs.traffic.vehicles.conflicts import link_ahead
from marl_envs.traffic.vehicles.motion import stop_level, stopping
from marl_envs.traffic.vehicles.observe import LEADERS, SPEEDS, TABULAR_STATES
from marl_envs.traffic.vehicles.types import DRIVING, NONE, STANDING

OF_LIGHT = 5  # numbers that a vehicle sees of its light
OF_APPROACH = 2  # numbers that a signal sees of the connected vehicles on a lane
MOST_TIME = 60.0  # what times are divided by [s]
LINE_LEVELS = 5  # `stop_level` before the line
LIGHT_STATES = TABULAR_STATES + 2 * LINE_LEVELS * SPEEDS * LEADERS  # of "tabular"


@jit(inline=True)
def light_ahead(table: Any, e: Int, v: Int) -> Any:
    """Return what the light before `v` shows, the link behind it (a drivable, or NONE), and the way to its line [m].

    Amber is the time after green in which passing is no violation. NO_LIGHT: it has passed the line, or there is none.
    """
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, own = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    rules = unpack(table, Rules, RULES_AT)
    link, way = link_ahead(state, settings, own, fleet, e, v, state.vehicle[e, v, PLACE])
    d = link + own.lane_junction.shape[0]
    if link == NONE or way > 0.0 or rules.light_of[settings.drivable[d, JUNCTION]] == NONE:
        return NO_LIGHT, np.int64(NONE), 0.0
    colour = RED_LIGHT
    if state.on[e, d, OPEN]:
        colour = GREEN_LIGHT
    elif state.step[e] - state.on[e, d, CLOSED_STEP] <= settings.amber:
        colour = AMBER_LIGHT
    return colour, np.int64(d), -way


@jit(inline=True)
def _is_held(table: Any, e: Int, v: Int) -> Bool:
    """Return whether `v` is before a light that is closed, and can still stop there."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    own = unpack(table, VehicleRules, VEHICLE_RULES_AT)
    colour, _, room = light_ahead(table, e, v)
    speed = state.motion[e, v, SPEED]
    return colour >= AMBER_LIGHT and (speed < STANDING or room > stopping(own, speed, settings.dt))


@jit(inner=True)
def sift(table: Any, e: Int) -> None:
    """Leave out of what agents see the conflicts with vehicles that a closed light holds back."""
    fleet = unpack(table, Fleet, FLEET_AT)
    for a in range(fleet.seen.shape[1]):
        kept = 0
        for c in range(fleet.seen.shape[2]):
            u = fleet.seen[e, a, c]
            if u != NONE and not _is_held(table, e, u):
                fleet.seen[e, a, kept] = u
                for i in range(fleet.conflict.shape[3]):
                    fleet.conflict[e, a, kept, i] = fleet.conflict[e, a, c, i]
                kept += 1
        for c in range(kept, fleet.seen.shape[2]):
            fleet.seen[e, a, c] = NONE


@jit(inline=True)
def _opens(settings: EngineSettings, signals: SignalRules, s: Int, phase: Int, d: Int) -> Bool:
    """Return whether signal `s` opens link `d` in one of its phases."""
    j = signals.junction[s]
    green = settings.green_first[settings.phase_first[j] + signals.phase_of[s, phase]]
    return settings.green[green + d - settings.link_first[j]] > 0


@jit(inline=True)
def _times(table: Any, e: Int, colour: Int, d: Int) -> Any:
    """Return for how long the light before link `d` has shown its colour [s], and when it must change [s].

    A number below 0 for the latter: nobody knows.
    """
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    settings, signals = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    s = unpack(table, Rules, RULES_AT).light_of[settings.drivable[d, JUNCTION]]
    dt = settings.dt
    left = control.left[e, s] if control.stage[e, s] != GREEN else 0
    if colour == GREEN_LIGHT:
        most = max(0.0, (signals.max_green - control.green[e, s]) * dt) if signals.max_green > 0 else -1.0
        return control.green[e, s] * dt, most
    closed = state.step[e] - 1 - state.on[e, d, CLOSED_STEP]  # [steps]
    if colour == AMBER_LIGHT:
        return closed * dt, (settings.amber - closed) * dt
    until = -1.0
    if control.stage[e, s] == YELLOW and _opens(settings, signals, s, control.pending[e, s], d):
        until = (left + signals.all_red) * dt
    elif control.stage[e, s] == ALL_RED and _opens(settings, signals, s, control.pending[e, s], d):
        until = left * dt
    return (closed - settings.amber) * dt, until


@jit(inline=True)
def see_light(table: Any, obs: Any, e: Int, a: Int, at: Int) -> None:
    """Write what agent `a` sees of its light: green, amber, red, for how long, when it must change (-1: unknown)."""
    fleet = unpack(table, Fleet, FLEET_AT)
    if fleet.status[e, a] != DRIVING:
        return
    colour, d, _ = light_ahead(table, e, fleet.slot[e, a])
    if colour == NO_LIGHT:
        return
    since, until = _times(table, e, colour, d)
    obs[e, a, at + colour - GREEN_LIGHT] = np.float32(1.0)
    obs[e, a, at + 3] = np.float32(min(1.0, since / MOST_TIME))
    obs[e, a, at + 4] = np.float32(min(1.0, until / MOST_TIME)) if until >= 0.0 else np.float32(-1.0)


@jit(inline=True)
def label_with_light(table: Any, e: Int, a: Int, label: Int) -> Int:
    """Return the state of agent `a`, from that which knows no lights.

    Before a closed light that is its colour, how fast one may go on and still stop at the line, and of the other state
    the speed and the leader. Else it is the other state.
    """
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, own = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    if fleet.status[e, a] != DRIVING:
        return label
    v = fleet.slot[e, a]
    colour, _, room = light_ahead(table, e, v)
    if colour < AMBER_LIGHT:
        return label
    level = stop_level(settings, own, state.motion[e, v, SPEED], room)
    alone = (label - 1) % (SPEEDS * LEADERS)  # the last factor of both its parts; see vehicles/observe.py
    return TABULAR_STATES + ((colour - AMBER_LIGHT) * LINE_LEVELS + level) * SPEEDS * LEADERS + alone


@jit(inline=True)
def see_approach(table: Any, obs: Any, e: Int, s: Int, row: Int, at: Int) -> None:
    """Write what signal `s` sees of the vehicles that agents drive near it, by lane: how many, and how fast."""
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, signals = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    lanes = signals.in_lane.shape[1]
    for i in range(signals.num_in[s]):
        lane = signals.in_lane[s, i]
        number, speeds = np.int64(0), 0.0
        v = state.on[e, lane, HEAD]
        while v != NONE:
            rest = settings.measure[lane, LENGTH] - state.motion[e, v, DIS]
            if fleet.agent[e, v] != NONE and rest <= signals.detector_range:
                number += 1
                speeds += state.motion[e, v, SPEED]
            v = state.vehicle[e, v, BEHIND]
        share: Real = min(1.0, number / signals.near_room[lane])
        pace: Real = min(1.0, speeds / (number * settings.measure[lane, LIMIT])) if number > 0 else 1.0
        obs[e, row, at + i] = np.float32(share)
        obs[e, row, at + lanes + i] = np.float32(pace)
