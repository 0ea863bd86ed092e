"""The loop over environments, and one decision of one environment: `interval` steps of the engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.operations import DESCRIBE, MEASURE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import slots_of, unpack
from marl_envs.traffic.engine.batch import clear_one, finish_step
from marl_envs.traffic.engine.insertion import create_vehicles, insert_vehicles
from marl_envs.traffic.engine.signals import show_phases
from marl_envs.traffic.engine.trips import trip_due, trip_route
from marl_envs.traffic.engine.types import CREATED, FINISHED
from marl_envs.traffic.vehicles.collisions import collide_behind, collide_inside
from marl_envs.traffic.vehicles.conflicts import survey
from marl_envs.traffic.vehicles.fleet import board, clear_wrecks, command, note_arrivals, start_fleet
from marl_envs.traffic.vehicles.hits import after_walk
from marl_envs.traffic.vehicles.image import write_images
from marl_envs.traffic.vehicles.metrics import measure_one
from marl_envs.traffic.vehicles.motion import tell
from marl_envs.traffic.vehicles.nearing import prefetch_rows
from marl_envs.traffic.vehicles.observe import global_state, write_labels, write_mask, write_vectors
from marl_envs.traffic.vehicles.pedestrians import clear_walks, walk
from marl_envs.traffic.vehicles.rewards import note_homes, note_outside, pay
from marl_envs.traffic.vehicles.trips import draw_trips
from marl_envs.traffic.vehicles.types import (
    ARRIVED,
    CRASHED,
    DRIVING,
    IMAGE,
    NEIGHBOURS,
    NONE,
    REMOVED,
    TABULAR,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
    Settings,
    State,
)
from marl_envs.traffic.vehicles.watch import note_queues, watch

MOST_EMPTY = 600.0  # how long an episode waits for the first agent to drive [s]
FLEET_AT = slots_of(EngineState)
SETTINGS_AT = slots_of(State)
RULES_AT = SETTINGS_AT + slots_of(EngineSettings)
OUT_AT = SETTINGS_AT + slots_of(Settings)


@jit(inline=True)
def _come(state: EngineState, fleet: Fleet, settings: EngineSettings, e: Int) -> None:
    """Do what the engine's `begin_step` does, where there is anything to do."""
    if settings.program or state.step[e] == 0:
        show_phases(state, settings, e)
    create_vehicles(state, settings, e)
    gone = state.tally[e, FINISHED] + fleet.counts[e, REMOVED]
    if state.tally[e, CREATED] - gone != state.free.shape[1] - state.num_free[e]:  # some wait outside
        insert_vehicles(state, settings, e)


@jit(inner=True)
def advance(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, near: Real) -> None:
    """Let one step of the engine pass; `near`: see `find_leaders`."""
    clear_wrecks(state, fleet, settings, rules, e)
    free = state.num_free[e]
    _come(state, fleet, settings, e)
    if state.num_free[e] != free:
        board(state, fleet, settings, rules, e, free)
    note_outside(state, fleet, settings, rules, e)
    tell(state, fleet, settings, rules, e)
    if rules.crosswalks:
        walk(state, fleet, settings, rules, e)
    free = state.num_free[e]
    finish_step(state, settings, e, fleet.ruled[e], near)
    if state.num_free[e] != free:
        note_arrivals(state, fleet, rules, e)
    inside, hit = watch(state, fleet, settings, rules, e)
    if inside > 1:
        collide_inside(state, fleet, settings, rules, e, inside)
    if hit:
        collide_behind(state, fleet, settings, rules, e)
    if rules.crosswalks:
        after_walk(state, fleet, settings, rules, e, inside)


@jit(inline=True)
def anyone_drives(fleet: Fleet, e: Int) -> Bool:
    """Return whether any agent has a vehicle on the road."""
    found = 0
    for a in range(fleet.status.shape[1]):
        found += fleet.status[e, a] == DRIVING
    return found > 0


@jit(inner=True)
def begin(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Start an episode with new trips on empty roads, when the first agent has begun to drive."""
    state.demand[e] = 0
    clear_one(state, settings, e)
    draw_trips(state, fleet, settings, rules, e)
    start_fleet(state, fleet, rules, e)
    if rules.crosswalks:
        clear_walks(state, fleet, rules, e)
    left = MOST_EMPTY / settings.dt
    while left > 0 and not anyone_drives(fleet, e):
        advance(state, fleet, settings, rules, e, np.inf)
        left -= 1
    survey(state, fleet, settings, rules, e)


@jit(inner=True)
def see(
    state: EngineState,
    fleet: Fleet,
    settings: EngineSettings,
    rules: Rules,
    obs: Any,
    label: Any,
    mask: Any,
    e: Int,
) -> None:
    """Write observation and mask; the conflicts have been surveyed."""
    if rules.observation == TABULAR:
        write_labels(state, fleet, settings, rules, label, e)
    elif rules.observation == IMAGE:
        write_images(state, fleet, settings, rules, obs, e)
    else:
        fleet.noise[e] = state.rng[e] ^ np.uint64(fleet.cycle[e])  # the same whenever one looks
        write_vectors(state, fleet, settings, rules, fleet.noise, obs, e)
    if rules.mask:
        write_mask(state, fleet, settings, rules, mask, e)


@jit(inline=True)
def is_alive(fleet: Fleet, rules: Rules, e: Int, a: Int) -> Bool:
    """Return whether an agent still has something to do in this episode."""
    return rules.flow or (fleet.status[e, a] != ARRIVED and fleet.status[e, a] != CRASHED)


@jit(inner=True)
def settle(fleet: Fleet, rules: Rules, out: Out, e: Int) -> None:
    """Write who has finished, and whether the episode is over: all have, or time is up."""
    late = fleet.cycle[e] >= rules.max_cycles
    going = 0
    for a in range(fleet.slot.shape[1]):
        alive = is_alive(fleet, rules, e, a)
        out.terminated[e, a] = not alive and fleet.alive[e, a]
        out.truncated[e, a] = late and alive
        out.alive[e, a] = fleet.alive[e, a] = alive
        going += alive
    out.ended[e] = late or going == 0


@jit(inline=True)
def write_notes(state: EngineState, fleet: Fleet, settings: EngineSettings, out: Out, e: Int) -> None:
    """Write what the infos say of each agent."""
    for a in range(fleet.slot.shape[1]):
        trip = fleet.agent_trip[e, a]
        out.notes[e, a, 0] = fleet.status[e, a]
        out.notes[e, a, 1] = trip
        out.notes[e, a, 2] = trip_route(state, settings, e, trip) if trip != NONE else NONE
        out.notes[e, a, 3] = trip_due(state, settings, e, trip) if trip != NONE else NONE
        out.notes[e, a, 4] = fleet.fault[e, a]


@jit(inner=True)
def step_one(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, out: Out, e: Int) -> Bool:
    """Advance an environment by one decision; return whether its next episode begins."""
    command(state, fleet, settings, rules, e)
    if rules.share == NEIGHBOURS:
        note_homes(state, fleet, settings, rules, e)
    for left in range(rules.interval - 1, -1, -1):
        # Whom one follows matters at decisions; before, only that bumpers touch
        advance(state, fleet, settings, rules, e, rules.longest if left else np.inf)
    fleet.cycle[e] += 1
    note_queues(state, fleet, settings, rules, e)
    survey(state, fleet, settings, rules, e)
    pay(fleet, rules, out, e)
    settle(fleet, rules, out, e)
    write_notes(state, fleet, settings, out, e)
    begins = out.ended[e] and rules.autoreset != 0
    if begins:
        measure_one(state, fleet, settings, rules, out, e)
        see(state, fleet, settings, rules, out.final_obs, out.final_label, out.final_mask, e)
        for a in range(fleet.slot.shape[1]):
            out.alive[e, a] = True
    return begins


@jit
def play_range(table: Any, operation: Int, first: Int, last: Int) -> None:
    """Do an operation to the environments first..last-1."""
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    out = unpack(table, Out, OUT_AT)
    for e in range(first, last):
        begins = operation == RESET
        if operation == STEP:
            if e + 1 < last:
                prefetch_rows(state, fleet, e + 1)
            begins = step_one(state, fleet, settings, rules, out, e)
        if begins:
            begin(state, fleet, settings, rules, e)
        if operation in (STEP, OBSERVE):
            see(state, fleet, settings, rules, out.obs, out.label, out.mask, e)
        elif operation == MEASURE:
            measure_one(state, fleet, settings, rules, out, e)
        elif operation == DESCRIBE:
            global_state(state, fleet, settings, rules, out.global_state, e)
        if operation == OBSERVE:
            write_notes(state, fleet, settings, out, e)
            for a in range(fleet.slot.shape[1]):
                out.alive[e, a] = fleet.alive[e, a]
