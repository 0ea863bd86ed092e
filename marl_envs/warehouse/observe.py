"""What robots see: RWARE's flattened vector and its image, a vector that says where to go, one integer; mask; state."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.warehouse.battery import charge_of, is_sent, mask_the_dead
from marl_envs.warehouse.guidance import rank
from marl_envs.warehouse.images import spread
from marl_envs.warehouse.rules import can_toggle, obstacle
from marl_envs.warehouse.types import (
    BLOCKED,
    EMPTY,
    FORWARD,
    HOME_CELL,
    NEAR_CELLS,
    NUM_MOVES,
    OUTSIDE,
    SWAP,
    TOGGLE,
    UNREACHABLE,
    VERTEX,
    Settings,
    State,
)
from marl_envs.warehouse.yielding import AROUND, around, push_all

SELF_NUMBERS = 23  # of the vector "goal", about the robot itself
CELL_NUMBERS = 8  # and about each of the NEAR_CELLS
GOAL_LENGTH = SELF_NUMBERS + NEAR_CELLS * CELL_NUMBERS
NEAR_STATES = 1 + NEAR_CELLS * 4 * 2  # nobody near, or cell x relative heading x whose errand is more urgent
ERRAND_STATES = 4 * 8 * 2  # phase x guide x refused
TABULAR_STATES = ERRAND_STATES * NEAR_STATES
PUSH_STATES = ERRAND_STATES * AROUND


@jit(inline=True)
def flattened(state: State, settings: Settings, obs: Any, e: Int) -> None:
    """Write RWARE's vector: x, y, loaded, heading (one-hot), on highway; then 7 + message bits numbers a cell."""
    for a in range(state.pos.shape[1]):
        cell = state.pos[e, a]
        for j in range(8):
            obs[e, a, j] = settings.place[cell, j]
        obs[e, a, 2] = np.float32(state.load[e, a] != EMPTY)
        obs[e, a, 3 + state.heading[e, a]] = np.float32(1.0)
        if settings.message_bits == 0:
            _window_of_seven(state, settings, obs, e, a)
        else:
            _window(state, settings, obs, e, a)
        if settings.capacity:
            obs[e, a, obs.shape[2] - 1] = charge_of(state, settings, e, a)


@jit(inline=True)
def _window_of_seven(state: State, settings: Settings, obs: Any, e: Int, a: Int) -> None:
    """Copy 7 numbers a cell as eight at a time (one vector register); the next cell overwrites the eighth."""
    last = settings.window.shape[0] - 1
    for w in range(last):
        k = state.look[e, np.int64(state.pos[e, a]) + settings.window[w]]
        i = 8 + 7 * w
        n0, n1, n2, n3 = settings.glance[k, 0], settings.glance[k, 1], settings.glance[k, 2], settings.glance[k, 3]
        n4, n5, n6, n7 = settings.glance[k, 4], settings.glance[k, 5], settings.glance[k, 6], settings.glance[k, 7]
        obs[e, a, i], obs[e, a, i + 1], obs[e, a, i + 2], obs[e, a, i + 3] = n0, n1, n2, n3
        obs[e, a, i + 4], obs[e, a, i + 5], obs[e, a, i + 6], obs[e, a, i + 7] = n4, n5, n6, n7
    k = state.look[e, np.int64(state.pos[e, a]) + settings.window[last]]
    for j in range(7):
        obs[e, a, 8 + 7 * last + j] = settings.glance[k, j]


@jit(inline=True)
def _window(state: State, settings: Settings, obs: Any, e: Int, a: Int) -> None:
    """Copy 7 + message bits numbers a cell."""
    numbers = 7 + settings.message_bits
    for w in range(settings.window.shape[0]):
        k = state.look[e, np.int64(state.pos[e, a]) + settings.window[w]]
        for j in range(numbers):
            obs[e, a, 8 + numbers * w + j] = settings.glance[k, j]


@jit(inner=True)
def image(state: State, settings: Settings, obs: Any, e: Int) -> None:
    """Write RWARE's image as a vector: layer after layer, each row by row."""
    for a in range(state.pos.shape[1]):
        here, mine = np.int64(state.pos[e, a]), state.heading[e, a]
        for w in range(settings.sight.shape[1]):
            cell = here + settings.sight[mine, w]
            state.code[e, w] = settings.codes[np.int64(state.look[e, cell]) * 4 + settings.kind[cell]]
        if settings.load_code:  # only the maps of robots and loads know
            for w in range(settings.sight.shape[1]):
                b = state.robot_at[e, here + settings.sight[mine, w]]
                if b != EMPTY and state.load[e, b] != EMPTY:
                    state.code[e, w] += np.int32(settings.load_code)
        if settings.charger_code:
            for w in range(settings.sight.shape[1]):
                if settings.charger_at[here + settings.sight[mine, w]] != EMPTY:
                    state.code[e, w] += np.int32(settings.charger_code)
        spread(state.code, obs, settings.layers, e, a)


@jit(inline=True)
def tabular(state: State, settings: Settings, label: Any, e: Int) -> None:
    """Write ((phase * 8 + guide) * 2 + refused) * 97 + nearest robot, in [0, 6208)."""
    for a in range(state.pos.shape[1]):
        label[e, a] = np.int32(_errand(state, e, a) * NEAR_STATES + _nearest(state, settings, e, a))


@jit(inline=True)
def tabular_push(state: State, settings: Settings, label: Any, e: Int) -> None:
    """Write ((phase * 8 + guide) * 2 + refused) * 3125 + what `yielding.around` returns, in [0, 200000)."""
    push_all(state, settings, e)
    for a in range(state.pos.shape[1]):
        label[e, a] = np.int32(_errand(state, e, a) * AROUND + around(state, settings, e, a))


@jit(inline=True)
def _errand(state: State, e: Int, a: Int) -> Int:
    """Return (phase * 8 + guide) * 2 + refused, in [0, 64)."""
    return (np.int64(state.phase[e, a]) * 8 + np.int64(state.guide[e, a])) * 2 + _was_refused(state, e, a)


@jit(inline=True)
def _was_refused(state: State, e: Int, a: Int) -> Int:
    """Return 1 if another robot just kept robot `a` from moving (a standoff looks like a meeting), else 0."""
    outcome = state.outcome[e, a]
    return np.int64((outcome == VERTEX) | (outcome == SWAP) | (outcome == BLOCKED))


@jit(inline=True)
def _nearest(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return 0 if nobody is within Manhattan distance 2, else 1 + (cell * 4 + relative heading) * 2 + has priority."""
    mine = state.heading[e, a]
    for n in range(NEAR_CELLS):
        b = state.robot_at[e, np.int64(state.pos[e, a]) + settings.near[mine, n]]
        if b != EMPTY:
            turn = (settings.clock[state.heading[e, b]] - settings.clock[mine]) & 3
            return 1 + (n * 4 + turn) * 2 + _goes_first(state, e, b, a)
    return 0


@jit(inline=True)
def _goes_first(state: State, e: Int, b: Int, a: Int) -> Int:
    """Return 1 if robot `b`'s errand is more urgent than `a`'s (ties: the lower index), else 0."""
    first, second = rank(state, e, b), rank(state, e, a)
    return 1 if first > second or (first == second and b < a) else 0


@jit(inner=True)
def goal_vector(state: State, settings: Settings, obs: Any, e: Int) -> None:
    """Write the vector "goal"; docs/warehouse.md lists its numbers."""
    for a in range(state.pos.shape[1]):
        _describe_self(state, settings, obs, e, a)
        mine = state.heading[e, a]
        for n in range(NEAR_CELLS):
            cell = np.int64(state.pos[e, a]) + settings.near[mine, n]
            _describe_cell(state, settings, obs, e, a, SELF_NUMBERS + n * CELL_NUMBERS, cell)
        if settings.capacity:
            obs[e, a, GOAL_LENGTH] = charge_of(state, settings, e, a)
            obs[e, a, GOAL_LENGTH + 1] = np.float32(is_sent(state, e, a))


@jit(inline=True)
def _describe_self(state: State, settings: Settings, obs: Any, e: Int, a: Int) -> None:
    cell, target, mine, s = state.pos[e, a], state.target[e, a], state.heading[e, a], state.load[e, a]
    for k in range(4):
        obs[e, a, k] = np.float32(state.phase[e, a] == k)
        obs[e, a, 16 + k] = np.float32(mine == k)
    for k in range(3):
        obs[e, a, 4 + k] = np.float32((state.guide[e, a] >> k) & 1)
    obs[e, a, 7] = np.float32(target == cell)
    far = target == 0 or state.steps_to[e, a] == UNREACHABLE
    obs[e, a, 8] = np.float32(1.0) if far else np.float32(state.steps_to[e, a] / settings.longest)
    down: Int = 0
    right: Int = 0
    if target != 0:
        down = np.int64(settings.row[target]) - settings.row[cell]
        right = np.int64(settings.col[target]) - settings.col[cell]
    # Turn the offset into the robot's own frame: headings are north, south, west, east.
    onward = -down if mine == 0 else (down if mine == 1 else (-right if mine == 2 else right))
    aside = right if mine == 0 else (-right if mine == 1 else (-down if mine == 2 else down))
    span = np.float32(max(settings.height, settings.width))
    obs[e, a, 9] = np.float32(onward) / span
    obs[e, a, 10] = np.float32(aside) / span
    obs[e, a, 11] = np.float32(s != EMPTY)
    obs[e, a, 12] = np.float32(s != EMPTY and state.requested[e, s] == 1)
    obs[e, a, 13] = np.float32(settings.kind[cell] != HOME_CELL)
    obs[e, a, 14] = np.float32(settings.row[cell]) / np.float32(max(settings.height - 1, 1))
    obs[e, a, 15] = np.float32(settings.col[cell]) / np.float32(max(settings.width - 1, 1))
    obs[e, a, 20] = np.float32(obstacle(state, settings, e, a) == 0)
    obs[e, a, 21] = np.float32(can_toggle(state, settings, e, a))
    obs[e, a, 22] = np.float32(_was_refused(state, e, a))


@jit(inline=True)
def _describe_cell(state: State, settings: Settings, obs: Any, e: Int, a: Int, i: Int, cell: Int) -> None:
    b = state.robot_at[e, cell]
    turn: Int = -1
    if b != EMPTY:
        turn = (settings.clock[state.heading[e, b]] - settings.clock[state.heading[e, a]]) & 3
    obs[e, a, i] = np.float32(b != EMPTY)
    for k in range(4):
        obs[e, a, i + 1 + k] = np.float32(turn == k)
    obs[e, a, i + 5] = np.float32(b != EMPTY and _goes_first(state, e, b, a) == 1)
    obs[e, a, i + 6] = np.float32(state.shelf_at[e, cell] != EMPTY)
    obs[e, a, i + 7] = np.float32(settings.kind[cell] == OUTSIDE)


@jit(inline=True)
def action_mask(state: State, settings: Settings, mask: Any, e: Int) -> None:
    """Write which actions have an effect that does not depend on others; no-op and turns always do."""
    for a in range(state.pos.shape[1]):
        forward = np.int8(obstacle(state, settings, e, a) == 0)
        toggle = np.int8(can_toggle(state, settings, e, a))
        for n in range(0, mask.shape[2], NUM_MOVES):
            for move in range(NUM_MOVES):
                mask[e, a, n + move] = np.int8(1)
            mask[e, a, n + FORWARD] = forward
            mask[e, a, n + TOGGLE] = toggle
    mask_the_dead(state, mask, e)


ROBOT_STATE, SHELF_STATE = 9, 4  # numbers in `global_state` for each


@jit(inner=True)
def global_state(state: State, settings: Settings, dest: Any, e: Int) -> None:
    """Write the whole state of environment `e` as numbers in [0, 1] into dest[e]; docs/warehouse.md lists them."""
    rows, cols = np.float32(max(settings.height - 1, 1)), np.float32(max(settings.width - 1, 1))
    elapsed: Real = min(state.step[e] / settings.max_cycles, 1.0)
    dest[e, 0] = np.float32(elapsed)
    i = 1
    for a in range(state.pos.shape[1]):
        cell, s = state.pos[e, a], state.load[e, a]
        dest[e, i] = np.float32(settings.row[cell]) / rows
        dest[e, i + 1] = np.float32(settings.col[cell]) / cols
        for k in range(4):
            dest[e, i + 2 + k] = np.float32(state.heading[e, a] == k)
        dest[e, i + 6] = np.float32(s != EMPTY)
        dest[e, i + 7] = np.float32(s != EMPTY and state.requested[e, s] == 1)
        dest[e, i + 8] = np.float32(state.has_delivered[e, a])
        i += ROBOT_STATE
    for s in range(state.shelf_pos.shape[1]):
        cell = state.shelf_pos[e, s]
        a = state.robot_at[e, cell]
        dest[e, i] = np.float32(settings.row[cell]) / rows
        dest[e, i + 1] = np.float32(settings.col[cell]) / cols
        dest[e, i + 2] = np.float32(state.requested[e, s])
        dest[e, i + 3] = np.float32(a != EMPTY and state.load[e, a] == s)
        i += SHELF_STATE
    for a in range(state.level.shape[1]):
        dest[e, i + a] = charge_of(state, settings, e, a)
