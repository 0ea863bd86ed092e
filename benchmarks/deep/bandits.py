"""Bernoulli bandits (Duan et al. 2016): a policy that learned to explore beside rules that were made for it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from agents.deep.rl2 import RL2, Bandits
from agents.deep.traces import Traces


class Part(NamedTuple):
    """A part of a training: trials of how many pulls, how many batches of 512 of them, and settings of `RL2`."""

    pulls: int
    rounds: int
    lam: float
    learning_rate: float
    entropy: float


# First to stay with what pays, for which looking few steps ahead is enough, and has the least noise; then to explore.
PLANS = {
    (10, 5): (Part(10, 300, 0.5, 2e-2, 0.02), Part(10, 500, 0.95, 1e-2, 0.02)),
    (100, 10): (Part(20, 120, 0.9, 1e-2, 0.03), Part(100, 220, 0.98, 5e-3, 0.02)),
}


def learned(pulls: int, arms: int, seed: int, trials: int = 100_000) -> float:
    """Return the mean reward of new trials after learning."""

    def draw(tasks: int, generator: torch.Generator) -> Bandits:
        return Bandits(tasks, arms, generator)

    learner = RL2(draw, arms, pulls, body=Traces(64), trials=512, epochs=3, parts=4, gamma=1.0, seed=seed)
    for part in PLANS[pulls, arms]:
        learner.steps, learner.lam = part.pulls, part.lam
        learner.learning_rate, learner.entropy = part.learning_rate, part.entropy
        learner.train(part.rounds)
    return learner.score(trials, 1000 + seed)


def rule(name: str, pulls: int, arms: int, trials: int = 100_000, seed: int = 0) -> float:
    """Return the mean reward of "greedy", "Thompson" or "UCB1" (width 0.2), all from one win and one loss more."""
    rng = np.random.default_rng(seed)
    chances = rng.random((trials, arms))
    wins, losses, rows = np.zeros_like(chances), np.zeros_like(chances), np.arange(trials)
    for _ in range(pulls):
        tried = wins + losses
        if name == "Thompson":
            liked = rng.beta(wins + 1, losses + 1)
        elif name == "UCB1":
            bonus = 0.2 * np.sqrt(2 * np.log(tried.sum(1, keepdims=True) + 1) / (tried + 1))
            liked = (wins + 1) / (tried + 2) + bonus
        else:
            liked = (wins + 1) / (tried + 2)
        pulled = (liked + 1e-9 * rng.random(liked.shape)).argmax(1)
        won = rng.random(trials) < chances[rows, pulled]
        wins[rows, pulled] += won
        losses[rows, pulled] += ~won
    return float(wins.sum(1).mean())
