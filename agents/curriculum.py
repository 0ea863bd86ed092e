"""A curriculum: the same task under harder and harder parameters; a stage that is mastered leads to the next.

What was learned is carried along, so observations and actions must be the same in all stages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.evaluation import evaluate
from agents.training import common_seed, train
from marl_envs.core.params import ParameterError, check_int

_EVALUATIONS, _TRAININGS = 1 << 43, 1 << 44  # streams far apart: nobody is examined on what was trained


@dataclass(frozen=True)
class Stage:
    """Parameters to train under, and what has to be reached there."""

    params: dict[str, Any]
    """For the function that makes the environment."""
    level: float
    """Mean of the metric in greedy episodes that promotes to the next stage."""
    most_steps: int
    """Agent-steps after which the next stage begins in any case."""


@dataclass(frozen=True)
class Passed:
    """How a stage went."""

    steps: int
    """Agent-steps of training in it; 0 if it was mastered from the start."""
    score: float
    """Mean of the metric at its end."""
    promoted: bool
    """Whether the level was reached."""


def climb(
    make_env: Callable[..., Any],
    make_learner: Callable[[Any], Any],
    stages: Sequence[Stage],
    metric: str,
    *,
    check_every: int,
    episodes: int = 32,
    seed: int = 0,
) -> tuple[Any, list[Passed]]:
    """Train through the stages; return the learner of the last one, and how each went.

    Args:
        make_env: from a stage's parameters to a VectorEnv.
        make_learner: from a VectorEnv to a learner; its schedules run once in every `check_every` steps.
        stages: in order, at least one.
        metric: of greedy episodes; more is better.
        check_every: agent-steps between evaluations.
        episodes: in an evaluation.
        seed: of trainings and evaluations.

    Raises:
        ParameterError: no stages, a bad number, or an unknown metric.
        ValueError: tables of two stages differ in size.
    """
    check_int("check_every", check_every, 1, 2**62)
    if not stages:
        raise ParameterError("stages must not be empty")
    for number, stage in enumerate(stages):
        check_int(f"stages[{number}].most_steps", stage.most_steps, 1, 2**62)
    learner, passed = None, []
    for number, stage in enumerate(stages):
        vec = make_env(**stage.params)
        if metric not in vec.metric_names:
            raise ParameterError(f"metric must be one of {', '.join(vec.metric_names)}, not {metric!r}")
        fresh = make_learner(vec)
        if learner is not None:
            _carry(learner, fresh, number)
        learner = fresh
        passed.append(_play(learner, vec, stage, metric, check_every, episodes, seed, number))
    return learner, passed


def _carry(old: Any, new: Any, number: int) -> None:
    """Give `new` what `old` knows."""
    knowledge = old.knowledge()
    for name, array in new.knowledge().items():
        if knowledge[name].shape != array.shape:
            raise ValueError(
                f"stage {number} needs {name} of shape {array.shape}, but the stage before has {knowledge[name].shape}"
            )
    new.know(knowledge)


def _play(
    learner: Any, vec: Any, stage: Stage, metric: str, check_every: int, episodes: int, seed: int, number: int
) -> Passed:
    """Train in one stage until it is mastered or its steps are used up."""
    examined, trained = (common_seed(seed, stream + number) for stream in (_EVALUATIONS, _TRAININGS))
    steps = 0
    while True:
        played = [episode[metric] for episode in evaluate(learner, vec, episodes, examined)]
        defined = [value for value in played if not math.isnan(value)]
        score = sum(defined) / len(defined) if defined else math.nan
        if score >= stage.level or steps >= stage.most_steps:
            return Passed(steps, score, score >= stage.level)
        history = train(learner, vec, min(check_every, stage.most_steps - steps), seed=trained + steps, progress=False)
        steps += history.steps
