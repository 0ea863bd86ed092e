"""What the tests of both errand planners share: any floor and team, and a referee that counts conflicts itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands.floors import get_floor
from marl_envs.warehouse.errands.types import BLOCKED, ERRANDS, STOPPED, SWAP, TASKS, VERTEX, WALL

FLOORS = [
    "empty-3x4",
    "empty-1x6",
    "aisles-1x1x2",
    "aisles-2x1x3",
    "storage-10x11",
    *(f"random-8x8-{percent}-{seed}" for percent in (20, 35, 45) for seed in range(4)),
]


@st.composite
def teams(draw: Any, /, **fixed: Any) -> VectorEnv:
    """Return a batch of two after its reset, on any of FLOORS, with one robot up to one in every cell."""
    floor = draw(st.sampled_from(FLOORS))
    robots = draw(st.integers(1, get_floor(floor).num_free))
    vec = errands_v0.vector_env(
        2, floor=floor, num_robots=robots, goals="anywhere", max_cycles=draw(st.integers(10, 100)), **fixed
    )
    vec.reset(seed=draw(st.integers(0, 2**32)))
    return vec


def step(vec: VectorEnv, actions: np.ndarray) -> None:
    """Take a step; check, from cells before and after alone, that nobody met and everybody who drove got there."""
    before, fresh = vec.arrays.pos.astype(int), vec.arrays.step + 1 >= vec.params.max_cycles
    heading = vec.arrays.heading.astype(int)
    vec.step(actions)
    way = vec.simulation.settings.ahead.astype(int)
    for e in np.flatnonzero(~fresh):
        after = vec.arrays.pos[e].astype(int)
        asked = before[e].copy()
        for a, action in enumerate(actions[e]):
            if vec.params.moves == "compass" and action:
                asked[a] += way[action - 1]
            elif vec.params.moves == "rotate" and action == 1:
                asked[a] += way[heading[e, a]]
        assert (after == asked).all()
        assert max(Counter(after.tolist()).values()) == 1
        moves = set(zip(before[e].tolist(), after.tolist(), strict=True))
        assert not any((b, a) in moves for a, b in moves if a != b)


def refused(vec: VectorEnv) -> int:
    """Return the robot-steps of this episode in which somebody could not do what was asked for."""
    return int(vec.arrays.tally[:, :, [STOPPED, VERTEX, SWAP, BLOCKED, WALL]].sum())


def least_errands(policy: Any, floor: str, robots: int, steps: int, **parameters: Any) -> int:
    """Return the errands of the robot that did the fewest, of four teams."""
    vec = errands_v0.vector_env(4, floor=floor, num_robots=robots, goals="anywhere", max_cycles=steps + 1, **parameters)
    obs, _ = vec.reset(seed=0)
    for _ in range(steps):
        obs, *_ = vec.step(policy.act(vec, obs))
    assert refused(vec) == 0
    return int(vec.arrays.tally[:, :, ERRANDS].min())


def kiva_rate(policy: Any, robots: int, moves: str) -> float:
    """Return tasks per step on the Kiva floor: 8 teams, 1,000 steps, starts at stations, goals at shelf sides."""
    vec = errands_v0.vector_env(
        8, floor="kiva", num_robots=robots, starts="stations", goals="sides", moves=moves, max_cycles=1001
    )
    obs, _ = vec.reset(seed=1)
    for _ in range(1000):
        obs, *_ = vec.step(policy.act(vec, obs))
    assert refused(vec) == 0
    return float(vec.arrays.tally[:, :, TASKS].sum() / 8000)


def played(policy: Any, moves: str, envs: int = 3) -> list[Any]:
    """Return the actions of environment 0 over two short episodes."""
    vec = errands_v0.vector_env(envs, floor="aisles-1x1x2", num_robots=9, goals="anywhere", moves=moves, max_cycles=25)
    obs, _ = vec.reset(seed=5)
    actions = []
    for _ in range(50):
        chosen = policy.act(vec, obs)
        actions.append(chosen[0].tolist())
        obs, *_ = vec.step(chosen)
    return actions
