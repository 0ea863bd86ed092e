"""Reference controllers through the public face: the engine's driver never crashes, whoever drives at random does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.traffic.vehicles.policies import EngineDriver, RandomDriver


def play(policy: Any, steps: int, num_envs: int = 16, **chosen: Any) -> dict[str, float]:
    """Return mean metrics of the episodes that ended."""
    vec = intersection_v0.vector_env(num_envs, **chosen)
    obs, _ = vec.reset(seed=4)
    policy.reset(4)
    ended: list[dict[str, float]] = []
    for _ in range(steps):
        obs, *_, info = vec.step(policy.act(vec, obs))
        for e in np.flatnonzero(info["ended"]):
            ended.append({name: float(values[e]) for name, values in info["metrics"].items()})
    assert ended
    return {name: float(np.mean([episode[name] for episode in ended])) for name in ended[0]}


@pytest.mark.parametrize("actions", ["discrete", "continuous"])
@pytest.mark.parametrize("layout", ["cross", "roundabout"])
def test_the_engines_driver_brings_all_through(layout: str, actions: str):
    chosen = {"layout": layout, "num_vehicles": 6, "actions": actions, "decision_interval": 0.25, "max_cycles": 480}
    metrics = play(EngineDriver(), 600, 8, **chosen)
    assert metrics["collisions"] == 0
    assert metrics["arrived"] == 6
    assert metrics["deadlock"] == 0


def test_random_drivers_crash_and_obey_the_mask():
    metrics = play(RandomDriver(), 250, num_vehicles=8, within=3.0, mask_unsafe=True)
    assert metrics["collisions"] > 0
    assert metrics["masked_actions"] == 0
    other = play(RandomDriver(), 250, num_vehicles=8, within=3.0, actions="continuous")
    assert other["collisions"] > 0


def test_a_policy_does_not_change_the_course():
    vec, twin = (intersection_v0.vector_env(4, num_vehicles=6) for _ in range(2))
    for each in (vec, twin):
        each.reset(seed=9)
    policy = EngineDriver()
    rng = np.random.default_rng(1)
    for _ in range(60):
        policy.act(vec, None)
        actions = rng.integers(0, 4, (4, 6))
        one, other = vec.step(actions), twin.step(actions)
        np.testing.assert_array_equal(one[0], other[0])
    for name, array in vec.get_state().arrays.items():
        np.testing.assert_array_equal(array, twin.get_state().arrays[name], err_msg=name)
