"""Metrics of one episode in a grid world, counted inside the kernel."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.small.grid.types import BUMPS, FALLS, SLIPS, SUCCESS, State

METRICS: dict[str, tuple[str, str]] = {
    "success": ("1", "1 if the goal (T-maze: the arm that pays) was reached, else 0"),
    "falls": ("steps", "steps off the cliff"),
    "bumps": ("steps", "steps that a wall stopped"),
    "slips": ("steps", "steps in another direction than the one chosen"),
    "episode_length": ("steps", "steps of the episode"),
    "return": ("reward", "reward summed over steps"),
}
"""Name -> (unit, definition), in the order of Out.metrics."""


@jit(inline=True)
def measure_one(state: State, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    out.metrics[e, 0] = np.float64(state.tally[e, SUCCESS])
    out.metrics[e, 1] = np.float64(state.tally[e, FALLS])
    out.metrics[e, 2] = np.float64(state.tally[e, BUMPS])
    out.metrics[e, 3] = np.float64(state.tally[e, SLIPS])
    out.metrics[e, 4] = np.float64(state.step[e])
    out.metrics[e, 5] = state.total[e]
