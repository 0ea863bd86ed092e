"""Cliff walking: what SARSA, Q-learning and Expected SARSA earn while they learn (Sutton, Barto 2018, example 6.6)."""

from __future__ import annotations

from typing import Any

from agents import EpsilonGreedy, IndependentQLearning
from agents.values.expected_sarsa import ExpectedSarsa
from agents.values.sarsa import Sarsa
from benchmarks.classics.play import Episodes, play_episodes
from marl_envs import gridworld_v0

LEARNERS: dict[str, Any] = {"sarsa": Sarsa, "q": IndependentQLearning, "expected_sarsa": ExpectedSarsa}


def play(learner: str, runs: int = 300, episodes: int = 500, alpha: float = 0.5, seed: int = 0) -> Episodes:
    """Learn with epsilon 0.1 and gamma 1, as in the book."""
    vec = gridworld_v0.vector_env(num_envs=runs, world="cliff", max_cycles=100_000)
    settings = {"alpha": alpha, "gamma": 1.0, "exploration": EpsilonGreedy(0.1), "separate_runs": True, "seed": seed}
    return play_episodes(LEARNERS[learner](vec, **settings), vec, episodes, seed)


def online_return(learner: str, runs: int = 300, episodes: int = 500, seed: int = 0) -> float:
    """Return the mean return of the episodes after the first hundred."""
    return float(play(learner, runs, episodes, seed=seed).returns[:, 100:].mean())
