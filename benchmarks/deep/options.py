"""A manager over a learned worker beside one network that chooses every move: RWARE's tiny floor, two robots.

Both get the same environment steps, the worker's included. The flat network has help that the manager has not: its
observation shows the way to a target that a central assignment chose, and it is paid for coming nearer.
"""

from __future__ import annotations

from typing import Any

from agents import EpsilonGreedy, Linear, ShelfOptions, evaluate, train
from agents.deep import IndependentDQN
from agents.deep.hierarchy import as_table, manager_env, worker_env
from benchmarks.deep import settings
from marl_envs import warehouse_v0
from marl_envs.warehouse.pibt import PIBTPolicy

ROBOTS, ENVS = 2, 128
WORKER, MANAGER = 384_000, 128_000  # [agent-steps]
EPISODES = 64


def world(num_envs: int = ENVS, **parameters: Any) -> Any:
    """Return a batch of the floor."""
    return warehouse_v0.vector_env(num_envs=num_envs, layout="tiny", num_robots=ROBOTS, **parameters)


def network(vec: Any, seed: int, **chosen: Any) -> IndependentDQN:
    """Return a learner; all three are alike but for what is given."""
    exploration = EpsilonGreedy(Linear(1.0, 0.05, until=0.5))
    return IndependentDQN(vec, seed=seed, **{**settings.MANY, "exploration": exploration, **chosen})


def deliveries(learner: Any, judge: Any, seed: int) -> float:
    """Return the mean deliveries of new greedy episodes of 500 steps."""
    return sum(one["deliveries"] for one in evaluate(learner, judge, EPISODES, 1000 + seed)) / EPISODES


def managed(seed: int) -> float:
    """Return the deliveries of a manager over a worker, both learned."""
    shop = worker_env(world(), ShelfOptions(world(1)))
    worker = network(shop, seed)
    train(worker, shop, WORKER, seed=seed, progress=False)
    table = as_table(worker)
    vec, judge = (manager_env(world(envs), ShelfOptions(world(1), worker=table)) for envs in (ENVS, EPISODES))
    manager = network(vec, seed, n_steps=10, exploration=EpsilonGreedy(Linear(0.5, 0.02, until=0.5)))
    train(manager, vec, MANAGER, seed=seed, progress=False)
    return deliveries(manager, judge, seed)


def flat(seed: int) -> float:
    """Return the deliveries of a network that chooses moves, after as many steps in all."""
    shown: dict[str, Any] = {"observation": "goal", "shaping": 1.0, "shaping_gamma": 0.95}
    vec = world(**shown)
    learner = network(vec, seed)
    train(learner, vec, WORKER + MANAGER, seed=seed, progress=False)
    return deliveries(learner, world(EPISODES, **shown), seed)


def planned(seed: int) -> float:
    """Return the deliveries of PIBT, which plans with all that there is to know."""
    return deliveries(PIBTPolicy(), world(EPISODES), seed)
