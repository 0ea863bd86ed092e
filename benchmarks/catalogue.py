"""The environments a suite can name, and checks of a suite against them that need no simulation."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.config import Suite
from benchmarks.errors import InputError
from benchmarks.jobs import Job


class Family(NamedTuple):
    """Where the parts of an environment family are: "module:attribute"; nothing is imported before it is used."""

    vector_env: str
    params: str
    metrics: str


FAMILIES = {
    "warehouse_v0": Family(
        vector_env="marl_envs.warehouse_v0:vector_env",
        params="marl_envs.warehouse.types:Params",
        metrics="marl_envs.warehouse.metrics:METRICS",
    ),
}


def load(reference: str) -> Any:
    """Return the object that "module:attribute" names."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def metrics(env: str) -> dict[str, tuple[str, str]]:
    """Return metric name -> (unit, description) of an environment family."""
    table: dict[str, tuple[str, str]] = load(FAMILIES[env].metrics)
    return table


def make(job: Job, num_envs: int) -> Any:
    """Return the job's environment as a VectorEnv of `num_envs` copies on one thread."""
    return load(FAMILIES[job.env].vector_env)(num_envs=num_envs, num_threads=1, **job.params)


def check_suite(suite: Suite, path: Path) -> None:
    """Raise InputError if the suite names a metric that one of its environments does not count."""
    for name, environment in suite.environments.items():
        known = metrics(environment.env)
        named = [("headline", suite.headline)]
        named += [(f"tables.{title}", metric) for title, shown in suite.tables.items() for metric in shown]
        for where, metric in named:
            if metric not in known:
                raise InputError(
                    f"{path}: {where}: environments.{name} has no metric {metric!r}; allowed are {', '.join(known)}"
                )


def check_job(job: Job, path: Path) -> None:
    """Raise InputError if the environment or the learner would refuse its parameters; builds nothing large."""
    from marl_envs.core.params import ParameterError, build

    try:
        build(load(FAMILIES[job.env].params), dict(job.params))
    except ParameterError as error:
        raise InputError(f"{path}: environments.{job.environment}.params (for {job.agent}): {error}") from error
    if job.train is not None:
        from benchmarks.learners import check

        try:
            check(job)
        except ParameterError as error:
            raise InputError(f"{path}: agents.{job.agent}: {error}") from error
