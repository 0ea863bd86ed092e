"""Bernoulli bandits (Duan et al. 2016): a policy that learned to explore beside rules that were made for it."""

from __future__ import annotations

import numpy as np
import torch

from agents.deep.rl2 import RL2, Bandits


def learned(pulls: int, arms: int, rounds: int, seed: int, trials: int = 10_000) -> float:
    """Return the mean reward of new trials after learning from `rounds` batches of 256."""

    def draw(tasks: int, generator: torch.Generator) -> Bandits:
        return Bandits(tasks, arms, generator)

    learner = RL2(draw, arms, pulls, seed=seed)
    learner.train(rounds)
    return learner.score(trials, 1000 + seed)


def rule(name: str, pulls: int, arms: int, trials: int = 20_000, seed: int = 0) -> float:
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
