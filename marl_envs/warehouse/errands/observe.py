"""What robots see of their errand and of each other: a vector, an image, one integer; the action mask; the state."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.warehouse.battery import charge_of, is_sent, mask_the_dead
from marl_envs.warehouse.errands.types import (
    BLOCKED,
    COMPASS,
    EMPTY,
    NEAR_CELLS,
    NONE,
    OBSTACLE,
    STOPPED,
    SWAP,
    UNREACHABLE,
    VERTEX,
    Settings,
    State,
)
from marl_envs.warehouse.images import spread

SELF_NUMBERS = 18  # of the vector "goal", about the robot itself
CELL_NUMBERS = 7  # and about each of the NEAR_CELLS
GOAL_LENGTH = SELF_NUMBERS + NEAR_CELLS * CELL_NUMBERS
NEAR_STATES = 1 + NEAR_CELLS * 4 * 2  # nobody near, or cell x relative heading x has priority
TABULAR_STATES = (16 * 2 * NEAR_STATES, 16 * 2 * 16 * 2)  # rotate; compass
ROBOT_STATE = 9  # numbers in `global_state` for each robot


@jit(inline=True)
def distance(state: State, settings: Settings, e: Int, a: Int, cell: Int) -> Int:
    """Return how far it is from `cell` to robot `a`'s goal [cells]; UNREACHABLE without one."""
    goal = state.goal[e, a]
    return np.int64(settings.steps[settings.slot[goal], cell]) if goal != 0 else UNREACHABLE


@jit(inline=True)
def guide(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return which of north, south, west, east bring robot `a` nearer to its goal, as bits 1, 2, 4, 8."""
    goal = state.goal[e, a]
    if goal == 0:
        return 0
    table, cell = settings.slot[goal], np.int64(state.pos[e, a])
    here = settings.steps[table, cell]
    bits: Int = 0
    for h in range(4):
        bits |= np.int64(settings.steps[table, cell + settings.ahead[h]] < here) << h
    return bits


@jit(inline=True)
def own_frame(settings: Settings, heading: Int, bits: Int) -> Int:
    """Return compass bits as ahead 1, right 2, behind 4, left 8 of a robot with that heading."""
    turned: Int = 0
    for quarter in range(4):
        h = settings.from_clock[(settings.clock[heading] + quarter) & 3]
        turned |= ((bits >> h) & 1) << quarter
    return turned


@jit(inline=True)
def was_refused(state: State, e: Int, a: Int) -> Int:
    """Return 1 if other robots just kept robot `a` from moving, else 0."""
    outcome = state.outcome[e, a]
    return np.int64((outcome == VERTEX) | (outcome == SWAP) | (outcome == BLOCKED) | (outcome == STOPPED))


@jit(inline=True)
def goes_first(state: State, e: Int, b: Int, a: Int) -> Bool:
    """Return whether robot `b` has been under way longer than `a` (ties: the lower index); without a goal, never."""
    if state.goal[e, a] == 0 or state.goal[e, b] == 0:
        return state.goal[e, b] != 0
    first, second = state.set_out[e, b], state.set_out[e, a]
    return first < second or (first == second and b < a)


@jit(inline=True)
def tabular(state: State, settings: Settings, label: Any, e: Int) -> None:
    """Write one integer a robot; docs/errands.md says what it is made of."""
    for a in range(state.pos.shape[1]):
        bits = guide(state, settings, e, a)
        if settings.moves == COMPASS:
            label[e, a] = np.int32(_compass_label(state, settings, e, a, bits))
        else:
            where = own_frame(settings, state.heading[e, a], bits) * 2 + was_refused(state, e, a)
            label[e, a] = np.int32(where * NEAR_STATES + _nearest(state, settings, e, a))
        if is_sent(state, e, a):
            label[e, a] += np.int32(TABULAR_STATES[settings.moves])


@jit(inline=True)
def _compass_label(state: State, settings: Settings, e: Int, a: Int, bits: Int) -> Int:
    """Return ((guide * 2 + refused) * 16 + neighbours) * 2 + whether the neighbour on the way goes first."""
    cell = np.int64(state.pos[e, a])
    taken: Int = 0
    yields: Int = 0
    for h in range(4):
        b = state.robot_at[e, cell + settings.ahead[h]]
        if b != EMPTY:
            taken |= 1 << h
            yields |= np.int64((bits >> h) & 1 and goes_first(state, e, b, a))
    return ((bits * 2 + was_refused(state, e, a)) * 16 + taken) * 2 + yields


@jit(inline=True)
def _nearest(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return 0 if nobody is within Manhattan distance 2, else 1 + (cell * 4 + relative heading) * 2 + goes first."""
    mine = state.heading[e, a]
    for n in range(NEAR_CELLS):
        b = state.robot_at[e, np.int64(state.pos[e, a]) + settings.near[mine, n]]
        if b != EMPTY:
            turn = (settings.clock[state.heading[e, b]] - settings.clock[mine]) & 3
            return 1 + (n * 4 + turn) * 2 + np.int64(goes_first(state, e, b, a))
    return 0


@jit(inner=True)
def goal_vector(state: State, settings: Settings, obs: Any, e: Int) -> None:
    """Write the vector "goal"; docs/errands.md lists its numbers."""
    for a in range(state.pos.shape[1]):
        # With compass moves nothing depends on the heading, so all see north as ahead.
        facing: Int = 0 if settings.moves == COMPASS else state.heading[e, a]
        _describe_self(state, settings, obs, e, a, facing)
        for n in range(NEAR_CELLS):
            cell = np.int64(state.pos[e, a]) + settings.near[facing, n]
            _describe_cell(state, settings, obs, e, a, SELF_NUMBERS + n * CELL_NUMBERS, cell, facing)
        if settings.capacity:
            obs[e, a, GOAL_LENGTH] = charge_of(state, settings, e, a)
            obs[e, a, GOAL_LENGTH + 1] = np.float32(is_sent(state, e, a))


@jit(inline=True)
def _describe_self(state: State, settings: Settings, obs: Any, e: Int, a: Int, facing: Int) -> None:
    cell, goal = np.int64(state.pos[e, a]), np.int64(state.goal[e, a])
    bits = own_frame(settings, facing, guide(state, settings, e, a))
    for quarter in range(4):
        ahead = cell + settings.ahead[settings.from_clock[(settings.clock[facing] + quarter) & 3]]
        obs[e, a, quarter] = np.float32((bits >> quarter) & 1)
        obs[e, a, 4 + quarter] = np.float32(settings.kind[ahead] != OBSTACLE)
    for h in range(4):
        obs[e, a, 8 + h] = np.float32(state.heading[e, a] == h)
    far = distance(state, settings, e, a, cell)
    obs[e, a, 12] = np.float32(1.0 if far == UNREACHABLE else min(far / settings.longest, 1.0))
    down: Int = 0
    right: Int = 0
    if goal != 0:
        down = np.int64(settings.row[goal]) - settings.row[cell]
        right = np.int64(settings.col[goal]) - settings.col[cell]
    onward = -down if facing == 0 else (down if facing == 1 else (-right if facing == 2 else right))
    aside = right if facing == 0 else (-right if facing == 1 else (-down if facing == 2 else down))
    span = np.float32(max(settings.height, settings.width))
    obs[e, a, 13] = np.float32(onward) / span
    obs[e, a, 14] = np.float32(aside) / span
    obs[e, a, 15] = np.float32(goal != 0)
    obs[e, a, 16] = np.float32(was_refused(state, e, a))
    under_way: Real = min((state.step[e] - state.set_out[e, a]) / settings.longest, 1.0)
    obs[e, a, 17] = np.float32(under_way)


@jit(inline=True)
def _describe_cell(state: State, settings: Settings, obs: Any, e: Int, a: Int, i: Int, cell: Int, facing: Int) -> None:
    b = state.robot_at[e, cell]
    turn: Int = NONE
    if b != EMPTY:
        turn = (settings.clock[state.heading[e, b]] - settings.clock[facing]) & 3
    obs[e, a, i] = np.float32(b != EMPTY)
    for k in range(4):
        obs[e, a, i + 1 + k] = np.float32(turn == k)
    obs[e, a, i + 5] = np.float32(b != EMPTY and goes_first(state, e, b, a))
    obs[e, a, i + 6] = np.float32(settings.kind[cell] == OBSTACLE)


@jit(inner=True)
def image(state: State, settings: Settings, obs: Any, e: Int) -> None:
    """Write the image as a vector: layer after layer, each row by row; docs/errands.md lists the layers."""
    for a in range(state.pos.shape[1]):
        state.goals_at[e, state.goal[e, a]] += np.uint16(1)
    state.goals_at[e, 0] = 0  # of robots without a goal
    for a in range(state.pos.shape[1]):
        _depict(state, settings, obs, e, a)
    for a in range(state.pos.shape[1]):
        state.goals_at[e, state.goal[e, a]] = 0


@jit(inline=True)
def _depict(state: State, settings: Settings, obs: Any, e: Int, a: Int) -> None:
    here, goal = np.int64(state.pos[e, a]), np.int64(state.goal[e, a])
    facing: Int = 0 if settings.moves == COMPASS else state.heading[e, a]
    table: Int = settings.slot[goal] if goal != 0 else 0
    far: Int = settings.steps[table, here] if goal != 0 else 0  # nothing is nearer than 0
    for w in range(settings.sight.shape[1]):
        cell = here + settings.sight[facing, w]
        b = state.robot_at[e, cell]
        robot: Int = 0
        if b != EMPTY:
            robot = 1 + ((settings.clock[state.heading[e, b]] - settings.clock[facing]) & 3)
        own = np.int64(cell == goal and goal != 0)
        others = np.int64(np.int64(state.goals_at[e, cell]) > own)
        closer = np.int64(settings.steps[table, cell] < far)
        k = (((np.int64(settings.kind[cell]) * 5 + robot) * 2 + own) * 2 + others) * 2 + closer
        state.code[e, w] = settings.codes[k]
        if settings.charger_code and settings.charger_at[cell] != EMPTY:
            state.code[e, w] += np.int32(settings.charger_code)
    spread(state.code, obs, settings.layers, e, a)


@jit(inline=True)
def action_mask(state: State, settings: Settings, mask: Any, e: Int) -> None:
    """Write which actions do not run into an obstacle."""
    for a in range(state.pos.shape[1]):
        cell = np.int64(state.pos[e, a])
        mask[e, a, 0] = np.int8(1)
        if settings.moves == COMPASS:
            for h in range(4):
                mask[e, a, 1 + h] = np.int8(settings.kind[cell + settings.ahead[h]] != OBSTACLE)
        else:
            mask[e, a, 1] = np.int8(settings.kind[cell + settings.ahead[state.heading[e, a]]] != OBSTACLE)
            mask[e, a, 2] = np.int8(1)
            mask[e, a, 3] = np.int8(1)
    mask_the_dead(state, mask, e)


@jit(inner=True)
def global_state(state: State, settings: Settings, dest: Any, e: Int) -> None:
    """Write the whole state of environment `e` as numbers in [0, 1]; docs/errands.md lists them."""
    rows, cols = np.float32(max(settings.height - 1, 1)), np.float32(max(settings.width - 1, 1))
    elapsed: Real = min(state.step[e] / settings.max_cycles, 1.0)
    dest[e, 0] = np.float32(elapsed)
    i = 1
    for a in range(state.pos.shape[1]):
        cell, goal = state.pos[e, a], state.goal[e, a]
        dest[e, i] = np.float32(settings.row[cell]) / rows
        dest[e, i + 1] = np.float32(settings.col[cell]) / cols
        for h in range(4):
            dest[e, i + 2 + h] = np.float32(state.heading[e, a] == h)
        dest[e, i + 6] = np.float32(goal != 0)
        dest[e, i + 7] = np.float32(settings.row[goal]) / rows if goal != 0 else np.float32(0.0)
        dest[e, i + 8] = np.float32(settings.col[goal]) / cols if goal != 0 else np.float32(0.0)
        i += ROBOT_STATE
    for a in range(state.level.shape[1]):
        dest[e, i + a] = charge_of(state, settings, e, a)
