"""Signals and counts where another simulation drives the vehicles: what `signals/batch.py` does around a step.

There is one environment. `record` fills the engine's state as its own step would leave it, as far as anything else
reads it; the vehicles of a drivable are in any order, and each trip has the slot of its own number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.core.pack import unpack
from marl_envs.traffic.engine.batch import clear_one
from marl_envs.traffic.engine.lists import append
from marl_envs.traffic.engine.types import COUNT, CROSSING, DIS, HEAD, LISTED, NONE, PLACE, SPEED, TAIL
from marl_envs.traffic.signals.batch import CONTROL_AT, OUT_AT, RULES_AT, SETTINGS_AT, see, settle
from marl_envs.traffic.signals.control import after_step, before_step, decide, start_signals, take_turns
from marl_envs.traffic.signals.metrics import measure_one
from marl_envs.traffic.signals.rewards import remember
from marl_envs.traffic.signals.types import STANDING, Control, EngineSettings, EngineState, Rules
from marl_envs.traffic.signals.watch import forget, meet, note_step, note_vehicle, survey

E = 0  # the only environment


@jit
def clear(table: Any, green: Int) -> None:
    """Begin an episode: empty roads, the first phases green (before a warm-up any, for up to `green` steps)."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    state.demand[E] = 0
    clear_one(state, settings, E)
    forget(control, E)
    start_signals(state, control, rules, E, green)


@jit
def turn(table: Any, green: Int) -> None:
    """Let signals that have been green for `green` steps change, in a warm-up."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    take_turns(state, control, unpack(table, Rules, RULES_AT), E, green)


@jit
def start(table: Any) -> None:
    """Keep what the first rewards are differences from."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    survey(state, control, settings, rules, E)
    remember(state, control, rules, E)


@jit
def act(table: Any) -> None:
    """Carry out the actions."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    decide(state, control, unpack(table, Rules, RULES_AT), E)


@jit
def prepare(table: Any) -> None:
    """Say which phases the coming step shows."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    before_step(state, control, unpack(table, Rules, RULES_AT), E)


@jit(inner=True)
def _empty_lists(state: EngineState) -> None:
    for i in range(state.num_active[E]):
        d = state.active[E, i]
        state.on[E, d, HEAD] = state.on[E, d, TAIL] = NONE
        state.on[E, d, COUNT] = state.on[E, d, LISTED] = 0
    state.num_active[E] = 0
    for lane in range(state.first_waiting.shape[1]):
        state.on[E, lane, CROSSING] = 0
        state.first_waiting[E, lane] = state.last_waiting[E, lane] = NONE


@jit
def record(table: Any, lane_road: Any, who: Any, place: Any, motion: Any, waiting: Any, door: Any) -> None:
    """Take over where everyone is after a step, and count what they did in it.

    Args:
        table: of State, Settings and Out.
        lane_road: int32 [L] road of each lane.
        who: int32 [n, 2] trips that drive; 1 for those that have only just begun and did not move yet.
        place: int32 [n] drivables.
        motion: float64 [n, 3] place on the drivable [m], speed and allowed speed [m/s].
        waiting: int32 [w] trips that wait outside, in order.
        door: int32 [w] the lanes that they wait for.
    """
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    _empty_lists(state)
    for i in range(who.shape[0]):
        v = who[i, 0]
        state.trip[E, v] = v
        state.vehicle[E, v, PLACE] = place[i]
        state.motion[E, v, DIS], state.motion[E, v, SPEED] = motion[i, 0], motion[i, 1]
        append(state, settings, E, place[i], v)
    for i in range(waiting.shape[0]):
        trip, lane = waiting[i], door[i]
        state.next_waiting[E, trip] = NONE
        if state.first_waiting[E, lane] == NONE:
            state.first_waiting[E, lane] = trip
        else:
            state.next_waiting[E, state.last_waiting[E, lane]] = trip
        state.last_waiting[E, lane] = trip
    state.num_free[E] = state.free.shape[1] - who.shape[0]
    state.step[E] += 1
    after_step(control, rules, E)
    _note(state, control, settings, lane_road, who, place, motion)


@jit(inner=True)
def _note(
    state: EngineState, control: Control, settings: EngineSettings, lane_road: Any, who: Any, place: Any, motion: Any
) -> None:
    moving, lanes = np.int64(0), lane_road.shape[0]
    gas = distance = 0.0
    for i in range(who.shape[0]):
        v, d, speed = who[i, 0], place[i], motion[i, 1]
        if who[i, 1]:
            meet(control, E, v, v, d)
            control.seen_speed[E, v] = speed
        else:
            before = control.seen_place[E, v]
            if before < lanes and d < lanes and lane_road[before] == lane_road[d]:
                control.seen_place[E, v] = d  # it changed its lane: it waits on, and has not passed the stop line
            gas += note_vehicle(state, control, settings, E, v, d, motion[i, 2])
        moving += speed >= STANDING
        distance += speed
    note_step(control, settings, E, np.int64(who.shape[0]), moving, gas, distance)


@jit
def conclude(table: Any) -> None:
    """Take stock at the end of a decision; write rewards, observation and mask, and at the end the metrics."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    out = unpack(table, Out, OUT_AT)
    if settle(state, control, settings, rules, out, E):
        measure_one(state, control, settings, rules, out, E)
        see(state, control, settings, rules, out.final_obs, out.final_label, out.final_mask, E)
    see(state, control, settings, rules, out.obs, out.label, out.mask, E)
