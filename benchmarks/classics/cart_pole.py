"""CartPole-v1 with tile coding and SARSA(lambda): solved is a mean of 475 over 100 greedy episodes."""

from __future__ import annotations

from agents import EpsilonGreedy, Linear, evaluate, train
from agents.linear.coding import TileCoder
from agents.linear.sarsa_lambda import LinearSarsaLambda
from agents.single_agent import GymnasiumEnv

SOLVED = 475.0
LOW, HIGH = [-2.4, -2.5, -0.21, -3.0], [2.4, 2.5, 0.21, 3.0]  # position, velocity, angle, angular velocity


def greedy_return(seed: int, steps: int = 400_000, num_envs: int = 16, episodes: int = 100) -> float:
    """Train with `seed` for `steps` steps and return the mean return of greedy episodes."""
    vec = GymnasiumEnv("CartPole-v1", num_envs, TileCoder(LOW, HIGH, bins=[4, 4, 8, 8], tilings=8))
    learner = LinearSarsaLambda(
        vec,
        lam=0.9,
        alpha=Linear(0.2, 0.02),
        gamma=0.99,
        exploration=EpsilonGreedy(Linear(0.1, 0.0, until=0.8)),
        seed=seed,
    )
    train(learner, vec, steps, seed=seed, progress=False)
    played = evaluate(learner, vec, episodes, 1000 + seed)
    return sum(episode["return"] for episode in played) / episodes
