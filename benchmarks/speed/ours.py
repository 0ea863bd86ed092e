"""What we measure of our own: the batch, the PettingZoo face, and tabular training."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.speed.measure import Block

TINY: dict[str, Any] = {"layout": "tiny", "num_robots": 2}
SMALL: dict[str, Any] = {"layout": "small", "num_robots": 4}
PLANNED = 64  # steps of random actions, sampled before and used over and over


def batch(params: dict[str, Any], num_envs: int, num_threads: int = 1) -> Block:
    """Return random play of a VectorEnv, resets included; unit: agent-steps."""
    from marl_envs import warehouse_v0

    # Without masks unless asked for: the peer has none.
    vec = warehouse_v0.vector_env(num_envs=num_envs, num_threads=num_threads, **{"mask": None, **params})
    vec.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, int(vec.action_space.n), (PLANNED, num_envs, vec.num_agents))
    work = PLANNED * num_envs * vec.num_agents

    def block() -> int:
        for step in actions:
            vec.step(step)
        return work

    return block


def errands(num_robots: int, num_envs: int, planned: bool = False, steps: int = 32) -> Block:
    """Return errands on 140x500 cells, by random actions or by PIBT, which plans each step; unit: agent-steps.

    Goals are the stations, so that their distance tables are soon complete.
    """
    from marl_envs import errands_v0
    from marl_envs.warehouse.errands.pibt import PIBTPolicy

    floor: dict[str, Any] = {
        "floor": "storage-140x500",
        "goals": "stations",
        "observation": "tabular",
        "max_cycles": 1000,
    }
    vec = errands_v0.vector_env(num_envs=num_envs, num_robots=num_robots, **floor)
    obs, _ = vec.reset(seed=0)
    policy = PIBTPolicy()
    actions = np.random.default_rng(0).integers(0, int(vec.action_space.n), (steps, num_envs, num_robots))

    def block() -> int:
        for step in actions:
            vec.step(policy.act(vec, obs) if planned else step)
        return steps * num_envs * num_robots

    return block


def parallel(params: dict[str, Any], steps: int = 2000) -> Block:
    """Return random play of the ParallelEnv, resets included; unit: agent-steps."""
    from marl_envs import warehouse_v0

    env = warehouse_v0.parallel_env(**params)
    env.reset(seed=0)
    names = env.possible_agents
    drawn = np.random.default_rng(0).integers(0, 5, (steps, len(names))).tolist()
    actions = [dict(zip(names, row, strict=True)) for row in drawn]

    def block() -> int:
        for action in actions:
            env.step(action)
            if not env.agents:
                env.reset()
        return steps * len(names)

    return block


def training(params: dict[str, Any], num_envs: int = 256, steps: int = 400) -> Block:
    """Return tabular training, environment included; unit: agent-updates."""
    from agents import IndependentQLearning, train
    from marl_envs import warehouse_v0

    vec = warehouse_v0.vector_env(num_envs=num_envs, observation="tabular", **params)
    learner = IndependentQLearning(vec, seed=0)
    work = steps * num_envs * vec.num_agents

    def block() -> int:
        train(learner, vec, work, seed=0, progress=False)
        return work

    return block
