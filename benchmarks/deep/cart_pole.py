"""CartPole-v1 with a DQN: solved is a mean of 475 over 100 greedy episodes."""

from __future__ import annotations

from agents import EpsilonGreedy, GymnasiumEnv, Linear, evaluate, train
from agents.deep import MLP, IndependentDQN

SOLVED = 475.0


def greedy_return(seed: int, steps: int = 60_000, episodes: int = 100) -> float:
    """Train with `seed` for `steps` steps, keep the best of ten evaluations, and return the mean of new episodes.

    Values add up to 100, and what an action changes in them is about 1. With one step of rewards, and Huber's slope
    from errors of 1 on, the pole is balanced but the cart drifts off; so 20 steps, and all errors squared.
    """
    vec, judge = GymnasiumEnv("CartPole-v1", 16), GymnasiumEnv("CartPole-v1", 50)
    learner = IndependentDQN(
        vec,
        body=MLP((64, 64)),
        double=False,
        n_steps=20,
        learning_rate=Linear(5e-3, 5e-4),
        exploration=EpsilonGreedy(Linear(1.0, 0.02, until=0.16)),
        batch=128,
        train_every=32,
        gradient_steps=32,
        tau=1.0,
        target_every=64,
        huber=1000.0,
        clip=10_000.0,
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
