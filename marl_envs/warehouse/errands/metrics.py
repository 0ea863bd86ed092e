"""Metrics of one episode of errands, counted inside the kernel. "Refused" counts requested moves before resolution."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.out import Out
from marl_envs.warehouse.battery import BATTERY_METRICS, measure_batteries
from marl_envs.warehouse.errands.types import (
    BLOCKED,
    ERRANDS,
    MASKED,
    MOVED,
    STOPPED,
    SWAP,
    TASKS,
    TURNED,
    VERTEX,
    WAITED,
    WALL,
    State,
)

METRICS: dict[str, tuple[str, str]] = {
    "tasks": ("tasks", "tasks finished"),
    "throughput": ("tasks/step", "tasks finished a step, of the whole team"),
    "errands": ("errands", "errands done; a task has one or more"),
    "service_time": ("steps", "mean time from a task's release to its end, over finished tasks; NaN without any"),
    "detour": ("1", "time that errands took over their shortest ways [steps/cell], over those done; NaN without any"),
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
}
"""Name -> (unit, definition), in the order of Out.metrics."""


@jit(inline=True)
def _sum(state: State, e: Int, k: Int) -> Real:
    total = 0
    for a in range(state.tally.shape[1]):
        total += state.tally[e, a, k]
    return np.float64(total)


@jit(inner=True)
def measure_one(state: State, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    steps, robots = np.float64(state.step[e]), state.pos.shape[1]
    tasks, errands, moved = _sum(state, e, TASKS), _sum(state, e, ERRANDS), _sum(state, e, MOVED)
    vertex, swap, blocked = _sum(state, e, VERTEX), _sum(state, e, SWAP), _sum(state, e, BLOCKED)
    wall, stopped = _sum(state, e, WALL), _sum(state, e, STOPPED)
    refused = vertex + swap + blocked + stopped
    robot_steps = steps * robots
    squares = 0.0
    for a in range(robots):
        squares += np.float64(state.tally[e, a, TASKS]) ** 2
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    values = (
        tasks,
        tasks / steps,
        errands,
        state.service[e] / tasks,
        state.travelled[e] / np.float64(state.shortest_sum[e]) if errands else np.nan,
        vertex,
        swap,
        blocked,
        wall,
        stopped,
        refused / (moved + refused + wall),
        _sum(state, e, WAITED) / robot_steps,
        _sum(state, e, TURNED) / robot_steps,
        moved / robot_steps,
        moved / tasks if tasks else np.nan,
        tasks * tasks / (robots * squares),
        _sum(state, e, MASKED),
        steps,
        state.total[e],
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
    measure_batteries(state, out, e, len(values))
