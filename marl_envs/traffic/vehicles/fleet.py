"""Agents and their vehicles: who gets which trip, what an action means, crashes and wrecks, arrivals."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from, find_leaders
from marl_envs.traffic.engine.lists import remove
from marl_envs.traffic.engine.types import (
    AHEAD,
    ASLEEP,
    AWAKE,
    BEHIND,
    BLOCKER,
    DRIVEN,
    EXIT,
    FOE,
    HEAD,
    LEADER,
    MODE,
)
from marl_envs.traffic.vehicles.lookout import walk_level
from marl_envs.traffic.vehicles.motion import stop_level, stopping
from marl_envs.traffic.vehicles.turning import leader_after_turn, take_turn, turn_place
from marl_envs.traffic.vehicles.types import (
    ANYONE,
    ARRIVAL,
    ARRIVED,
    BACKGROUND,
    COLLISION,
    CRASHED,
    DIS,
    DRAC,
    DRIVING,
    HARD_BRAKE,
    IDLE,
    KEEP,
    KIND,
    MASKED,
    NO_AGENT,
    NO_FAULT,
    NONE,
    NUM_ACTIONS,
    OWN_FAULT,
    PET,
    PLACE,
    REMOVED,
    REWARD_TERMS,
    SPEED,
    TTC,
    WAITING,
    WRECKS,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)


@jit(inner=True)
def start_fleet(state: EngineState, fleet: Fleet, rules: Rules, e: Int) -> None:
    """Begin an episode: no vehicles yet, all agents wait for their trips."""
    fleet.cycle[e] = fleet.crashed[e] = fleet.still[e] = fleet.queue_max[e] = fleet.ruled[e] = 0
    fleet.queue_sum[e] = 0
    for c in range(fleet.counts.shape[1]):
        fleet.counts[e, c] = 0
    for c in range(fleet.total.shape[1]):
        fleet.total[e, c] = 0.0
    for a in range(fleet.slot.shape[1]):
        fleet.slot[e, a] = fleet.agent_trip[e, a] = fleet.fault[e, a] = NONE
        fleet.status[e, a] = IDLE if rules.flow else WAITING
        fleet.alive[e, a] = True
        fleet.home[e, a] = NONE
    for v in range(fleet.agent.shape[1]):
        fleet.agent[e, v] = fleet.clear_at[e, v] = fleet.link[e, v] = NONE
    for z in range(fleet.left_at.shape[1]):
        fleet.left_at[e, z] = -np.inf
    for t in range(fleet.owner.shape[1]):
        for c in range(3):
            fleet.trip_sum[e, t, c] = np.float32(0.0)
        fleet.trip_worst[e, t, TTC] = fleet.trip_worst[e, t, PET] = np.float32(np.inf)
        fleet.trip_worst[e, t, DRAC] = np.float32(0.0)
        if fleet.owner[e, t] >= 0:
            fleet.agent_trip[e, fleet.owner[e, t]] = t


@jit(inline=True)
def leader_of(state: EngineState, settings: EngineSettings, e: Int, v: Int) -> Any:
    """Return whom `v` follows, and the gap to it [m]; NONE: nobody in sight."""
    u = state.vehicle[e, v, AHEAD]
    if u != NONE:
        return u, state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]
    d = state.vehicle[e, v, PLACE]
    return state.on[e, d, LEADER], state.gap[e, d]


@jit(inline=True)
def leader_level(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int) -> Int:
    """Return the fastest action of `v` after which it stops behind the vehicle ahead if that brakes as it can.

    As `stop_level`; 0 if there is nobody in sight.
    """
    u, gap = leader_of(state, settings, e, v)
    return level_behind(state, settings, rules, e, v, u, gap)


@jit(inline=True)
def level_behind(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, u: Int, gap: Real) -> Int:
    """Return the same behind `u` at `gap` [m]; `u` may be NONE."""
    if u == NONE or gap > rules.reach:
        return np.int64(0)
    speed = state.motion[e, u, SPEED]
    room = gap + speed * speed / (2.0 * settings.hard[state.vehicle[e, u, KIND]])
    return stop_level(settings, rules, state.motion[e, v, SPEED], room)


@jit(inline=True)
def is_allowed(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, a: Int, action: Int
) -> Bool:
    """Return whether the mask allows an action."""
    if fleet.status[e, a] != DRIVING:
        return action == KEEP
    v, place = fleet.slot[e, a], NONE
    if action >= NUM_ACTIONS:
        place = turn_place(state, settings, rules, e, v, action - NUM_ACTIONS)
        if place == NONE:
            return False
        action = KEEP
    if not rules.mask_unsafe:
        return True
    level = leader_level(state, settings, rules, e, v)
    if place != NONE and state.vehicle[e, v, AHEAD] == NONE:
        u, gap = leader_after_turn(state, settings, e, v, place)
        level = level_behind(state, settings, rules, e, v, u, gap)
    if rules.crosswalks:
        level = max(level, _walk_level_on(state, fleet, settings, rules, e, v, place))
    return (1, 0, 2, 3)[action] >= min(level, 3)


@jit(inline=True)
def _walk_level_on(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, place: Int
) -> Int:
    """Return `walk_level` of `v` on the way from `place` on; NONE: on the way that it has."""
    link = state.vehicle[e, v, EXIT]
    if place != NONE:
        state.vehicle[e, v, EXIT] = exit_from(settings, state.vehicle[e, v, PLACE], place)
    level = walk_level(state, fleet, settings, rules, e, v, place != NONE)
    state.vehicle[e, v, EXIT] = link
    return level


@jit(inner=True)
def command(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Read what the agents' actions ask for; one that the mask forbids is counted, and keeps the speed or brakes."""
    for a in range(fleet.slot.shape[1]):
        for t in range(len(REWARD_TERMS)):  # known beforehand: two vectors
            fleet.term[e, a, t] = 0.0
        if fleet.status[e, a] == DRIVING:
            state.vehicle[e, fleet.slot[e, a], MODE] = DRIVEN
        if rules.continuous:
            fleet.wish[e, a] = fleet.controls[e, a]
            continue
        action = fleet.actions[e, a]
        if not is_allowed(state, fleet, settings, rules, e, a, action):
            fleet.counts[e, MASKED] += fleet.status[e, a] == DRIVING
            action = KEEP if is_allowed(state, fleet, settings, rules, e, a, KEEP) else HARD_BRAKE
        if action >= NUM_ACTIONS:
            take_turn(state, fleet, settings, rules, e, a, action - NUM_ACTIONS)
        fleet.wish[e, a] = rules.levels[action]


@jit(inline=True)
def _hold_back(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int) -> None:
    """Let `v`, which was just inserted, be so slow that an agent can stop behind the vehicle ahead, last step included.

    The engine's vehicles need a little less, as they stop within a step.
    """
    u = state.vehicle[e, v, AHEAD]
    if u != NONE:
        gap = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]
        lead, brake = state.motion[e, u, SPEED], rules.hard_brake
        room = gap + lead * lead / (2.0 * settings.hard[state.vehicle[e, u, KIND]]) - stopping(rules, 0.0, settings.dt)
        state.motion[e, v, SPEED] = min(state.motion[e, v, SPEED], np.sqrt(2.0 * brake * max(room, 0.0)))


@jit(inner=True)
def board(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, free_before: Int) -> None:
    """Find drivers for the vehicles that were just inserted: there were `free_before` free slots before that.

    The engine drives them up to their agents' first decisions.
    """
    fleet.ruled[e] += free_before - state.num_free[e]
    for i in range(state.num_free[e], free_before):
        v = state.free[e, i]
        fleet.agent[e, v] = fleet.clear_at[e, v] = fleet.link[e, v] = NONE
        fleet.old_speed[e, v] = state.motion[e, v, SPEED]
        fleet.old_pull[e, v] = 0.0
        trip = state.trip[e, v]
        a = fleet.owner[e, trip]
        if a == NONE:
            fleet.counts[e, BACKGROUND] += 1
            continue
        if a == ANYONE:
            a = _free_agent(fleet, e)
            if a == NONE:  # nothing is dropped: the engine drives it
                fleet.counts[e, NO_AGENT] += 1
                continue
        _hold_back(state, settings, rules, e, v)
        fleet.old_speed[e, v] = state.motion[e, v, SPEED]
        fleet.agent[e, v] = a
        fleet.slot[e, a], fleet.agent_trip[e, a] = v, trip
        fleet.status[e, a] = DRIVING


@jit(inline=True)
def _free_agent(fleet: Fleet, e: Int) -> Int:
    """Return the first agent without a trip, or NONE."""
    for a in range(fleet.slot.shape[1]):
        if fleet.status[e, a] == IDLE:
            return a
    return NONE


@jit(inner=True)
def note_arrivals(state: EngineState, fleet: Fleet, rules: Rules, e: Int) -> None:
    """Set free the agents whose trips ended in the last step."""
    for a in range(fleet.slot.shape[1]):
        if fleet.status[e, a] == DRIVING and state.trip_finished[e, fleet.agent_trip[e, a]] != NONE:
            fleet.term[e, a, ARRIVAL] = 1.0
            _let_go(fleet, rules, e, a, ARRIVED)


@jit(inline=True)
def _let_go(fleet: Fleet, rules: Rules, e: Int, a: Int, status: Int) -> None:
    """Let an agent's trip be over."""
    fleet.slot[e, a] = NONE
    fleet.status[e, a] = IDLE if rules.flow else status
    if rules.flow:
        fleet.agent_trip[e, a] = NONE


@jit(inner=True)
def crash(state: EngineState, fleet: Fleet, rules: Rules, e: Int, v: Int, guilty: Int) -> None:
    """Let a vehicle stop where it is, as an obstacle; `guilty`: whether it had to give way."""
    if fleet.clear_at[e, v] != NONE:
        return
    fleet.clear_at[e, v] = state.step[e] + rules.clear
    fleet.crashed[e] += 1
    fleet.counts[e, WRECKS] += 1
    state.motion[e, v, SPEED] = state.told[e, v] = 0.0
    state.vehicle[e, v, MODE] = DRIVEN
    a = fleet.agent[e, v]
    if a != NONE:
        fleet.fault[e, a] = OWN_FAULT if guilty else NO_FAULT
        fleet.term[e, a, COLLISION] = -1.0
        fleet.status[e, a] = CRASHED
        if not rules.flow:  # its trip is over; the wreck stays
            fleet.slot[e, a] = fleet.agent[e, v] = NONE


@jit(inner=True)
def clear_wrecks(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Remove the crashed vehicles whose time is over."""
    if fleet.crashed[e] == 0:
        return
    removed = 0
    for v in range(fleet.agent.shape[1]):
        if (
            state.vehicle[e, v, PLACE] != NONE
            and fleet.clear_at[e, v] != NONE
            and state.step[e] >= fleet.clear_at[e, v]
        ):
            _remove_one(state, fleet, settings, rules, e, v)
            removed += 1
    if removed == 0:
        return
    fleet.crashed[e] -= removed
    find_leaders(state, settings, e, np.inf)
    for i in range(state.num_active[e]):  # nobody waits for what is gone
        v = state.on[e, state.active[e, i], HEAD]
        while v != NONE:
            for c in (BLOCKER, FOE):
                if state.vehicle[e, v, c] != NONE and state.vehicle[e, state.vehicle[e, v, c], PLACE] == NONE:
                    state.vehicle[e, v, c] = NONE
            if state.vehicle[e, v, MODE] == ASLEEP:
                state.vehicle[e, v, MODE] = AWAKE
            v = state.vehicle[e, v, BEHIND]


@jit(inner=True)
def _remove_one(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int) -> None:
    """Take a wreck away and free its slot; its trip has not been finished."""
    remove(state, settings, e, state.vehicle[e, v, PLACE], v)
    state.vehicle[e, v, PLACE] = NONE
    state.free[e, state.num_free[e]] = v
    state.num_free[e] += 1
    fleet.counts[e, REMOVED] += 1
    a = fleet.agent[e, v]
    if a != NONE:
        _let_go(fleet, rules, e, a, CRASHED)
        fleet.agent[e, v] = NONE
    fleet.clear_at[e, v] = NONE
