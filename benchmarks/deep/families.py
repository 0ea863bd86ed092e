"""Families of tasks, starts made ready for them, and what a start is worth in a task that was never seen.

A start is weights: meta-learned (Reptile), trained in all tasks at once (joint), or first ones (scratch, None). The
first two take as many agent-steps and, but for the few steps before a training begins to learn, as many batches. What
was never seen is then learned from each start with the same seed, episodes and batches; only a new network explores
more and moves faster, as it has nothing to lose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agents import EpsilonGreedy, Evaluation, History, Linear, evaluate, train
from agents.deep import MLP, IndependentDQN
from agents.deep.reptile_q import ReptileQ
from agents.together import Together
from agents.transfer import gain

STARTS = ("meta-learned", "joint", "scratch")
Make = Callable[[int], Any]  # from a number of environments to a batch


@dataclass(frozen=True)
class Family:
    """Tasks to be made ready for, others that are never seen, and for how long. Steps are agent-steps."""

    name: str
    tasks: tuple[Make, ...]
    unseen: Mapping[str, Make]
    metric: str
    sign: int
    """1: more is better; -1: less is."""
    envs: int
    """Of a task, while getting ready and while learning what is new."""
    rounds: int
    """Moves of Reptile."""
    inner_steps: int
    """Of a training between two moves; `rounds * inner_steps` is what joint training gets."""
    adapting: int
    every: int
    """Between evaluations there."""
    episodes: int
    """Of such an evaluation."""
    first: float = 0.1
    """Exploration that a training begins with; 1 from scratch."""
    last: float = 0.02
    scratch_first: float = 1.0

    def learner(self, vec: Any, seed: int, first: float, rate: float = 1e-3, **settings: Any) -> Any:
        """Return a new network for `vec`, with this exploration and learning rate at first."""
        return IndependentDQN(
            vec,
            body=MLP((64, 64)),
            gamma=0.95,
            n_steps=3,
            learning_rate=Linear(rate, 1e-4),
            exploration=EpsilonGreedy(Linear(first, self.last, until=0.6)),
            replay=40_000,
            batch=256,
            tau=0.02,
            seed=seed,
            **{"train_every": 2, "learn_after": 128, **settings},
        )

    def score(self, learner: Any, vec: Any, seed: int, episodes: int) -> float:
        """Return the mean of the metric in new greedy episodes."""
        return Evaluation(0, evaluate(learner, vec, episodes, 1000 + seed, transfer=True)).mean(self.metric)


def reptile(family: Family, seed: int) -> ReptileQ:
    """Return the meta-training of a family, before its first round."""
    return ReptileQ(
        lambda vec, one: family.learner(vec, one, family.first),
        [make(family.envs) for make in family.tasks],
        inner_steps=family.inner_steps,
        seed=seed,
    )


def made_ready(family: Family, start: str, seed: int) -> Any:
    """Return a start of that kind, with `knowledge()`; None: scratch."""
    if start == "scratch":
        return None
    if start == "meta-learned":
        found = reptile(family, seed)
        found.train(family.rounds)
        return found
    vec = Together([make(family.envs) for make in family.tasks])
    batches = len(family.tasks) // 2  # of each step, as a task has one in two
    learner = family.learner(vec, seed, family.scratch_first, train_every=1, gradient_steps=batches)
    train(learner, vec, family.rounds * family.inner_steps, seed=seed, progress=False)
    return learner


def beginner(family: Family, vec: Any, start: Any, seed: int) -> Any:
    """Return a learner for `vec` that knows what `start` does."""
    if start is None:
        return family.learner(vec, seed, family.scratch_first)
    learner = family.learner(vec, seed, family.first, rate=3e-4)
    learner.know(start.knowledge())
    return learner


def course(family: Family, place: str, start: Any, seed: int) -> History:
    """Return how a task that was never seen is learned from a start, evaluated as it goes."""
    vec = family.unseen[place](family.envs)
    learner = beginner(family, vec, start, seed)
    return train(
        learner,
        vec,
        family.adapting,
        seed=seed,
        eval_every=family.every,
        eval_env=family.unseen[place](family.episodes),
        eval_episodes=family.episodes,
        eval_seed=1000 + seed,
        progress=False,
    )


def scores(family: Family, history: History) -> list[float]:
    """Return the metric of each evaluation."""
    return [one.mean(family.metric) for one in history.evaluations]


def worth(family: Family, control: History, ours: History, level: float) -> tuple[float, float]:
    """Return what a start gains over another one: jump start [units of the metric], steps saved to `level` [%].

    Who never comes to the level took all steps; steps saved are a share of all of them.
    """
    found = gain(_signed(family, control), _signed(family, ours), "better", level=family.sign * level)
    whole = control.total_steps
    steps = [whole if reached is None else reached for reached in (found.scratch_steps, found.transfer_steps)]
    return found.jump_start, 100.0 * (steps[0] - steps[1]) / whole


def _signed(family: Family, history: History) -> History:
    """Return the same evaluations with a metric of which more is better."""
    pairs = zip(history.evaluations, scores(family, history), strict=True)
    kept = [Evaluation(one.steps, [{"better": family.sign * score}]) for one, score in pairs]
    return History(history.total_steps, evaluations=kept)
