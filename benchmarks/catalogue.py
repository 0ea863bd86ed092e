"""The environments a suite can name, who can play them, and checks of a suite that need no simulation."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import external
from benchmarks.config import Suite
from benchmarks.config_agents import CheckpointAgent, ExternalAgent
from benchmarks.errors import InputError
from benchmarks.jobs import Job, start_of
from benchmarks.kinds import KINDS, LearnerAgent


class Planner(NamedTuple):
    """Where a policy is, and for which value of an environment parameter it is, if not for all: (name, value)."""

    policy: str
    needs: tuple[str, object] | None = None


class Event(NamedTuple):
    """What may happen in an episode: the metric that counts it, and the one that says when, in steps or seconds."""

    counted: str
    at: str = ""  # "" where no metric does
    clock: str = ""  # parameter that is the length of a step [s]; "" where `at` counts steps

    def unit(self, params: dict[str, Any]) -> float:
        """Return how much of `at` one step is."""
        return float(params.get(self.clock, DEFAULT_INTERVAL)) if self.clock else 1.0


class Family(NamedTuple):
    """Where the parts of an environment family are: "module:attribute"; nothing is imported before it is used."""

    vector_env: str
    params: str
    metrics: str
    replay: str  # function of a trajectory that gives what the report's player needs; "" where it shows none
    policies: dict[str, tuple[Planner, ...]]  # by kind of agent, the first that fits; learners play in every family
    events: dict[str, Event] = {}  # noqa: RUF012  what an episode can be found by, beside its headline


DEFAULT_INTERVAL = 0.5  # of intersection_v0 between two decisions [s]
_DEADLOCK = {"first-deadlock": Event("deadlocks", "deadlock_first")}
_CONTROLLERS = "marl_envs.traffic.signals.controllers"
_DRIVERS = "marl_envs.traffic.vehicles.policies"

FAMILIES = {
    "warehouse_v0": Family(
        vector_env="marl_envs.warehouse_v0:vector_env",
        params="marl_envs.warehouse.types:Params",
        metrics="marl_envs.warehouse.metrics:METRICS",
        replay="benchmarks.replay:shelves",
        policies={
            "random": (Planner("marl_envs.warehouse.planner:RandomPolicy"),),
            "greedy": (Planner("marl_envs.warehouse.planner:GreedyPolicy"),),
            "pibt": (Planner("marl_envs.warehouse.pibt:PIBTPolicy"),),
        },
        events=_DEADLOCK,
    ),
    "errands_v0": Family(
        vector_env="marl_envs.errands_v0:vector_env",
        params="marl_envs.warehouse.errands.types:Params",
        metrics="marl_envs.warehouse.errands.metrics:METRICS",
        replay="benchmarks.replay:errands",
        policies={
            "random": (Planner("marl_envs.warehouse.planner:RandomPolicy"),),
            "pibt": (
                Planner("marl_envs.warehouse.errands.pibt:PIBTPolicy", needs=("moves", "compass")),
                Planner("marl_envs.warehouse.errands.pibt_rotate:RotatingPIBTPolicy", needs=("moves", "rotate")),
            ),
        },
        events=_DEADLOCK,
    ),
    "traffic_signals_v0": Family(
        vector_env="marl_envs.traffic_signals_v0:vector_env",
        params="marl_envs.traffic.signals.types:Params",
        metrics="marl_envs.traffic.signals.metrics:METRICS",
        replay="benchmarks.replay:signals",
        policies={
            "random": (Planner(f"{_CONTROLLERS}:RandomSignals"),),
            "fixed_time": (Planner(f"{_CONTROLLERS}:FixedTime"),),
            "webster": (Planner("marl_envs.traffic.signals.webster:Webster"),),
            "actuated": (Planner(f"{_CONTROLLERS}:Actuated"),),
            "sotl": (Planner(f"{_CONTROLLERS}:SOTL"),),
            "longest_queue": (Planner(f"{_CONTROLLERS}:LongestQueue"),),
            "max_pressure": (Planner(f"{_CONTROLLERS}:MaxPressure"),),
            "threshold": (Planner(f"{_CONTROLLERS}:Threshold"),),
        },
    ),
    "intersection_v0": Family(
        vector_env="marl_envs.intersection_v0:vector_env",
        params="marl_envs.traffic.vehicles.params:Params",
        metrics="marl_envs.traffic.vehicles.metrics:METRICS",
        replay="benchmarks.replay_vehicles:vehicles",
        policies={
            "random": (Planner(f"{_DRIVERS}:RandomDriver"),),
            "engine_driver": (Planner(f"{_DRIVERS}:EngineDriver"),),
            "all_way_stop": (Planner(f"{_DRIVERS}:AllWayStop"),),
            "two_way_priority": (Planner(f"{_DRIVERS}:TwoWayPriority"),),
            "reservation": (Planner(f"{_DRIVERS}:Reservation"),),
            "fixed_signal": (Planner(f"{_DRIVERS}:FixedSignal"),),
            "actuated_signal": (Planner(f"{_DRIVERS}:ActuatedSignal"),),
        },
        events={
            "first-collision": Event("collisions"),
            "first-deadlock": Event("deadlock", "deadlock_at", clock="decision_interval"),
        },
    ),
    "matrix_v0": Family(
        vector_env="marl_envs.matrix_v0:vector_env",
        params="marl_envs.small.matrix.types:Params",
        metrics="marl_envs.small.matrix.metrics:METRICS",
        replay="",
        policies={"random": (Planner("marl_envs.warehouse.planner:RandomPolicy"),)},
    ),
}

LEARNERS: tuple[str, ...] = tuple(KINDS)


def load(reference: str) -> Any:
    """Return the object that "module:attribute" names."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def metrics(env: str) -> dict[str, tuple[str, str]]:
    """Return metric name -> (unit, description) of an environment family."""
    table: dict[str, tuple[str, str]] = load(FAMILIES[env].metrics)
    return table


def make(job: Job, num_envs: int, training: bool = False) -> Any:
    """Return the environment that the job is measured (or trains) in: a VectorEnv of `num_envs` on one thread."""
    params = job.train_params if training and job.train_params is not None else job.params
    return load(FAMILIES[job.env].vector_env)(num_envs=num_envs, num_threads=1, **params)


def make_policy(job: Job) -> Any:
    """Return the reference policy that plays the job, see `check_job`; its settings are its keyword arguments."""
    from marl_envs.core.params import build

    if isinstance(job.settings, ExternalAgent | CheckpointAgent):
        return external.make(job.settings, make(job, 1))
    params = build(load(FAMILIES[job.env].params), dict(job.params))
    planner = next(p for p in FAMILIES[job.env].policies[job.settings.kind] if fits(p, params))
    return load(planner.policy)(**job.settings.model_dump(exclude={"kind", "env"}))


def fits(planner: Planner, params: Any) -> bool:
    """Return whether the policy plays an environment with these parameters."""
    return planner.needs is None or getattr(params, planner.needs[0]) == planner.needs[1]


def check_suite(suite: Suite, path: Path) -> None:
    """Raise InputError for a headline that an environment does not count, or a metric in a table that none counts."""
    counted = {name: metrics(environment.env) for name, environment in suite.environments.items()}
    for name, known in counted.items():
        headline = suite.headline_in(name)
        if headline not in known:
            raise InputError(
                f"{path}: headline: environments.{name} has no metric {headline!r}; allowed are {', '.join(known)}"
            )
    every = list(dict.fromkeys(metric for known in counted.values() for metric in known))
    allowed = ", ".join(every)
    for title, shown in suite.tables.items():
        for metric in shown:
            if metric not in every:
                raise InputError(
                    f"{path}: tables.{title}: no environment has a metric {metric!r}; allowed are {allowed}"
                )
    for title, rate in suite.rates.items():
        for key, metric in (("events", rate.events), ("of", rate.of)):
            if metric not in every:
                raise InputError(
                    f"{path}: rates.{title}.{key}: no environment has a metric {metric!r}; allowed are {allowed}"
                )


def check_job(job: Job, path: Path) -> None:
    """Raise InputError if the environment or the learner would refuse its parameters; builds nothing large."""
    from marl_envs.core.params import ParameterError, build

    try:
        build(load(FAMILIES[job.env].params), dict(job.params))
    except ParameterError as error:
        raise InputError(f"{path}: environments.{job.environment}.params (for {job.agent}): {error}") from error
    try:
        build(load(FAMILIES[job.env].params), dict(job.train_params or job.params))
    except ParameterError as error:
        raise InputError(f"{path}: environments.{job.environment}.train_on (for {job.agent}): {error}") from error
    if job.train is not None and job.train.safety_params:
        try:
            build(load(FAMILIES[job.env].params), {**(job.train_params or job.params), **job.train.safety_params})
        except ParameterError as error:
            raise InputError(f"{path}: train.safety_params (for {job.agent} in {job.environment}): {error}") from error
    before = start_of(job)
    try:
        build(load(FAMILIES[job.env].params), dict((before or job).train_params or job.params))
    except ParameterError as error:
        raise InputError(f"{path}: agents.{job.agent}.start.params (in {job.environment}): {error}") from error
    if not isinstance(job.settings, LearnerAgent):
        _check_policy(job, path)
    else:
        from benchmarks.learners import check

        try:
            check(job)
        except ParameterError as error:
            raise InputError(f"{path}: agents.{job.agent}: {error}") from error


def _check_policy(job: Job, path: Path) -> None:
    """Raise InputError if nobody of this kind can play the family."""
    if isinstance(job.settings, ExternalAgent | CheckpointAgent):
        try:
            external.make(job.settings, make(job, 1))
        except InputError as error:
            raise InputError(f"{path}: agents.{job.agent}.{error} (in {job.environment})") from error
        return
    kind, policies = job.settings.kind, FAMILIES[job.env].policies
    if kind not in policies:
        allowed = ", ".join([*policies, *LEARNERS])
        raise InputError(
            f"{path}: agents.{job.agent}.kind: {kind} does not play {job.env} (environments.{job.environment}); "
            f"allowed are {allowed}"
        )
