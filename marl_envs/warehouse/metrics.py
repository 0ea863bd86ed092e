"""Metrics of one warehouse episode, counted inside the kernel. "Refused" counts requested moves before resolution."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.warehouse.battery import BATTERY_METRICS, NUM_METRICS, measure_batteries
from marl_envs.warehouse.counting import (
    CARRY,
    RETURN_TIME,
    RETURNS,
    SHARED_METRICS,
    WAIT,
    WAY,
    WAY_TIME,
    count_service,
    jain,
    total,
    write_shared,
)
from marl_envs.warehouse.guidance import shortest_move
from marl_envs.warehouse.progress import count_standstill, look_back, was_watched, window_ends
from marl_envs.warehouse.standstill import close_dissolved
from marl_envs.warehouse.types import (
    BLOCKED,
    DELIVERED,
    DELIVERED_AT,
    EMPTY,
    FORWARD,
    LADEN,
    LOADED_AT,
    MASKED,
    MOVED,
    SHELF,
    SWAP,
    TOGGLED,
    TURNED,
    UNREACHABLE,
    VERTEX,
    WAITED,
    WALL,
    WAY_THEN,
    Settings,
    State,
)

METRICS: dict[str, tuple[str, str]] = {
    "deliveries": ("shelves", "requested shelves brought to a goal"),
    "throughput": ("shelves/step", "deliveries a step, of the whole team"),
    "service_time": ("steps", "mean time from request to delivery, over delivered shelves; NaN without any"),
    "pickup_time": ("steps", "part of it from the request to the loading; 0 if the shelf was on board"),
    "carry_time": ("steps", "part of it from the loading (or the request, if later) to the delivery"),
    "put_back_time": ("steps", "mean time from delivery to putting down, over shelves put back; NaN without any"),
    "detour": (
        "1",
        "carry time over the shortest ways along highways, turns included (below 1: through empty homes); NaN without "
        "any, or if targets are not kept up",
    ),
    "refused_vertex": ("moves", "forward moves refused because another robot entered the cell"),
    "refused_swap": ("moves", "forward moves refused because two robots would have changed places"),
    "refused_blocked": ("moves", "forward moves refused because the robot ahead stayed"),
    "refused_shelf": ("moves", "forward moves of loaded robots refused by a standing shelf"),
    "refused_wall": ("moves", "forward moves refused by the border of the floor"),
    "refused_fraction": (
        "1",
        "share of forward moves that another robot refused (vertex, swap, blocked); NaN without moves",
    ),
    "waiting_fraction": ("1", "share of robot-steps with the no-op or a toggle that does nothing"),
    "turning_fraction": ("1", "share of robot-steps spent turning"),
    "moving_fraction": ("1", "share of robot-steps in which the robot changed its cell"),
    "idle_fraction": (
        "1",
        "share of robot-steps without work: unloaded robots beyond the requested shelves that stand",
    ),
    "loaded_fraction": ("1", "share of robot-steps ended with a shelf on board"),
    "distance_per_delivery": ("cells", "cells driven by the team for each delivery; NaN without any"),
    "jain_fairness": ("1", "Jain index of deliveries over robots, from 1/robots to 1; NaN without any"),
    "masked_actions": ("actions", "actions that the mask forbade, taken as the no-op"),
    "episode_length": ("steps", "steps of the episode"),
    "return": ("reward", "reward summed over robots and steps"),
    **BATTERY_METRICS,
    **SHARED_METRICS,
}
"""Name -> (unit, definition), in the order of Out.metrics."""


@jit(inline=True)
def note_request(state: State, settings: Settings, e: Int, a: Int) -> None:
    """Note the way to a goal of robot `a`, whose shelf is requested now."""
    if settings.guided:
        way = np.int64(settings.goal_steps[np.int64(state.pos[e, a]) * 4 + state.heading[e, a]])
        state.tally[e, a, WAY_THEN] = 0 if way == UNREACHABLE else way + 1


@jit(inline=True)
def note_loading(state: State, settings: Settings, e: Int, a: Int) -> None:
    """Note when robot `a` loads, which is before the step counts, and its way to a goal."""
    state.tally[e, a, LOADED_AT] = state.step[e] + 1
    note_request(state, settings, e, a)


@jit(inline=True)
def note_delivery(state: State, e: Int, a: Int, q: Int) -> None:
    """Count how long place `q` of the queue, delivered by robot `a`, took, and its parts."""
    now, released = state.step[e], state.released[e, q]
    carried_from = max(released, state.tally[e, a, LOADED_AT])
    count_service(state, e, now - released)
    state.record[e, WAIT] += carried_from - released
    state.record[e, CARRY] += now - carried_from
    state.tally[e, a, DELIVERED_AT] = now
    if state.tally[e, a, WAY_THEN]:
        state.record[e, WAY_TIME] += now - carried_from
        state.record[e, WAY] += state.tally[e, a, WAY_THEN] - 1


@jit(inline=True)
def note_put_back(state: State, e: Int, a: Int) -> None:
    """Count how long robot `a` took to put its delivered shelf down; the step has not counted yet."""
    state.record[e, RETURNS] += 1
    state.record[e, RETURN_TIME] += state.step[e] + 1 - state.tally[e, a, DELIVERED_AT]


@jit(inline=True)
def watch(state: State, settings: Settings, e: Int) -> None:
    """Judge progress where a window ends. Robots go the way that the planners' first move shows."""
    if not window_ends(state, e):
        return
    watched = was_watched(state, e)
    for a in range(state.pos.shape[1]):
        active = state.tally[e, a, MOVED] + state.tally[e, a, TURNED]
        done = state.tally[e, a, TOGGLED] + state.tally[e, a, DELIVERED]
        far = EMPTY if state.target[e, a] == 0 else np.int32(state.steps_to[e, a])
        look_back(state, e, a, watched, active, done, far)
        ahead = shortest_move(state, e, a) == FORWARD
        state.go[e, a] = np.uint8(1 << state.heading[e, a] if ahead else 0)
    if watched:
        count_standstill(state, settings, e)


@jit(inner=True)
def measure_one(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    steps, robots = np.float64(state.step[e]), state.pos.shape[1]
    delivered, moved = total(state, e, DELIVERED), total(state, e, MOVED)
    vertex, swap, blocked = total(state, e, VERTEX), total(state, e, SWAP), total(state, e, BLOCKED)
    shelf, wall = total(state, e, SHELF), total(state, e, WALL)
    refused = vertex + swap + blocked
    robot_steps = steps * robots
    record = state.record
    close_dissolved(state, e, state.step[e])
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    values = (
        delivered,
        delivered / steps,
        state.service[e] / delivered,
        np.float64(record[e, WAIT]) / delivered,
        np.float64(record[e, CARRY]) / delivered,
        np.float64(record[e, RETURN_TIME]) / record[e, RETURNS],
        np.float64(record[e, WAY_TIME]) / record[e, WAY] if record[e, WAY] else np.nan,
        vertex,
        swap,
        blocked,
        shelf,
        wall,
        refused / (moved + refused + shelf + wall),
        total(state, e, WAITED) / robot_steps,
        total(state, e, TURNED) / robot_steps,
        moved / robot_steps,
        state.idle[e] / robot_steps,
        total(state, e, LADEN) / robot_steps,
        moved / delivered if delivered else np.nan,
        jain(state, e, DELIVERED),
        total(state, e, MASKED),
        steps,
        state.total[e],
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
    measure_batteries(state, out, e, len(values))
    write_shared(state, out, e, len(values) + NUM_METRICS, settings.inside.shape[0], settings.goals.shape[0])
