"""What the rule `Threshold` would do at each number that the observation "tabular_load" can show."""

from __future__ import annotations

import numpy as np

from marl_envs.traffic.signals.controllers import Threshold
from marl_envs.traffic.signals.observe import HERE_BINS, LOAD_BINS, RATIO_BINS


def threshold_actions() -> tuple[int, ...]:
    """Return for each label the action of `actions="fullest"` that the rule takes there: 0 keep, 1 change.

    The bins of "tabular_load" have an edge wherever the rule decides otherwise, so one example of a label speaks for
    all numbers with that label: the most vehicles here (the last bin: the fewest) and the most there that are in it.
    """
    here = np.array([*(edge - 1 for edge in HERE_BINS), HERE_BINS[-1]], np.float64)
    ratio = np.array([*RATIO_BINS, 2.0 * RATIO_BINS[-1]])[:, None]
    there = np.floor(ratio * np.maximum(here, 0.5))
    changes = np.tile(Threshold().changes(here, there).astype(np.int64).ravel(), len(LOAD_BINS) + 1)
    return tuple(changes.tolist())
