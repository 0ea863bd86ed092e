"""Rates read from records of robots that played."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import warehouse_v0
from marl_envs.metrics import blocked_fraction, conflict_rate


def test_robots_that_played() -> None:
    vec: Any = warehouse_v0.vector_env(num_envs=4, layout="tiny", num_robots=4, max_cycles=60, observation="tabular")
    rng = np.random.default_rng(0)
    vec.reset(seed=0)
    episodes: list[dict[str, float]] = []
    moved = asked = 0
    while len(episodes) < 4:
        before = vec.arrays.pos.copy()
        actions = rng.choice([1, 1, 1, 2, 3], size=(4, 4))  # ahead, or turn
        info = vec.step(actions)[-1]
        if not info["ended"].any():  # positions after an end are the next episode's
            asked += int((actions == 1).sum())
            moved += int((vec.arrays.pos != before).sum())
        for e in np.flatnonzero(info["ended"]):
            episodes.append({name: float(values[e]) for name, values in info["metrics"].items()})
    refused = blocked_fraction(episodes, 4) * 4 * 60 * 4
    assert asked - moved <= refused <= asked - moved + 16  # the last step's are not seen
    conflicts = conflict_rate(episodes, 4) * 4 * 60 * 4
    walls = sum(episode["refused_wall"] + episode["refused_shelf"] for episode in episodes)
    assert 0 < conflicts == pytest.approx(refused - walls)
