"""The loop over environments, and one decision of one environment: `interval` steps of the engine.

Each step is the vehicles' own (`vehicles.batch.advance`), with the signals' law before it and their counting after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.operations import DESCRIBE, MEASURE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import unpack
from marl_envs.traffic.both.decide import hand_out, note_red, note_seats, signal_may, signals_decide
from marl_envs.traffic.both.lights import label_with_light, see_approach, see_light, sift
from marl_envs.traffic.both.metrics import measure_one
from marl_envs.traffic.both.rewards import pay_all
from marl_envs.traffic.both.types import (
    CONTROL_AT,
    CROWD_AT,
    FIRST_GREEN,
    FLEET_AT,
    OUT_AT,
    SETTINGS_AT,
    SIGNAL_OUT_AT,
    SIGNAL_RULES_AT,
    VEHICLE_OUT_AT,
    VEHICLE_RULES_AT,
    Control,
    Crowd,
    EngineSettings,
    EngineState,
    Fleet,
    SignalRules,
    VehicleRules,
)
from marl_envs.traffic.engine.batch import clear_one
from marl_envs.traffic.engine.signals import show_phases
from marl_envs.traffic.signals.batch import see as see_signals
from marl_envs.traffic.signals.control import after_step, before_step, decide, start_signals
from marl_envs.traffic.signals.observe import global_state as signal_state
from marl_envs.traffic.signals.rewards import pay as pay_signals
from marl_envs.traffic.signals.rewards import remember
from marl_envs.traffic.signals.watch import forget
from marl_envs.traffic.signals.watch import survey as survey_lanes
from marl_envs.traffic.signals.watch import watch as watch_lanes
from marl_envs.traffic.vehicles.batch import MOST_EMPTY, advance, anyone_drives, settle, write_notes
from marl_envs.traffic.vehicles.batch import see as see_vehicles
from marl_envs.traffic.vehicles.fleet import command, start_fleet
from marl_envs.traffic.vehicles.observe import global_state
from marl_envs.traffic.vehicles.rewards import pay as pay_vehicles
from marl_envs.traffic.vehicles.trips import draw_trips
from marl_envs.traffic.vehicles.types import NONE, TABULAR
from marl_envs.traffic.vehicles.watch import note_queues


@jit(inner=True)
def advance_all(table: Any, e: Int, decides: Bool) -> None:
    """Let one step of the engine pass; `decides`: agents do so after it."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    fleet, vehicles = unpack(table, Fleet, FLEET_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    before_step(state, control, signals, e)
    show_phases(state, settings, e)
    note_seats(table, e)
    advance(state, fleet, settings, vehicles, e, decides)
    after_step(control, signals, e)
    watch_lanes(state, control, settings, e)
    note_red(table, e)


@jit(inline=True)
def survey(table: Any, e: Int) -> None:
    """Read lanes as they stand, and conflicts but for those that a light has settled."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    sift(table, e)
    survey_lanes(state, control, settings, signals, e)


@jit(inner=True)
def begin(table: Any, e: Int) -> None:
    """Start an episode: new trips, empty roads, each signal at any phase; it begins when the first agent drives."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    fleet, vehicles = unpack(table, Fleet, FLEET_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    crowd = unpack(table, Crowd, CROWD_AT)
    state.demand[e] = 0
    clear_one(state, settings, e)
    draw_trips(state, fleet, settings, vehicles, e)
    start_fleet(state, fleet, vehicles, e)
    forget(control, e)
    start_signals(state, control, signals, e, np.int64(np.ceil(FIRST_GREEN / settings.dt)))
    for a in range(crowd.seat.shape[1]):
        crowd.seat[e, a] = NONE
        crowd.ran_red[e, a] = 0
    crowd.violations[e] = 0
    for k in range(crowd.paid.shape[1]):
        crowd.paid[e, k] = 0.0
    left = MOST_EMPTY / settings.dt
    while left > 0 and not anyone_drives(fleet, e):
        advance_all(table, e, np.bool_(True))
        left -= 1
    survey(table, e)
    remember(state, control, signals, e)


@jit(inner=True)
def see(table: Any, obs: Any, label: Any, mask: Any, e: Int) -> None:
    """Write observation and mask of all agents, vehicles first; conflicts and lanes have been surveyed."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    fleet, vehicles = unpack(table, Fleet, FLEET_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    own, theirs = unpack(table, Out, VEHICLE_OUT_AT), unpack(table, Out, SIGNAL_OUT_AT)
    see_vehicles(state, fleet, settings, vehicles, own.obs, own.label, own.mask, e)
    see_signals(state, control, settings, signals, theirs.obs, theirs.label, theirs.mask, e)
    count = fleet.slot.shape[1]
    tabular = vehicles.observation == TABULAR
    for a in range(count):
        if tabular:
            label[e, a] = label_with_light(table, e, a, own.label[e, a])
        else:
            _show(own.obs, obs, e, a, a)
            see_light(table, obs, e, a, own.obs.shape[2])
        for n in range(mask.shape[2]):
            mask[e, a, n] = own.mask[e, a, n] if n < own.mask.shape[2] else np.int8(0)
    for s in range(theirs.mask.shape[1]):
        if tabular:
            label[e, count + s] = theirs.label[e, s]
        else:
            _show(theirs.obs, obs, e, s, count + s)
            see_approach(table, obs, e, s, count + s, theirs.obs.shape[2])
        for n in range(mask.shape[2]):
            mask[e, count + s, n] = np.int8(signal_may(table, e, s, n))


@jit(inline=True)
def _show(own: Any, obs: Any, e: Int, a: Int, row: Int) -> None:
    """Copy what one agent sees to its row, with zeros behind it."""
    for i in range(obs.shape[2]):
        obs[e, row, i] = own[e, a, i] if i < own.shape[2] else np.float32(0.0)


@jit(inline=True)
def _settle_all(table: Any, e: Int) -> Bool:
    """Write who has finished; return whether the episode is over. Signals finish when all vehicles have."""
    fleet, vehicles = unpack(table, Fleet, FLEET_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    own, out = unpack(table, Out, VEHICLE_OUT_AT), unpack(table, Out, OUT_AT)
    settle(fleet, vehicles, own, e)
    count, ended = fleet.slot.shape[1], own.ended[e]
    late = fleet.cycle[e] >= vehicles.max_cycles
    for a in range(out.alive.shape[1]):
        if a < count:
            out.terminated[e, a], out.truncated[e, a] = own.terminated[e, a], own.truncated[e, a]
            out.alive[e, a] = own.alive[e, a]
        else:
            out.terminated[e, a], out.truncated[e, a] = ended and not late, late
            out.alive[e, a] = late or not ended
    out.ended[e] = ended
    return ended


@jit(inline=True)
def _show_alive(table: Any, e: Int) -> None:
    """Write who had not finished after the last step."""
    fleet, vehicles = unpack(table, Fleet, FLEET_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    out = unpack(table, Out, OUT_AT)
    going = fleet.cycle[e] >= vehicles.max_cycles
    for a in range(fleet.alive.shape[1]):
        out.alive[e, a] = fleet.alive[e, a]
        going |= fleet.alive[e, a]
    for a in range(fleet.alive.shape[1], out.alive.shape[1]):
        out.alive[e, a] = going


@jit(inline=True)
def _note_all(table: Any, e: Int) -> None:
    """Write what the infos say of each vehicle; of signals they say nothing."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    fleet, out = unpack(table, Fleet, FLEET_AT), unpack(table, Out, OUT_AT)
    write_notes(state, fleet, settings, out, e)
    for a in range(fleet.slot.shape[1], out.notes.shape[1]):
        for k in range(out.notes.shape[2]):
            out.notes[e, a, k] = NONE


@jit(inner=True)
def _decide_all(table: Any, e: Int) -> Bool:
    """Carry out a decision of all agents and pay for it; return whether the episode is over."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    fleet, vehicles = unpack(table, Fleet, FLEET_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    hand_out(table, e)
    command(state, fleet, settings, vehicles, e)
    if signals_decide(table, e):
        decide(state, control, signals, e)
    for left in range(vehicles.interval - 1, -1, -1):
        advance_all(table, e, left == 0)
    fleet.cycle[e] += 1
    note_queues(state, fleet, settings, vehicles, e)
    survey(table, e)
    pay_vehicles(fleet, vehicles, unpack(table, Out, VEHICLE_OUT_AT), e)
    ended = _settle_all(table, e)
    settled = ended or signals_decide(table, e)
    if settled:
        pay_signals(state, control, settings, signals, unpack(table, Out, SIGNAL_OUT_AT), e)
    pay_all(table, e, settled)
    return ended


@jit(inner=True)
def step_one(table: Any, e: Int) -> Bool:
    """Advance an environment by one decision; return whether its next episode begins."""
    out = unpack(table, Out, OUT_AT)
    ended = _decide_all(table, e)
    _note_all(table, e)
    begins = ended and unpack(table, VehicleRules, VEHICLE_RULES_AT).autoreset != 0
    if begins:
        measure_one(table, e)
        see(table, out.final_obs, out.final_label, out.final_mask, e)
        for a in range(out.alive.shape[1]):
            out.alive[e, a] = True
    return begins


@jit(inner=True)
def describe_one(table: Any, e: Int) -> None:
    """Write the global state: first that of vehicles, then that of signals without the time, which it has already."""
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, SETTINGS_AT)
    fleet, vehicles = unpack(table, Fleet, FLEET_AT), unpack(table, VehicleRules, VEHICLE_RULES_AT)
    control, signals = unpack(table, Control, CONTROL_AT), unpack(table, SignalRules, SIGNAL_RULES_AT)
    dest, theirs = unpack(table, Out, OUT_AT).global_state, unpack(table, Out, SIGNAL_OUT_AT).global_state
    global_state(state, fleet, settings, vehicles, dest, e)
    signal_state(state, control, settings, signals, theirs, e)
    at = dest.shape[1] - theirs.shape[1]
    for i in range(theirs.shape[1]):
        if i > 0:
            dest[e, at + i] = theirs[e, i]
        theirs[e, i] = np.float32(0.0)  # reading leaves no trace in the state


@jit
def play_range(table: Any, operation: Int, first: Int, last: Int) -> None:
    """Do an operation to the environments first..last-1."""
    out = unpack(table, Out, OUT_AT)
    for e in range(first, last):
        begins = operation == RESET
        if operation == STEP:
            begins = step_one(table, e)
        if begins:
            begin(table, e)
        if operation in (STEP, OBSERVE):
            see(table, out.obs, out.label, out.mask, e)
        elif operation == MEASURE:
            measure_one(table, e)
        elif operation == DESCRIBE:
            describe_one(table, e)
        if operation == OBSERVE:
            _note_all(table, e)
            _show_alive(table, e)
