"""From the settings of a suite to learners."""

from __future__ import annotations

from typing import Any

from agents.exploration import Exploration, from_rule_config
from agents.schedules import Schedule, from_config, learning_rate
from benchmarks.config_agents import Exploration as ExplorationConfig
from benchmarks.config_agents import LearnerAgent
from benchmarks.config_agents import Schedule as ScheduleConfig
from benchmarks.jobs import Job
from marl_envs.core.params import ParameterError

# Kind of learner -> its class in `agents`, observations that suit it, whether it needs the team's reward
ONE, SEVERAL = ("tabular", "tabular_push"), ("tiles",)  # integers in an observation
KINDS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "independent_q": ("IndependentQLearning", ONE, False),
    "shared_q": ("SharedRewardQLearning", ONE, True),
    "independent_linear_q": ("IndependentLinearQLearning", SEVERAL, False),
    "shared_linear_q": ("SharedRewardLinearQLearning", SEVERAL, True),
}


def make_learner(settings: LearnerAgent, vec: Any, seed: int) -> Any:
    """Return a new learner for `vec`; raise ParameterError if the settings or the environment do not fit."""
    import agents

    return getattr(agents, KINDS[settings.kind][0])(vec, seed=seed, **_arguments(settings))


def check(job: Job) -> None:
    """Raise ParameterError if the job's learner would be refused; makes no table and no environment."""
    settings = job.settings
    assert isinstance(settings, LearnerAgent)
    _arguments(settings)
    _, suits, needs_team = KINDS[settings.kind]
    shown = job.params.get("observation")
    if shown not in suits:
        raise ParameterError(
            f"{settings.kind} learns tables: env needs observation: {' or '.join(suits)}, not {shown!r}"
        )
    team = job.params.get("reward") == "team"
    if team != needs_team:
        needs = "needs reward: team" if needs_team else "needs reward: individual (or another that is no team reward)"
        raise ParameterError(f"{settings.kind} {needs} in env, not {job.params.get('reward')!r}")


def _arguments(settings: LearnerAgent) -> dict[str, Any]:
    return {
        "alpha": learning_rate(_alpha(settings.alpha)),
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
