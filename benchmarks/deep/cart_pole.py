"""CartPole-v1 with a double DQN: solved is a mean of 475 over 100 greedy episodes."""

from __future__ import annotations

from agents import EpsilonGreedy, GymnasiumEnv, Linear, evaluate, train
from agents.deep import MLP, IndependentDQN

SOLVED = 475.0


def greedy_return(seed: int, steps: int = 100_000, episodes: int = 100) -> float:
    """Train with `seed` for `steps` steps, keep the best of ten evaluations, and return the mean of new episodes."""
    vec, judge = GymnasiumEnv("CartPole-v1", 16), GymnasiumEnv("CartPole-v1", 50)
    learner = IndependentDQN(
        vec,
        body=MLP((64, 64)),
        n_steps=3,
        learning_rate=Linear(1e-3, 1e-4),
        exploration=EpsilonGreedy(Linear(1.0, 0.04, until=0.2)),
        replay=50_000,
        gradient_steps=2,
        tau=0.03,
        seed=seed,
    )
    train(
        *(learner, vec, steps),
        seed=seed,
        eval_every=steps // 10,
        eval_env=judge,
        eval_episodes=50,
        keep_best="return",
        progress=False,
    )
    played = evaluate(learner, judge, episodes, 1000 + seed)
    return sum(episode["return"] for episode in played) / episodes
