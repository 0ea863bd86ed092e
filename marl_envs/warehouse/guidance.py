"""Where each robot should go: targets by nearest-first assignment, the turn or move that brings it nearer, potential.

This is what the observations "goal", "tabular" and "tabular_push", the planners and the shaping reward know beyond
RWARE's own observation: a central assignment and shortest paths that ignore the other robots.
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.warehouse.battery import is_dead, is_sent
from marl_envs.warehouse.charging import guide_to_charger, head_for_charger
from marl_envs.warehouse.types import (
    AHEAD_BIT,
    CHARGE,
    EMPTY,
    FETCH,
    FORWARD,
    IDLE,
    LEFT_BIT,
    NOOP,
    OUTSIDE,
    RETURN,
    RIGHT_BIT,
    TO_GOAL,
    TOGGLE,
    TURN_LEFT,
    TURN_RIGHT,
    UNREACHABLE,
    Settings,
    State,
)


@jit(inner=True)
def guide_robots(state: State, settings: Settings, e: Int) -> None:
    """Give every robot its phase, target, distance, guide bits and potential."""
    fetching = returning = 0
    for a in range(state.pos.shape[1]):
        s = state.load[e, a]
        state.target[e, a] = 0
        state.steps_to[e, a] = UNREACHABLE
        if is_dead(state, e, a) or is_sent(state, e, a):
            head_for_charger(state, settings, e, a)
        elif s == EMPTY:
            state.phase[e, a] = FETCH
            fetching += 1
        elif state.requested[e, s] and (settings.pay_again or not state.has_delivered[e, a]):
            here = np.int64(state.pos[e, a]) * 4 + state.heading[e, a]
            state.phase[e, a] = TO_GOAL
            state.target[e, a] = settings.nearest_goal[here]
            state.steps_to[e, a] = settings.goal_steps[here]
        else:
            state.phase[e, a] = RETURN
            returning += 1
    if fetching:
        _assign(state, settings, e, FETCH, fetching)
    if returning:
        _assign(state, settings, e, RETURN, returning)
    for a in range(state.pos.shape[1]):
        if state.target[e, a] == 0 and state.phase[e, a] == FETCH:
            state.phase[e, a] = IDLE
        state.guide[e, a] = _guide(state, settings, e, a)
        state.potential[e, a] = np.float32(settings.shaping_weight * _potential(state, settings, e, a))


@jit(inline=True)
def _candidate(state: State, e: Int, phase: Int, i: Int) -> Int:
    """Return the cell of candidate `i`, or 0: a standing requested shelf (FETCH) or an empty home (RETURN).

    Nothing that a dead robot stands on is one.
    """
    s = state.queue[e, i] if phase == FETCH else EMPTY
    cell = np.int64(state.shelf_pos[e, s] if phase == FETCH else state.gap[e, i])
    a = state.robot_at[e, cell]
    carried = phase == FETCH and a != EMPTY and state.load[e, a] == s
    return 0 if carried or (a != EMPTY and is_dead(state, e, a)) else cell


@jit(inline=True)
def _steps(state: State, settings: Settings, e: Int, a: Int, phase: Int, cell: Int) -> Int:
    """Return the distance of robot `a` to the home in `cell`."""
    here = np.int64(state.pos[e, a]) * 4 + state.heading[e, a]
    home = settings.home_index[cell]
    return settings.laden_steps[home, here] if phase == RETURN else settings.free_steps[home, here]


@jit(inline=True)
def _choose(state: State, settings: Settings, e: Int, a: Int, phase: Int, candidates: Int) -> None:
    """Let robot `a` prefer the nearest candidate that is not taken (ties: the first)."""
    state.choice[e, a] = EMPTY
    state.steps_to[e, a] = UNREACHABLE
    for i in range(candidates):
        cell = _candidate(state, e, phase, i)
        if cell and not state.taken[e, i]:
            steps = _steps(state, settings, e, a, phase, cell)
            if steps < state.steps_to[e, a]:
                state.steps_to[e, a] = steps
                state.choice[e, a] = np.int16(i)


@jit(inner=True)
def _assign(state: State, settings: Settings, e: Int, phase: Int, robots: Int) -> None:
    """Match robots in `phase` to candidates, the nearest pair first (ties: lowest robot, then first candidate)."""
    candidates = state.pos.shape[1] if phase == RETURN else state.queue.shape[1]
    for i in range(candidates):
        state.taken[e, i] = 0
    for a in range(state.pos.shape[1]):
        if state.phase[e, a] == phase:
            _choose(state, settings, e, a, phase, candidates)
    for _ in range(robots):
        best = EMPTY
        for a in range(state.pos.shape[1]):
            open_choice = state.phase[e, a] == phase and state.target[e, a] == 0 and state.choice[e, a] != EMPTY
            if open_choice and (best == EMPTY or state.steps_to[e, a] < state.steps_to[e, best]):
                best = a
        if best == EMPTY:
            return
        chosen = state.choice[e, best]
        state.taken[e, chosen] = 1
        state.target[e, best] = np.uint32(_candidate(state, e, phase, chosen))
        for a in range(state.pos.shape[1]):
            if state.phase[e, a] == phase and state.target[e, a] == 0 and state.choice[e, a] == chosen:
                _choose(state, settings, e, a, phase, candidates)


@jit(inline=True)
def _guide(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return which of forward, left, right bring robot `a` nearer to its target, as bits."""
    if state.target[e, a] == 0:
        return np.uint8(0)
    here = np.int64(state.pos[e, a]) * 4 + state.heading[e, a]
    if state.phase[e, a] == TO_GOAL:
        return settings.goal_guide[here]
    if state.phase[e, a] == CHARGE:
        return guide_to_charger(state, settings, e, a, here)
    home = settings.home_index[state.target[e, a]]
    return settings.laden_guide[home, here] if state.phase[e, a] == RETURN else settings.free_guide[home, here]


@jit(inline=True)
def _potential(state: State, settings: Settings, e: Int, a: Int) -> Real:
    """Return robot `a`'s progress in its round, in [0, 1]: put back (lowest third), fetch, carry to the goal (highest).

    On the way of a shelf from its home to a goal and back it falls only where the delivery is paid. It also falls where
    another robot takes a target over, or nothing is left to fetch (an idle robot has 0). On the way to a charging cell
    a robot stays in the third of what it carries.
    """
    if state.phase[e, a] == IDLE or settings.shaping_weight == 0.0:
        return 0.0
    near = 1.0 - min(np.float64(state.steps_to[e, a]), settings.longest) / settings.longest
    if state.phase[e, a] == RETURN:
        return near / 3.0
    if state.phase[e, a] == CHARGE:
        return (near + _third(state, settings, e, a)) / 3.0
    return (near + (2.0 if state.phase[e, a] == TO_GOAL else 1.0)) / 3.0


@jit(inline=True)
def _third(state: State, settings: Settings, e: Int, a: Int) -> Real:
    """Return 2 if robot `a` carries a shelf to be delivered, 1 if none, 0 if one to be put back."""
    s = state.load[e, a]
    if s == EMPTY:
        return 1.0
    return 2.0 if state.requested[e, s] and (settings.pay_again or not state.has_delivered[e, a]) else 0.0


@jit(inline=True)
def barred(state: State, settings: Settings, e: Int, a: Int, cell: Int) -> Bool:
    """Return whether robot `a` can't enter the cell whatever the others do: RWARE's rule, as in rules.obstacle."""
    if settings.kind[cell] == OUTSIDE:
        return True
    b = state.robot_at[e, cell]
    standing = state.shelf_at[e, cell] != EMPTY and (b == EMPTY or state.load[e, b] == EMPTY)
    return state.load[e, a] != EMPTY and standing


@jit(inline=True)
def rank(state: State, e: Int, a: Int) -> Int:
    """Return the priority of robot `a`'s errand: to a goal or a charging cell 3, putting back 2, fetching 1, idle 0."""
    phase = state.phase[e, a]
    if phase == CHARGE:
        return 3 if state.target[e, a] else 0
    return 3 if phase == TO_GOAL else (2 if phase == RETURN else (1 if phase == FETCH else 0))


@jit(inline=True)
def shortest_move(state: State, e: Int, a: Int) -> Int:
    """Return the action that follows robot `a`'s shortest path: forward if it helps, else a turn, TOGGLE when there."""
    if state.target[e, a] == 0:
        return NOOP
    if state.target[e, a] == state.pos[e, a]:
        return NOOP if state.phase[e, a] == TO_GOAL or state.phase[e, a] == CHARGE else TOGGLE
    bits = state.guide[e, a]
    if bits & AHEAD_BIT:
        return FORWARD
    if bits & LEFT_BIT:
        return TURN_LEFT
    return TURN_RIGHT if bits & RIGHT_BIT else NOOP
