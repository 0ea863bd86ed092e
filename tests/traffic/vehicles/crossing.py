"""Vehicles at a junction under a controller or the engine, watched from outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs import intersection_v0
from marl_envs.core import params
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import DIS, EXIT, LENGTH, PLACE, SPEED
from marl_envs.traffic.vehicles.env import build
from marl_envs.traffic.vehicles.layouts import network_of
from marl_envs.traffic.vehicles.params import Params

FLOW: dict[str, Any] = {"arrivals": "flow", "num_vehicles": 100}


def by_engine(chosen: dict[str, Any], num_envs: int) -> VectorEnv:
    """Return a batch in which the engine drives every vehicle."""
    simulation = build(params.build(Params, chosen))
    driven = simulation.settings._replace(background=1.0)
    return VectorEnv(type(simulation)(**{**vars(simulation), "settings": driven}), num_envs)


def run(policy: Any, decisions: int, num_envs: int = 8, seed: int = 4, **chosen: Any) -> Any:
    """Return the metrics of episodes of so many decisions, in a row for each environment."""
    vec = intersection_v0.vector_env(num_envs, max_cycles=decisions, **chosen)
    obs, _ = vec.reset(seed=seed)
    for _ in range(decisions - 1):
        obs, *_, info = vec.step(policy.act(vec, obs))
        assert not info["ended"].any()
    *_, info = vec.step(policy.act(vec, obs))
    assert info["ended"].all()
    return info["metrics"]


def watch(policy: Any, decisions: int, num_envs: int = 4, seed: int = 4, **chosen: Any) -> list[dict[str, Any]]:
    """Return what each vehicle with an agent did: environment, link, and its places by time.

    `track`: [time, way to the stop line (negative before it), speed, whether it leads its lane] at each decision.
    """
    vec = intersection_v0.vector_env(num_envs, max_cycles=decisions + 1, **chosen)
    obs, _ = vec.reset(seed=seed)
    lanes = network_of(vec.params).num_lanes
    trips: dict[tuple[int, int], dict[str, Any]] = {}
    state, measure = vec.arrays, vec.simulation.settings.measure
    for _ in range(decisions):
        for e, v in np.argwhere(state.vehicle[..., PLACE] >= 0):
            d, link = int(state.vehicle[e, v, PLACE]), int(state.vehicle[e, v, EXIT])
            way = float(state.motion[e, v, DIS])
            if d < lanes:
                if link < 0:
                    continue
                way -= float(measure[d, LENGTH])
            else:
                link = d
            trip = trips.setdefault((int(e), int(state.trip[e, v])), {"env": int(e), "link": link - lanes, "track": []})
            first = d < lanes and state.on[e, d, 0] == v
            trip["track"].append((float(state.step[e]) * vec.params.dt, way, float(state.motion[e, v, SPEED]), first))
        obs, *_ = vec.step(policy.act(vec, obs))
    return list(trips.values())


def entry(trip: dict[str, Any]) -> float:
    """Return when a vehicle passed its stop line [s], between two decisions; infinity if it has not."""
    for (t, way, _, _), (u, then, _, _) in zip(trip["track"], trip["track"][1:], strict=False):
        if way <= 0.0 < then:
            return t + (u - t) * -way / (then - way)
    return np.inf
