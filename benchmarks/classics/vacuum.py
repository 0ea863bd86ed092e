"""The robot vacuum: the three values of the essay that the rules of `vacuum_v0` make exact, 5, 4 and 1."""

from __future__ import annotations

import numpy as np

from agents import EpsilonGreedy, IndependentQLearning
from benchmarks.classics.play import Player
from marl_envs import vacuum_v0
from marl_envs.small.vacuum.types import BEDROOM_1, BEDROOM_2, KITCHEN

EXPECTED = (5.0, 4.0, 1.0)


def values(rules: str, steps: int = 20_000, seed: int = 0) -> tuple[float, float, float]:
    """Return Q(living room, to kitchen), Q(kitchen, to bedroom 2) and Q(living room, to bedroom 1) as learned.

    Q-learning with alpha 1, which is exact in a deterministic world; `rules` is "visits" or "dock".
    """
    vec = vacuum_v0.vector_env(num_envs=4, rules=rules)
    learner = IndependentQLearning(vec, alpha=1.0, gamma=1.0, exploration=EpsilonGreedy(1.0), seed=seed)
    player = Player(learner, vec, seed)
    for _ in range(steps // vec.num_envs):
        player.step()
    start, _ = vec.reset(seed=seed)
    first = int(start[0, 0])
    kitchen, *_ = vec.step(np.full((vec.num_envs, 1), KITCHEN))
    second = int(kitchen[0, 0])
    q = learner.q[0].astype(float)
    return float(q[first, KITCHEN]), float(q[second, BEDROOM_2]), float(q[first, BEDROOM_1])
