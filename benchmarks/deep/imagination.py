"""CartPole-v1 from few steps: a DQN that also learns in a model of the cart, beside the same without.

Two controls: as many batches, all real (is it the model, or only more descent?), and a model that is wrong, since it
learns from actions that were mixed up (does a model help whatever it says?).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from agents import EpsilonGreedy, GymnasiumEnv, Linear, train
from agents.deep import MLP
from agents.deep.dyna import DynaDQN
from agents.deep.model_error import ModelErrors, model_errors

STEPS, PLANNING, HORIZON = 5000, 4, 3


class Misled(DynaDQN):
    """Its model learns from remembered steps whose actions were exchanged."""

    def _draw(self, rng: Any, count: int) -> dict[str, Tensor]:
        step = super()._draw(rng, count)
        return step | {"action": torch.flip(step["action"], dims=(0,))}


KINDS: dict[str, tuple[type[DynaDQN], dict[str, Any]]] = {
    "model": (DynaDQN, {"planning": PLANNING, "horizon": HORIZON}),
    "no model": (DynaDQN, {"planning": 0}),
    "no model, as many batches": (DynaDQN, {"planning": 0, "gradient_steps": 1 + PLANNING}),
    "wrong model": (Misled, {"planning": PLANNING, "horizon": HORIZON}),
}


class Played(NamedTuple):
    """What came of a training."""

    score: float  # mean return of greedy episodes over the ten evaluations of the training
    errors: ModelErrors


def played(kind: str, seed: int, steps: int = STEPS) -> Played:
    """Train for `steps` steps and return what came of it."""
    vec, judge = GymnasiumEnv("CartPole-v1", 8), GymnasiumEnv("CartPole-v1", 10)
    cls, settings = KINDS[kind]
    learner = cls(
        vec,
        body=MLP((64, 64)),
        learning_rate=1e-3,
        exploration=EpsilonGreedy(Linear(1.0, 0.05, until=0.3)),
        learn_after=500,
        train_every=1,
        tau=0.05,
        huber=10.0,
        clip=1000.0,
        seed=seed,
        **settings,
    )
    history = train(
        learner, vec, steps, seed=seed, eval_every=steps // 10, eval_env=judge, eval_episodes=10, progress=False
    )
    scores = [one.mean("return") for one in history.evaluations[1:]]
    return Played(sum(scores) / len(scores), model_errors(learner, judge, 5, 1000 + seed))
