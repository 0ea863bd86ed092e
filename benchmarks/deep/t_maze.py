"""The T-maze (Bakker 2001): ten steps after the cue one has to remember it."""

from __future__ import annotations

from typing import Any

from agents import EpsilonGreedy, Linear, evaluate, train
from agents.deep import GRU, MLP, Attention, IndependentDQN
from benchmarks.deep import settings
from marl_envs import gridworld_v0

BODIES: dict[str, dict[str, Any]] = {
    "GRU": {"body": GRU(32), "sequence": 12, "batch": 32},
    # A window of 16 has room for a few steps back: with 11 only who never strays still sees the cue at the junction.
    "attention": {"body": Attention(32, window=16, heads=1), "prioritised": 0.6, "learning_rate": Linear(2e-3, 2e-4)},
    "no memory": {"body": MLP((32, 32))},
}
STEPS = {"GRU": 40_000, "attention": 64_000, "no memory": 40_000}  # of agents


def share_correct(name: str, seed: int, episodes: int = 200) -> float:
    """Return the percentage of greedy episodes in which the right arm was taken, in a corridor of 10 steps."""
    vec = gridworld_v0.vector_env(32, world="t_maze", corridor=10, max_cycles=60, observation="vector")
    common = {
        "exploration": EpsilonGreedy(Linear(1.0, 0.1, until=0.15)),
        "learning_rate": Linear(4e-3, 5e-4),
        "replay": 20_000,
    }
    learner = IndependentDQN(vec, seed=seed, **{**settings.SHORT, **common, **BODIES[name]})
    train(learner, vec, STEPS[name], seed=seed, progress=False)
    played = evaluate(learner, vec, episodes, 1000 + seed)
    return 100.0 * sum(episode["success"] for episode in played) / episodes
