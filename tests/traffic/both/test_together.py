"""Reference controllers of both kinds on one batch."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs import traffic_v0
from marl_envs.traffic.both.policies import Together
from marl_envs.traffic.signals.controllers import Actuated, FixedTime
from marl_envs.traffic.vehicles.policies import EngineDriver, RandomDriver


@pytest.mark.parametrize("light", [FixedTime(10.0), Actuated()])
@pytest.mark.parametrize("background", [0.0, 0.8])
@pytest.mark.slow
def test_the_engines_drivers_are_safe_and_obey(light, background):
    vec = traffic_v0.vector_env(16, layout="cross", num_vehicles=12, flow=900.0, background=background, max_cycles=400)
    obs, info = vec.reset(seed=0)
    policy = Together(EngineDriver(), light)
    policy.reset(0)
    for _ in range(399):
        actions = policy.act(vec, obs)
        assert np.take_along_axis(info["action_mask"], actions[..., None], axis=2).all()
        obs, _, _, _, info = vec.step(actions)
    metrics = vec.metrics()
    assert metrics["collisions"].sum() == 0
    assert metrics["red_runs"].sum() <= 0.001 * metrics["created"].sum()
    assert metrics["switches"].min() > 20
    assert metrics["signal_masked_actions"].sum() == metrics["masked_actions"].sum() == 0
    assert (metrics["arrived"] > 0.6 * metrics["created"]).all()


def test_background_cars_obey_whatever_agents_do():
    vec = traffic_v0.vector_env(16, layout="cross", num_vehicles=1, flow=900.0, background=0.9, max_cycles=300)
    obs, _ = vec.reset(seed=1)
    policy = Together(RandomDriver(1), FixedTime(10.0))
    for _ in range(299):
        obs, *_ = vec.step(policy.act(vec, obs))
    metrics = vec.metrics()
    assert metrics["background_collisions"].sum() == 0
    np.testing.assert_array_equal(metrics["red_runs"], metrics["red_light"])
    assert metrics["background"].min() > 10
