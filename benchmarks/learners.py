"""From the settings of a suite to learners."""

from __future__ import annotations

from typing import Any

from agents.exploration import Exploration, from_rule_config
from agents.schedules import Schedule, as_schedule, from_config
from benchmarks.config import Exploration as ExplorationConfig
from benchmarks.config import LearnerAgent
from benchmarks.config import Schedule as ScheduleConfig
from benchmarks.jobs import Job
from marl_envs.core.params import ParameterError

NUMBERED = ("tabular", "tabular_push")  # observations that are one integer


def make_learner(settings: LearnerAgent, vec: Any, seed: int) -> Any:
    """Return a new learner for `vec`; raise ParameterError if the settings or the environment do not fit."""
    from agents import IndependentQLearning, SharedRewardQLearning

    cls = {"independent_q": IndependentQLearning, "shared_q": SharedRewardQLearning}[settings.kind]
    return cls(vec, seed=seed, **_arguments(settings))


def check(job: Job) -> None:
    """Raise ParameterError if the job's learner would be refused; makes no table and no environment."""
    settings = job.settings
    assert isinstance(settings, LearnerAgent)
    _arguments(settings)
    shown = job.params.get("observation")
    if shown not in NUMBERED:
        raise ParameterError(
            f"{settings.kind} learns tables: env needs observation: {' or '.join(NUMBERED)}, not {shown!r}"
        )
    team = job.params.get("reward") == "team"
    if team != (settings.kind == "shared_q"):
        needs = "needs reward: team" if settings.kind == "shared_q" else "needs reward: individual (or two_stage)"
        raise ParameterError(f"{settings.kind} {needs} in env, not {job.params.get('reward')!r}")


def _arguments(settings: LearnerAgent) -> dict[str, Any]:
    return {
        "alpha": as_schedule("alpha", _alpha(settings.alpha), 0.0, 1.0),
        "gamma": settings.gamma,
        "exploration": _exploration(settings.exploration),
        "share_table": settings.share_table,
    }


def _exploration(config: ExplorationConfig) -> Exploration:
    return from_rule_config({"rule": config.rule, "schedule": _schedule(config.schedule)})


def _alpha(config: ScheduleConfig) -> Schedule | float:
    return config.start if config.kind == "constant" else from_config(_schedule(config))


def _schedule(config: ScheduleConfig) -> dict[str, Any]:
    if config.kind == "constant":
        return {"kind": "constant", "value": config.start}
    return config.model_dump()
