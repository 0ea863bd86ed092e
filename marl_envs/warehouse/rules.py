"""The rules of one environment: RWARE 2.0.0, in its order. No allocation, no exception, no Python object."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.out import Out
from marl_envs.core.random import draw_below
from marl_envs.warehouse.battery import fill_batteries, still_the_dead
from marl_envs.warehouse.charging import run_batteries
from marl_envs.warehouse.conflicts import resolve
from marl_envs.warehouse.congestion import note_refusals
from marl_envs.warehouse.counting import start_counting
from marl_envs.warehouse.metrics import note_delivery, note_loading, note_put_back, note_request
from marl_envs.warehouse.types import (
    DELIVERED,
    DELIVERY,
    EMPTY,
    FORWARD,
    GOAL_CELL,
    HOME_CELL,
    LADEN,
    MASKED,
    NOOP,
    NUM_MOVES,
    OUTSIDE,
    PUT_BACK,
    SHELF,
    TOGGLE,
    WAITED,
    WALL,
    Settings,
    State,
)


@jit(inner=True)
def reset_one(state: State, settings: Settings, e: Int) -> None:
    """Start an episode: shelves at home, robots on any cells, a fresh queue, all drawn without replacement."""
    state.step[e] = 0
    state.quiet[e] = 0
    state.service[e] = 0
    state.idle[e] = 0
    state.total[e] = 0.0
    start_counting(state, e)
    for c in range(settings.kind.shape[0]):
        state.robot_at[e, c] = EMPTY
        state.shelf_at[e, c] = EMPTY
    for s in range(state.shelf_pos.shape[1]):
        state.shelf_pos[e, s] = settings.homes[s]
        state.shelf_at[e, settings.homes[s]] = np.int16(s)
        state.requested[e, s] = 0
    for a in range(state.pos.shape[1]):
        _place(state, settings, e, a)
    state.standing[e] = state.queue.shape[1]
    for q in range(state.queue.shape[1]):
        _request(state, e, q)
    for c in range(settings.kind.shape[0]):
        refresh(state, settings, e, c)
    fill_batteries(state, settings, e)


@jit(inline=True)
def _place(state: State, settings: Settings, e: Int, a: Int) -> None:
    """Put robot `a`, empty-handed, on a free cell with any heading."""
    cell = settings.inside[draw_below(state.rng, e, settings.inside.shape[0])]
    while state.robot_at[e, cell] != EMPTY:
        cell = settings.inside[draw_below(state.rng, e, settings.inside.shape[0])]
    state.robot_at[e, cell] = np.int16(a)
    state.pos[e, a] = cell
    state.heading[e, a] = np.uint8(draw_below(state.rng, e, 4))
    state.load[e, a] = EMPTY
    state.message[e, a] = 0
    state.has_delivered[e, a] = 0
    state.gap[e, a] = 0
    state.outcome[e, a] = WAITED
    for k in range(state.tally.shape[2]):
        state.tally[e, a, k] = 0


@jit(inline=True)
def _request(state: State, e: Int, q: Int) -> None:
    """Fill place `q` of the queue with a shelf that is not in it."""
    shelf = draw_below(state.rng, e, state.shelf_pos.shape[1])
    while state.requested[e, shelf]:
        shelf = draw_below(state.rng, e, state.shelf_pos.shape[1])
    state.requested[e, shelf] = 1
    state.queue[e, q] = np.int16(shelf)
    state.released[e, q] = state.step[e]


@jit(inline=True)
def refresh(state: State, settings: Settings, e: Int, cell: Int) -> None:
    """Bring the look of a cell up to date: robot (with heading and message) x shelf (none, any, requested)."""
    a, s = state.robot_at[e, cell], state.shelf_at[e, cell]
    look: Int = 0
    if a != EMPTY:
        look = 3 * (1 + (np.int64(state.heading[e, a]) << settings.message_bits) + np.int64(state.message[e, a]))
    if s != EMPTY:
        look += 1 + np.int64(state.requested[e, s])
    state.look[e, cell] = np.uint16(look)


@jit(inline=True)
def obstacle(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return what keeps robot `a` from driving ahead whatever the others do: WALL, SHELF or 0.

    A loaded robot can't enter a cell with a shelf, unless another loaded robot carries that shelf (and may leave).
    """
    cell = np.int64(state.pos[e, a]) + settings.ahead[state.heading[e, a]]
    if state.load[e, a] != EMPTY and state.shelf_at[e, cell] != EMPTY:
        b = state.robot_at[e, cell]
        if b == EMPTY or state.load[e, b] == EMPTY:
            return SHELF
    return WALL if settings.kind[cell] == OUTSIDE else 0


@jit(inline=True)
def can_toggle(state: State, settings: Settings, e: Int, a: Int) -> Bool:
    """Return whether robot `a` can load the shelf in its cell, or put its shelf down here."""
    cell = state.pos[e, a]
    shelf, home = state.shelf_at[e, cell] != EMPTY, settings.kind[cell] == HOME_CELL
    return shelf if state.load[e, a] == EMPTY else home


@jit(inline=True)
def decide(state: State, settings: Settings, e: Int) -> None:
    """Read the actions: `doing` is the move that can take effect, `next` the cell that the robot asks for.

    Actions are hard to predict, so most choices here are made by arithmetic and tables instead of branches.
    """
    for a in range(state.pos.shape[1]):
        move: Int = state.actions[e, a]
        if settings.message_bits:
            state.message[e, a] = np.int16(move // NUM_MOVES)
            move = move % NUM_MOVES
        hindrance = obstacle(state, settings, e, a)
        refused = (move == FORWARD) & (hindrance != 0)
        void = refused | ((move == TOGGLE) & (not can_toggle(state, settings, e, a)))
        move = NOOP if void else move
        cell = np.int64(state.pos[e, a])
        ahead = cell + settings.ahead[state.heading[e, a]]
        state.next[e, a] = np.uint32(ahead if move == FORWARD else cell)
        state.doing[e, a] = np.uint8(move)
        state.outcome[e, a] = np.uint8(hindrance) if refused else settings.outcome_of[move]
        state.tally[e, a, MASKED] += np.int32(void)


@jit(inline=True)
def act(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Carry out every robot's move, in robot order, and count how its step was spent."""
    for a in range(state.pos.shape[1]):
        for t in range(out.terms.shape[2]):
            out.terms[e, a, t] = np.float32(0.0)
        move = state.doing[e, a]
        state.heading[e, a] = settings.turned[move, state.heading[e, a]]
        if move == FORWARD:
            if state.go[e, a]:
                _drive(state, settings, e, a)
            else:
                state.outcome[e, a] = state.refusal[e, a]
        elif move == TOGGLE:
            _toggle(state, settings, out, e, a)
        refresh(state, settings, e, state.pos[e, a])
        state.tally[e, a, state.outcome[e, a]] += np.int32(1)
        state.tally[e, a, LADEN] += np.int32(state.load[e, a] != EMPTY)


@jit(inline=True)
def _drive(state: State, settings: Settings, e: Int, a: Int) -> None:
    """Move robot `a`, and the shelf it carries, to its next cell."""
    old, new, s = state.pos[e, a], state.next[e, a], state.load[e, a]
    # The cell left behind may already belong to the robot that follows.
    if state.robot_at[e, old] == a:
        state.robot_at[e, old] = EMPTY
    state.robot_at[e, new] = np.int16(a)
    state.pos[e, a] = new
    if s != EMPTY:
        if state.shelf_at[e, old] == s:
            state.shelf_at[e, old] = EMPTY
        state.shelf_at[e, new] = s
        state.shelf_pos[e, s] = new
    refresh(state, settings, e, old)


@jit(inline=True)
def _toggle(state: State, settings: Settings, out: Out, e: Int, a: Int) -> None:
    """Load the shelf of this cell, or put the carried one down on this home."""
    cell, s = state.pos[e, a], state.load[e, a]
    if s == EMPTY:
        s = state.shelf_at[e, cell]
        state.load[e, a] = s
        state.gap[e, a] = cell
        state.standing[e] -= np.int32(state.requested[e, s])
        note_loading(state, settings, e, a)
        return
    state.load[e, a] = EMPTY
    state.standing[e] += np.int32(state.requested[e, s])
    if state.has_delivered[e, a]:
        out.terms[e, a, PUT_BACK] = np.float32(settings.put_back_weight)
        note_put_back(state, e, a)
    state.has_delivered[e, a] = 0
    # This home is no longer empty; whoever it was noted for takes over the one noted for this robot.
    for b in range(state.pos.shape[1]):
        if state.gap[e, b] == cell:
            state.gap[e, b] = state.gap[e, a]
            break
    state.gap[e, a] = 0


@jit(inline=True)
def deliver(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Pay for each requested shelf that stands on a goal, and request another in its place."""
    state.quiet[e] += 1
    for g in range(settings.goals.shape[0]):
        cell = settings.goals[g]
        s, a = state.shelf_at[e, cell], state.robot_at[e, cell]
        if s == EMPTY or not state.requested[e, s] or (state.has_delivered[e, a] and not settings.pay_again):
            continue
        state.has_delivered[e, a] = 1
        out.terms[e, a, DELIVERY] = np.float32(settings.delivery_weight)
        state.tally[e, a, DELIVERED] += 1
        state.quiet[e] = 0
        q = 0
        while state.queue[e, q] != s:
            q += 1
        state.service[e] += state.step[e] - state.released[e, q]
        note_delivery(state, e, a, q)
        _request(state, e, q)
        state.requested[e, s] = 0
        new = state.queue[e, q]
        refresh(state, settings, e, state.shelf_pos[e, new])
        refresh(state, settings, e, cell)
        b = state.robot_at[e, state.shelf_pos[e, new]]
        if b == EMPTY or state.load[e, b] != new:
            state.standing[e] += 1
        else:
            note_request(state, settings, e, b)


@jit(inline=True)
def count_idle(state: State, e: Int) -> None:
    """Add the robots for which no open request is left: those unloaded beyond the requested shelves that stand."""
    unloaded = 0
    for a in range(state.pos.shape[1]):
        unloaded += state.load[e, a] == EMPTY
    if unloaded > state.standing[e]:
        state.idle[e] += unloaded - state.standing[e]


@jit(inline=True)
def move_robots(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Advance one environment by one step: moves, then deliveries, then batteries."""
    still_the_dead(state, e)
    decide(state, settings, e)
    crowded = resolve(state, e)
    act(state, settings, out, e)
    state.step[e] += 1
    if crowded:
        note_refusals(state, settings, e, GOAL_CELL)
    deliver(state, settings, out, e)
    count_idle(state, e)
    if settings.capacity:
        run_batteries(state, settings, e)
