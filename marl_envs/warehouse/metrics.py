"""Metrics of one warehouse episode, counted inside the kernel. "Refused" counts requested moves before resolution."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.out import Out
from marl_envs.warehouse.battery import BATTERY_METRICS, measure_batteries
from marl_envs.warehouse.types import (
    BLOCKED,
    DELIVERED,
    LADEN,
    MASKED,
    MOVED,
    SHELF,
    SWAP,
    TURNED,
    VERTEX,
    WAITED,
    WALL,
    State,
)

METRICS: dict[str, tuple[str, str]] = {
    "deliveries": ("shelves", "requested shelves brought to a goal"),
    "throughput": ("shelves/step", "deliveries a step, of the whole team"),
    "service_time": ("steps", "mean time from request to delivery, over delivered shelves; NaN without any"),
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
    delivered, moved = _sum(state, e, DELIVERED), _sum(state, e, MOVED)
    vertex, swap, blocked = _sum(state, e, VERTEX), _sum(state, e, SWAP), _sum(state, e, BLOCKED)
    shelf, wall = _sum(state, e, SHELF), _sum(state, e, WALL)
    refused = vertex + swap + blocked
    robot_steps = steps * robots
    squares = 0.0
    for a in range(robots):
        squares += np.float64(state.tally[e, a, DELIVERED]) ** 2
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    values = (
        delivered,
        delivered / steps,
        state.service[e] / delivered,
        vertex,
        swap,
        blocked,
        shelf,
        wall,
        refused / (moved + refused + shelf + wall),
        _sum(state, e, WAITED) / robot_steps,
        _sum(state, e, TURNED) / robot_steps,
        moved / robot_steps,
        state.idle[e] / robot_steps,
        _sum(state, e, LADEN) / robot_steps,
        moved / delivered if delivered else np.nan,
        delivered * delivered / (robots * squares),
        _sum(state, e, MASKED),
        steps,
        state.total[e],
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
    measure_batteries(state, out, e, len(values))
