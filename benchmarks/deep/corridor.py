"""A corridor with a home at each end and a goal in the middle, where a robot has to remember where a shelf belongs.

Requests, homes and shelves are seen from the next cell only; two shelves are requested in turn. With the delivered
shelf on the goal both directions look alike, also after a turn. With memory a round takes 8 + 4 N steps (N cells from
the goal to a home): the robot turns round at once. Without, no fixed choice can tell "I came from there" from "there I
have to go", so the best one drives on to the wrong end, sees it taken and comes back: 2 (N - 1) more. The tests find
both numbers by a search through all policies of an independent model.
"""

from __future__ import annotations

from typing import Any

from agents import EpsilonGreedy, Linear, evaluate, train
from agents.deep import GRU, MLP, Attention, IndependentDQN
from benchmarks.deep import settings
from marl_envs import warehouse_v0

N, CYCLES = 4, 240  # cells from the goal to a home; steps of an episode, ten rounds with memory
LAYERS = ("shelves", "requests", "agents", "agent_load", "goals", "accessible")
BODIES: dict[str, dict[str, Any]] = {
    "GRU": {"body": GRU(32), "sequence": 10, "batch": 32},
    # A window of 4 is enough for who never strays. Prioritised replay, which the T-maze needs, made it slow here.
    "attention": {
        "body": Attention(32, window=6, heads=1),
        "sequence": 8,
        "batch": 32,
        "learning_rate": Linear(2e-3, 2e-4),
        "exploration": EpsilonGreedy(Linear(1.0, 0.05, until=0.25)),
    },
    "no memory": {"body": MLP((32, 32)), "batch": 64},
}
STEPS = {"attention": 144_000}  # of learning, where they differ: with 96,000 one of five seeds was not there yet


def floor(cells: int = N) -> str:
    """Return the corridor, standing upright."""
    arm = "." * (cells - 1)
    return "\n".join(f"x{arm}g{arm}x")


def round_length(memory: bool, cells: int = N) -> int:
    """Return the steps of the fastest round (fetch, deliver, put back) with and without memory."""
    return 8 + 4 * cells + (0 if memory else 2 * (cells - 1))


def world(num_envs: int, cells: int = N, shaping: float = 1.0) -> Any:
    """Return the batch."""
    return warehouse_v0.vector_env(
        num_envs=num_envs,
        layout=floor(cells),
        num_robots=1,
        request_queue_size=1,
        observation="image",
        image_layers=LAYERS,
        max_cycles=CYCLES,
        shaping=shaping,
        shaping_gamma=0.95,
    )


def deliveries(name: str, seed: int, steps: int | None = None, episodes: int = 64) -> float:
    """Return the deliveries of a greedy episode after `steps` steps, the best of eight evaluations being kept."""
    steps = STEPS.get(name, 96_000) if steps is None else steps
    vec, judge = world(32), world(32)
    common = {
        "exploration": EpsilonGreedy(Linear(1.0, 0.05, until=0.5)),
        "learning_rate": Linear(3e-3, 3e-4),
        "replay": 30_000,
    }
    learner = IndependentDQN(vec, seed=seed, **{**settings.SHORT, **common, **BODIES[name]})
    rules: dict[str, Any] = {
        "eval_every": steps // 8,
        "eval_env": judge,
        "eval_episodes": 32,
        "keep_best": "deliveries",
    }
    train(learner, vec, steps, seed=seed, progress=False, **rules)
    played = evaluate(learner, judge, episodes, 1000 + seed)
    return sum(episode["deliveries"] for episode in played) / episodes
