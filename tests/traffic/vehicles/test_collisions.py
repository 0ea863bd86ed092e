"""Collisions against rectangles in plain Python, wrecks, and cars of the engine, which never touch."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core import params
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import MODE, PLACE, SPEED
from marl_envs.traffic.vehicles.env import build
from marl_envs.traffic.vehicles.layouts import network_of
from marl_envs.traffic.vehicles.params import Params
from marl_envs.traffic.vehicles.types import COLLISIONS, CRASHED, NONE, OWN, VEHICLE_STEPS
from tests.traffic.vehicles.oracle import touching

LAYOUTS = ("cross", "cross-2", "cross-turns", "tee", "roundabout", "grid-2x2", "rilsa1")


@pytest.mark.parametrize("layout", ["cross", "roundabout", "cross-2"])
def test_vehicles_crash_where_their_rectangles_touch(layout: str):
    """Every touch of rectangles is a crash, and every crash is a touch, at every step of the engine."""
    env = intersection_v0.parallel_env(
        layout=layout, num_vehicles=8, decision_interval=0.25, within=3.0, max_cycles=200
    )
    network = network_of(env.params)
    rng = np.random.default_rng(0)
    crashes = 0
    for seed in range(6):
        env.reset(seed=seed)
        before: set[int] = set()
        while env.agents:
            # Mostly fast, so that they meet
            env.step({agent: int(rng.choice([0, 1, 1, 1, 2])) for agent in env.agents})
            frame = env.frame()
            wrecks = set(np.flatnonzero(frame["wreck"]).tolist())
            pairs = touching(network, frame)
            touched = {v for pair in pairs for v in pair}
            assert touched <= wrecks, (
                f"seed {seed}, step {frame['step']}: {touched - wrecks} touch but have not crashed"
            )
            fresh = wrecks - before
            assert fresh <= touched | _grazing(network, frame, fresh), f"seed {seed}: {fresh} crashed without a touch"
            crashes += len(fresh)
            before = wrecks
    assert crashes > 10


def _grazing(network, frame, fresh: set[int]) -> set[int]:
    """Return those of `fresh` that touch once all vehicles are a hand's breadth larger."""
    larger = {**frame, "body": frame["body"] + 0.1, "width": frame["width"] + 0.1, "dis": frame["dis"] + 0.05}
    return {v for pair in touching(network, larger) for v in pair} & fresh


def test_a_wreck_stands_for_its_time_and_is_removed():
    vec = intersection_v0.vector_env(16, num_vehicles=8, within=2.0, clear_time=5.0, max_cycles=400)
    vec.reset(seed=3)
    seen = np.zeros(16, int)
    crashed_at = np.full((16, vec.arrays.clear_at.shape[1]), -1)
    for _ in range(120):
        vec.step(np.ones((16, 8), int))
        state = vec.arrays
        wreck = (state.clear_at != NONE) & (state.vehicle[:, :, PLACE] != NONE)
        assert not state.motion[:, :, SPEED][wreck].any()
        crashed_at = np.where(wreck & (crashed_at < 0), state.clear_at - 20, crashed_at)
        assert (state.step[:, None] - crashed_at <= 20)[wreck].all()
        crashed_at[~wreck] = -1
        seen = np.maximum(seen, vec.metrics()["removed"].astype(int))
        metrics = vec.metrics()
        rest = metrics["arrived"] + metrics["driving"] + metrics["outside"] + metrics["removed"]
        np.testing.assert_array_equal(metrics["created"], rest)
    assert seen.sum() > 10


def test_who_crashes_is_terminated_alone_and_told_whose_fault_it_was():
    env = intersection_v0.parallel_env(num_vehicles=6, within=2.0, agents_leave=True)
    terms = env.reward_terms.index("collision")
    crashes = 0
    for seed in range(10):
        env.reset(seed=seed)
        while env.agents:
            _, rewards, terminated, truncated, infos = env.step(dict.fromkeys(env.agents, 1))
            for agent, info in infos.items():
                assert (info["status"] == CRASHED) == (info["fault"] != NONE)
                if info["status"] == CRASHED:
                    assert terminated[agent]
                    assert not truncated[agent]
                    assert info["reward_terms"][terms] == -10.0
                    assert rewards[agent] < -9.0
                    crashes += 1
            ends = {agent: info["status"] for agent, info in infos.items() if terminated[agent]}
            assert all(status >= CRASHED for status in ends.values())
    assert crashes > 10


def test_of_two_that_meet_by_right_before_left_the_left_one_is_guilty():
    env = intersection_v0.parallel_env(num_vehicles=2, within=0.0, turns=(0, 1, 0), right_of_way="right")
    network = network_of(env.params)
    seen = 0
    for seed in range(200):
        env.reset(seed=seed)
        lanes: dict[str, str] = {}
        faults: dict[str, int] = {}
        while env.agents:
            frame = env.frame()
            for a, agent in enumerate(env.possible_agents):
                v = int(frame["slot"][a])
                if v >= 0 and frame["place"][v] < network.num_lanes:
                    lanes.setdefault(agent, network.road_ids[network.lane_road[frame["place"][v]]])
            *_, infos = env.step(dict.fromkeys(env.agents, 1))
            faults |= {agent: info["fault"] for agent, info in infos.items() if info["fault"] != NONE}
        if len(faults) == 2 and lanes["vehicle_0"] != lanes["vehicle_1"]:
            order = "WSEN"  # counter-clockwise: who comes from the next arm comes from the right
            one, other = (order.index(lanes[agent][0]) for agent in env.possible_agents)
            guilty = "vehicle_0" if (one + 1) % 4 == other else "vehicle_1"
            assert (one - other) % 2
            assert faults == {agent: int(agent == guilty) for agent in env.possible_agents}
            seen += 1
    assert seen > 3


def _engine_only(layout: str, flow: float, num_envs: int) -> VectorEnv:
    """Return a batch in which the engine drives every vehicle."""
    chosen = {"layout": layout, "arrivals": "flow", "flow": flow, "num_vehicles": 1, "max_cycles": 1200}
    simulation = build(params.build(Params, chosen))
    made = VectorEnv(
        type(simulation)(**{**vars(simulation), "settings": simulation.settings._replace(background=1.0)}), num_envs
    )
    return made


def _vehicle_steps(layout: str, flow: float, num_envs: int, decisions: int) -> int:
    """Run the engine's vehicles; fail if two of them touch. Return how many vehicle-steps that were."""
    vec = _engine_only(layout, flow, num_envs)
    vec.reset(seed=1)  # ten minutes pass, as no agent ever drives
    keep = np.zeros((num_envs, 1), int)
    for _ in range(decisions):
        vec.step(keep)
    counts = vec.arrays.counts
    assert (counts[:, OWN] == 0).all(), f"{layout}: {counts[:, OWN]}"
    assert (counts[:, COLLISIONS] == 0).all()
    assert (vec.arrays.vehicle[:, :, MODE] < 3)[vec.arrays.vehicle[:, :, PLACE] != NONE].all()
    return int(counts[:, VEHICLE_STEPS].sum())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cars_of_the_engine_never_touch(layout: str):
    assert _vehicle_steps(layout, 900.0, 2, 40) > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_cars_of_the_engine_never_touch_in_a_million_steps(layout: str):
    steps = sum(_vehicle_steps(layout, flow, 16, 400) for flow in (300.0, 1200.0, 3000.0))
    assert steps > 1_000_000
