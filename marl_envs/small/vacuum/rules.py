"""The rules of the apartment. Robots act at once; rooms hold any number of them.

The essay gives illustrative rewards only; these are the smallest rules found under which all of its values (5, 4, 1)
are exact: a bonus for a clean apartment, and a charge that ends (docs/small.md).
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.out import Out
from marl_envs.small.vacuum.types import (
    BONUS,
    CLASHES,
    CLEANED,
    CLEANING,
    DOCK,
    DOCKED,
    DOCKING,
    DRIVING,
    LIVING_ROOM,
    MASKED,
    STRAND,
    STRANDED,
    WAITS,
    WASTED,
    WASTES,
    Settings,
    State,
)


@jit(inline=True)
def begin(state: State, settings: Settings, e: Int) -> None:
    """Start an episode: full batteries, everybody in the living room."""
    state.step[e] = 0
    state.over[e] = 0
    state.total[e] = 0.0
    for a in range(state.room.shape[1]):
        state.room[e, a] = LIVING_ROOM
        state.charge[e, a] = np.int32(settings.capacity)
        state.fate[e, a] = DRIVING
    for r in range(state.dirty.shape[1]):
        state.dirty[e, r] = np.uint8(settings.dirt[r] > 0)
        state.entered[e, r] = 0
    for k in range(state.tally.shape[1]):
        state.tally[e, k] = 0


@jit(inline=True)
def may(state: State, settings: Settings, e: Int, a: Int, action: Int) -> Bool:
    """Return whether robot `a` may do that: pass a door, dock, or wait (if alone, only once its charge is used up)."""
    room = state.room[e, a]
    if state.charge[e, a] == 0:
        return action == room
    if action == DOCK:
        return True
    return settings.may_wait == 1 if action == room else settings.door[room, action] == 1


@jit(inline=True)
def act(state: State, settings: Settings, out: Out, e: Int) -> Bool:
    """Carry out the actions; return whether the episode is finished."""
    state.step[e] += 1
    for r in range(state.entered.shape[1]):
        state.entered[e, r] = 0
    for a in range(state.room.shape[1]):
        for t in range(out.terms.shape[2]):
            out.terms[e, a, t] = 0
        _drive(state, settings, out, e, a)
    for r in range(state.entered.shape[1]):
        state.tally[e, CLASHES] += max(state.entered[e, r] - 1, 0)
    return _conclude(state, settings, out, e)


@jit(inline=True)
def _drive(state: State, settings: Settings, out: Out, e: Int, a: Int) -> None:
    """Carry out one robot's action. What is not possible is a wait, which takes energy, too.

    Of several robots that enter a dirty room together the one with the lowest index cleans; the others find it clean.
    """
    room, action = state.room[e, a], state.actions[e, a]
    if not may(state, settings, e, a, action):
        state.tally[e, MASKED] += 1
        action = room
    if state.charge[e, a] == 0:
        return
    if action == DOCK:
        state.fate[e, a], state.charge[e, a] = DOCKING, 0
        return
    state.charge[e, a] -= 1
    if action == room:
        state.tally[e, WAITS] += 1
        return
    state.room[e, a] = action
    state.entered[e, action] += 1
    if state.dirty[e, action]:
        state.dirty[e, action] = 0
        out.terms[e, a, CLEANING] = settings.dirt[action]
        state.tally[e, CLEANED] += 1
    else:
        out.terms[e, a, WASTED] = np.float32(settings.wasted)
        state.tally[e, WASTES] += 1


@jit(inline=True)
def is_clean(state: State, e: Int) -> Bool:
    """Return whether nothing dirty is left."""
    left = 0
    for r in range(state.dirty.shape[1]):
        left += state.dirty[e, r]
    return left == 0


@jit(inline=True)
def _conclude(state: State, settings: Settings, out: Out, e: Int) -> Bool:
    """Pay for what the step has brought to an end; return whether the episode is finished."""
    clean, charged = is_clean(state, e), 0
    for a in range(state.room.shape[1]):
        charged += state.charge[e, a]
        if settings.docks:
            if state.fate[e, a] == DOCKING:
                state.fate[e, a] = DOCKED
                out.terms[e, a, BONUS] = np.float32(settings.bonus if clean else 0.0)
            elif state.charge[e, a] == 0 and state.fate[e, a] == DRIVING:
                state.fate[e, a] = STRANDED
                out.terms[e, a, STRAND] = np.float32(settings.stranded)
        elif clean:
            out.terms[e, a, BONUS] = np.float32(settings.bonus)
    return charged == 0 if settings.docks else clean | (charged == 0)
