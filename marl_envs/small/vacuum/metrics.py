"""Metrics of one episode in the apartment, counted inside the kernel."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.small.vacuum.rules import is_clean
from marl_envs.small.vacuum.types import CLASHES, CLEANED, MASKED, STRANDED, WAITS, WASTES, State

METRICS: dict[str, tuple[str, str]] = {
    "cleaned": ("rooms", "dirty rooms cleaned"),
    "clean": ("1", "1 if nothing dirty is left, else 0"),
    "wasted": ("visits", "rooms entered that were clean"),
    "clashes": ("visits", "robots, beyond the first, that entered a room in the same step as another"),
    "waits": ("robot-steps", "steps of charged robots spent waiting, by choice or because the action was not possible"),
    "stranded": ("robots", "robots whose battery ran empty away from the dock, under the rules 'dock'"),
    "masked_actions": ("actions", "actions that the mask forbade, taken as waiting"),
    "episode_length": ("steps", "steps of the episode"),
    "return": ("reward", "reward summed over robots and steps"),
}
"""Name -> (unit, definition), in the order of Out.metrics."""


@jit(inner=True)
def measure_one(state: State, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    stranded = 0
    for a in range(state.fate.shape[1]):
        stranded += state.fate[e, a] == STRANDED
    values = (
        np.float64(state.tally[e, CLEANED]),
        np.float64(is_clean(state, e)),
        np.float64(state.tally[e, WASTES]),
        np.float64(state.tally[e, CLASHES]),
        np.float64(state.tally[e, WAITS]),
        np.float64(stranded),
        np.float64(state.tally[e, MASKED]),
        np.float64(state.step[e]),
        state.total[e],
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
