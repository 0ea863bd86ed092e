"""Metrics of one episode of errands, counted inside the kernel. "Refused" counts requested moves before resolution."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.warehouse.battery import BATTERY_METRICS, NUM_METRICS, measure_batteries
from marl_envs.warehouse.counting import (
    APPROACH,
    CARRY,
    SHARED_METRICS,
    WAIT,
    count_service,
    jain,
    total,
    write_shared,
)
from marl_envs.warehouse.errands.observe import distance, guide
from marl_envs.warehouse.errands.types import (
    BLOCKED,
    EMPTY,
    ERRANDS,
    MASKED,
    MOVED,
    PICKED_AT,
    STATION,
    STOPPED,
    SWAP,
    TAKEN_AT,
    TASKS,
    TURNED,
    UNREACHABLE,
    VERTEX,
    WAITED,
    WALL,
    Settings,
    State,
)
from marl_envs.warehouse.progress import count_standstill, look_back, was_watched, window_ends
from marl_envs.warehouse.standstill import close_dissolved

METRICS: dict[str, tuple[str, str]] = {
    "tasks": ("tasks", "tasks finished"),
    "throughput": ("tasks/step", "tasks finished a step, of the whole team"),
    "errands": ("errands", "errands done; a task has one or more"),
    "service_time": ("steps", "mean time from a task's release to its end, over finished tasks; NaN without any"),
    "assignment_time": ("steps", "part of it from the release until the robot that finished it took it in hand"),
    "approach_time": ("steps", "part of it from then to its first errand"),
    "carry_time": ("steps", "part of it from its first errand to its end; 0 for tasks of one errand"),
    "detour": (
        "1",
        "time that errands took over their shortest ways [steps/cell], over those done; NaN without such a way",
    ),
    "refused_vertex": ("moves", "moves refused because another robot entered the cell"),
    "refused_swap": ("moves", "moves refused because two robots would have changed places"),
    "refused_blocked": ("moves", "moves refused because the robot ahead stayed"),
    "refused_wall": ("moves", "moves into an obstacle or over the border"),
    "stopped": ("robot-steps", "moves and turns undone because others were in conflict (all_wait)"),
    "refused_fraction": ("1", "share of moves that other robots refused (vertex, swap, blocked, stopped)"),
    "waiting_fraction": ("1", "share of robot-steps in which the robot chose to wait"),
    "turning_fraction": ("1", "share of robot-steps spent turning"),
    "moving_fraction": ("1", "share of robot-steps in which the robot changed its cell"),
    "distance_per_task": ("cells", "cells driven by the team for each task; NaN without any"),
    "jain_fairness": ("1", "Jain index of tasks over robots, from 1/robots to 1; NaN without any"),
    "masked_actions": ("actions", "actions that the mask forbade, taken as the no-op"),
    "episode_length": ("steps", "steps of the episode"),
    "return": ("reward", "reward summed over robots and steps"),
    **BATTERY_METRICS,
    **SHARED_METRICS,
}
"""Name -> (unit, definition), in the order of Out.metrics."""


@jit(inline=True)
def note_task(state: State, e: Int, a: Int) -> None:
    """Count how long the task that robot `a` finishes took, and its parts."""
    now, released, taken, picked = (
        state.step[e],
        state.released[e, a],
        state.tally[e, a, TAKEN_AT],
        state.tally[e, a, PICKED_AT],
    )
    count_service(state, e, now - released)
    state.record[e, WAIT] += taken - released
    state.record[e, APPROACH] += picked - taken
    state.record[e, CARRY] += now - picked


@jit(inline=True)
def watch(state: State, settings: Settings, e: Int) -> None:
    """Judge progress where a window ends. A robot's next cells are all neighbours that are nearer to its goal."""
    if not window_ends(state, e):
        return
    watched = was_watched(state, e)
    for a in range(state.pos.shape[1]):
        active = state.tally[e, a, MOVED] + state.tally[e, a, TURNED]
        here = np.int64(state.pos[e, a])
        far = np.int32(distance(state, settings, e, a, here))
        reachable = state.goal[e, a] != 0 and far != UNREACHABLE
        look_back(state, e, a, watched, active, state.tally[e, a, ERRANDS], far if reachable else EMPTY)
        state.go[e, a] = np.uint8(guide(state, settings, e, a))  # bits by heading
    if watched:
        count_standstill(state, settings, e)


@jit(inner=True)
def measure_one(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    steps, robots = np.float64(state.step[e]), state.pos.shape[1]
    tasks, errands, moved = total(state, e, TASKS), total(state, e, ERRANDS), total(state, e, MOVED)
    vertex, swap, blocked = total(state, e, VERTEX), total(state, e, SWAP), total(state, e, BLOCKED)
    wall, stopped = total(state, e, WALL), total(state, e, STOPPED)
    refused = vertex + swap + blocked + stopped
    robot_steps = steps * robots
    record = state.record
    close_dissolved(state, e, state.step[e])
    stations = 0
    for c in range(settings.kind.shape[0]):
        stations += settings.kind[c] == STATION
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    values = (
        tasks,
        tasks / steps,
        errands,
        state.service[e] / tasks,
        np.float64(record[e, WAIT]) / tasks,
        np.float64(record[e, APPROACH]) / tasks,
        np.float64(record[e, CARRY]) / tasks,
        state.travelled[e] / np.float64(state.shortest_sum[e]) if state.shortest_sum[e] else np.nan,
        vertex,
        swap,
        blocked,
        wall,
        stopped,
        refused / (moved + refused + wall),
        total(state, e, WAITED) / robot_steps,
        total(state, e, TURNED) / robot_steps,
        moved / robot_steps,
        moved / tasks if tasks else np.nan,
        jain(state, e, TASKS),
        total(state, e, MASKED),
        steps,
        state.total[e],
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
    measure_batteries(state, out, e, len(values))
    write_shared(state, out, e, len(values) + NUM_METRICS, settings.inside.shape[0], stations)
