"""Matrix games with value decomposition: what a sum can represent, and what only a monotone mixture can."""

from __future__ import annotations

import numpy as np
import torch

from agents import EpsilonGreedy, Linear, evaluate, train
from agents.deep import MLP, DeepVDN
from marl_envs import matrix_v0

PAYOFF = np.array([[0.0, 1.0], [1.0, 8.0]])  # state 2B of the two-step game
COMMON = {
    "body": MLP((64,)),
    "gamma": 1.0,
    "exploration": EpsilonGreedy(1.0),
    "learning_rate": Linear(1e-2, 1e-3),
    "batch": 128,
    "replay": 5000,
    "tau": 0.02,
    "huber": 10.0,
}


def two_step(cls: type[DeepVDN], seed: int, steps: int = 40_000) -> float:
    """Return what the greedy team earns in the two-step game after learning from actions drawn alike."""
    vec = matrix_v0.vector_env(num_envs=32, game="two_step")
    learner = cls(vec, seed=seed, **COMMON)
    train(learner, vec, steps, seed=seed, progress=False)
    (episode,) = evaluate(learner, vec, 1, seed=1)
    return episode["return"] / vec.num_agents  # a common payoff is paid to each


def vdn_gap(seed: int, steps: int = 64_000) -> float:
    """Return the largest difference of VDN's fit of PAYOFF from row mean + column mean - mean."""
    vec = matrix_v0.vector_env(num_envs=32, payoff=PAYOFF.tolist())
    learner = DeepVDN(vec, seed=seed, **COMMON)
    train(learner, vec, steps, seed=seed, progress=False)
    obs, begins = torch.zeros(1, 1, 2, dtype=torch.int32), torch.zeros(1, 1, 2, dtype=torch.bool)
    first, second = learner.team(obs.to(learner.device), torch.zeros(1, 2, 0).to(learner.device), begins)[0][0, 0].cpu()
    exact = PAYOFF.mean(1)[:, None] + PAYOFF.mean(0) - PAYOFF.mean()
    return float(np.abs((first[:, None] + second).detach().numpy() - exact).max())
