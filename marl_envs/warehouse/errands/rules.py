"""The rules of one environment: moves under one of three collision rules, then tasks. LoRR's order within a step.

Source of the task rules: League of Robot Runners, Start-Kit v1.1.5 (2023: round robin) and v2.1.0 (2024: pool).
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.random import draw_below
from marl_envs.warehouse.battery import still_the_dead
from marl_envs.warehouse.conflicts import resolve, wants
from marl_envs.warehouse.congestion import note_refusals
from marl_envs.warehouse.errands.types import (
    ALL_WAIT,
    BLOCK,
    BLOCKED,
    COMPASS,
    EMPTY,
    FORWARD,
    MASKED,
    MOVED,
    OBSTACLE,
    STATION,
    STOPPED,
    SWAP,
    TURNED,
    VERTEX,
    WAIT,
    WAITED,
    WALL,
    Settings,
    State,
)


@jit(inline=True)
def place_robots(state: State, settings: Settings, e: Int) -> None:
    """Put every robot on its start, or on a free cell of those that starts are drawn from."""
    for c in range(settings.kind.shape[0]):
        state.robot_at[e, c] = EMPTY
    fixed = settings.starts.shape[0] > 0
    for a in range(state.pos.shape[1]):
        if fixed:
            cell = settings.starts[a]
        else:
            cell = settings.start_cells[draw_below(state.rng, e, settings.start_cells.shape[0])]
            while state.robot_at[e, cell] != EMPTY:
                cell = settings.start_cells[draw_below(state.rng, e, settings.start_cells.shape[0])]
        state.robot_at[e, cell] = np.int16(a)
        state.pos[e, a] = cell
        state.heading[e, a] = np.uint8(3)  # east, as LoRR starts
        if not fixed and settings.moves != COMPASS:
            state.heading[e, a] = np.uint8(draw_below(state.rng, e, 4))
        state.outcome[e, a] = WAITED
        for k in range(state.tally.shape[2]):
            state.tally[e, a, k] = 0


@jit(inline=True)
def decide(state: State, settings: Settings, e: Int) -> Bool:
    """Read the actions: turn, and write the cell each robot asks for; return whether one asked for an obstacle."""
    astray = False
    for a in range(state.pos.shape[1]):
        action = state.actions[e, a]
        heading: Int = state.heading[e, a]
        cell = np.int64(state.pos[e, a])
        if settings.moves == COMPASS:
            drives = action != WAIT
            heading = action - 1 if drives else heading
        else:
            drives = action == FORWARD
            heading = settings.turned[action, heading]
        ahead = cell + settings.ahead[heading]
        barred = drives & (settings.kind[ahead] == OBSTACLE)
        astray |= barred
        turns = heading != state.heading[e, a] and settings.moves != COMPASS
        state.outcome[e, a] = np.uint8(WALL if barred else (MOVED if drives else (TURNED if turns else WAITED)))
        state.heading[e, a] = np.uint8(heading)
        state.next[e, a] = np.uint32(ahead if drives and not barred else cell)
        state.tally[e, a, MASKED] += np.int32(barred)
    return astray


@jit(inline=True)
def settle_conflicts(state: State, settings: Settings, e: Int, astray: Bool) -> Bool:
    """Write who may enter the cell it asks for, and why not; return whether robots may have refused others."""
    if settings.collision == BLOCK:
        _block(state, e)
        return True
    crowded = resolve(state, e)
    if settings.collision == ALL_WAIT:
        stop = astray
        for a in range(state.pos.shape[1]):
            stop |= wants(state, e, a) and not state.go[e, a]
        if stop:
            _stop_all(state, settings, e)
    return crowded


@jit(inner=True)
def _stop_all(state: State, settings: Settings, e: Int) -> None:
    """Let everybody wait, turns included: what LoRR does with a joint action that has a conflict in it."""
    for a in range(state.pos.shape[1]):
        cell = state.next[e, a]
        if wants(state, e, a):
            if state.robot_at[e, cell] == a:
                state.robot_at[e, cell] = EMPTY  # a claim
            if state.go[e, a]:
                state.refusal[e, a] = STOPPED
            state.go[e, a] = 0
        elif state.outcome[e, a] == TURNED:
            action = state.actions[e, a]
            back = 5 - action  # the other turn
            state.heading[e, a] = settings.turned[back, state.heading[e, a]]
            state.outcome[e, a] = STOPPED


@jit(inner=True)
def _block(state: State, e: Int) -> None:
    """Refuse every cell that is occupied now or asked for twice (POGEMA's block_both)."""
    for a in range(state.pos.shape[1]):
        state.go[e, a] = 0
        if not wants(state, e, a):
            continue
        cell = state.next[e, a]
        b = state.robot_at[e, cell]
        if b == EMPTY:
            state.robot_at[e, cell] = np.int16(a)
            state.go[e, a] = 1
        elif state.pos[e, b] == cell:
            state.refusal[e, a] = SWAP if state.next[e, b] == state.pos[e, a] else BLOCKED
        else:
            state.go[e, b] = 0
            state.refusal[e, a] = state.refusal[e, b] = VERTEX
    for a in range(state.pos.shape[1]):
        if wants(state, e, a) and not state.go[e, a] and state.robot_at[e, state.next[e, a]] == a:
            state.robot_at[e, state.next[e, a]] = EMPTY


@jit(inline=True)
def drive(state: State, e: Int) -> None:
    """Carry out the moves, and count how every robot spent its step."""
    for a in range(state.pos.shape[1]):
        if wants(state, e, a):
            if state.go[e, a]:
                old, new = state.pos[e, a], state.next[e, a]
                if state.robot_at[e, old] == a:  # it may already belong to the robot that follows
                    state.robot_at[e, old] = EMPTY
                state.robot_at[e, new] = np.int16(a)
                state.pos[e, a] = new
            else:
                state.outcome[e, a] = state.refusal[e, a]
        state.tally[e, a, state.outcome[e, a]] += np.int32(1)


@jit(inline=True)
def move_robots(state: State, settings: Settings, e: Int) -> None:
    """Carry out one step's moves."""
    still_the_dead(state, e)
    astray = decide(state, settings, e)
    crowded = settle_conflicts(state, settings, e, astray)
    drive(state, e)
    state.step[e] += 1
    if crowded:
        note_refusals(state, settings, e, STATION)
