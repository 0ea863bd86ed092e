"""From the settings of a suite to learners."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete

from agents.checkpoint import differences
from agents.exploration import from_rule_config
from agents.schedules import from_config, learning_rate
from benchmarks import catalogue
from benchmarks.config_parts import Exploration as ExplorationConfig
from benchmarks.config_parts import Schedule as ScheduleConfig
from benchmarks.jobs import Job, start_of
from benchmarks.kinds import KINDS, OWN, SEVERAL, TEAM, Kind, LearnerAgent
from marl_envs.core.params import ParameterError

RULES = {"threshold": "marl_envs.traffic.signals.labels:threshold_actions"}  # those that a learner can lean on


def make_learner(settings: LearnerAgent, vec: Any, seed: int) -> Any:
    """Return a new learner for `vec`; raise ParameterError if the settings or the environment do not fit."""
    import agents

    kind = KINDS[settings.kind]
    return getattr(agents, kind.learner)(vec, seed=seed, **_arguments(settings, kind))


def seen_by(settings: LearnerAgent, vec: Any) -> Any:
    """Return the environment as the learner needs it: `vec` itself, or with a wrapper around it."""
    import agents

    kind = KINDS[settings.kind]
    if not kind.wrapper:
        return vec
    given = {name: getattr(settings, name) for name in kind.of_wrapper}
    return getattr(agents, kind.wrapper)(vec, **{name: value for name, value in given.items() if value is not None})


def check(job: Job) -> None:
    """Raise ParameterError if the job's learner would be refused.

    Nothing runs; an environment is made only where it depends on its size whether the learner can play.
    """
    settings = job.settings
    assert isinstance(settings, LearnerAgent)
    kind = KINDS[settings.kind]
    _check_environment(job, kind)
    vec = catalogue.make(job, 1, training=True) if kind.by_size else _any_size(job, kind)
    make_learner(settings, seen_by(settings, vec), job.seed)
    before = start_of(job)
    if before is not None:
        _check_start(job, before)


def _check_start(job: Job, before: Job) -> None:
    """Refuse a start from a place where what is learned has another size."""
    here, there = (
        {name: list(array.shape) for name, array in _learner_of(one).knowledge().items()} for one in (job, before)
    )
    found = differences(there, here)
    if found:
        raise ParameterError("start: what is learned there does not fit here: " + "; ".join(found))


def _learner_of(job: Job) -> Any:
    assert isinstance(job.settings, LearnerAgent)
    return make_learner(job.settings, seen_by(job.settings, catalogue.make(job, 1, training=True)), job.seed)


def _check_environment(job: Job, kind: Kind) -> None:
    """Refuse observations and rewards that are not for this kind of learner."""
    name, shown, reward = job.settings.kind, job.params.get("observation"), job.params.get("reward")
    if shown not in kind.sees:
        raise ParameterError(f"{name} learns tables: env needs observation: {' or '.join(kind.sees)}, not {shown!r}")
    if kind.reward == TEAM and reward != "team":
        raise ParameterError(f"{name} needs reward: team in env, not {reward!r}")
    if kind.reward == OWN and reward == "team":
        raise ParameterError(
            f"{name} needs reward: individual (or another that is no team reward) in env, not {reward!r}"
        )


def _any_size(job: Job, kind: Kind) -> Any:
    """Return what a learner asks of an environment, of a small one: enough to check its settings."""
    return SimpleNamespace(
        num_envs=1,
        num_agents=2,
        observation_space=MultiDiscrete([2, 2], dtype=np.int32) if kind.sees == SEVERAL else Discrete(2),
        action_space=Discrete(2),
        params=SimpleNamespace(reward=job.params.get("reward")),
        fingerprint={},
    )


def _arguments(settings: LearnerAgent, kind: Kind) -> dict[str, Any]:
    """Return the keyword arguments of the learner's class; those left out have its own defaults."""
    given = {name: getattr(settings, name) for name in kind.settings if name not in kind.of_wrapper}
    return {name: _argument(name, value) for name, value in given.items() if value is not None}


def _argument(name: str, value: Any) -> Any:
    if name == "preferred":  # a rule by name: what it does in each state
        return catalogue.load(RULES[value])()
    if isinstance(value, ExplorationConfig):
        return from_rule_config({"rule": value.rule, "schedule": _config(value.schedule)})
    if not isinstance(value, ScheduleConfig):
        return value
    schedule = value.start if value.kind == "constant" else from_config(_config(value))
    return learning_rate(schedule) if name == "alpha" else schedule


def _config(config: ScheduleConfig) -> dict[str, Any]:
    if config.kind == "constant":
        return {"kind": "constant", "value": config.start}
    return config.model_dump()
