"""What a suite file may contain (pydantic models), and reading one with errors that name the file and the key.

What it may say about an agent is in config_agents.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from benchmarks import yaml_file
from benchmarks.config_agents import Agent
from benchmarks.config_parts import Name, Strict
from benchmarks.errors import InputError

SUITES = Path(__file__).parent / "suites"

Files = dict[Name, str | list[str]]


class Bound(Strict):
    """A reference row: `agent` in the same environment with `params` changed, its values times `times`."""

    agent: Name
    params: dict[str, Any]
    times: float = Field(gt=0)
    label: str


class Environment(Strict):
    """One environment of a suite."""

    env: Literal["warehouse_v0", "errands_v0", "traffic_signals_v0", "intersection_v0", "matrix_v0"]
    params: dict[str, Any] = Field(description="they outrank those in the agents' env")
    data: Files = Field(default={}, description="parameter -> its file or files, below the folder MARL_ENVS_DATA")
    train_on: dict[str, Any] = Field(default={}, description="what differs from params while learners train")
    train_data: Files = Field(default={}, description="files for train_on, as data; added where both name a parameter")
    agents: list[Name] | None = Field(default=None, min_length=1, description="who plays here, if not all")
    train_steps: PositiveInt = Field(description="agent-steps a learner trains here")
    bound: Bound | None = None
    headline: str | None = Field(default=None, description="the metric agents are compared on here, if not the suite's")
    better: Literal["higher", "lower"] | None = Field(default=None, description="which is better here")
    reference: Name | None = Field(default=None, description="the agent that is 100 % here, if not the suite's")

    @model_validator(mode="after")
    def _data_are_files_below(self) -> Environment:
        for key, files in (("data", self.data), ("train_data", self.train_data)):
            for parameter in files:
                for file in files_of(files, parameter):
                    path = PurePosixPath(file)
                    if path.is_absolute() or ".." in path.parts or not path.parts:
                        raise ValueError(f"{key}.{parameter}: {file!r} must be a path below the folder, without '..'")
        for parameter in self.data:
            if parameter in self.params:
                raise ValueError(f"data.{parameter}: {parameter} is in params, too; give it once")
        return self


def files_of(files: Files, parameter: str) -> list[str]:
    """Return the file or files of a parameter as a list."""
    named = files[parameter]
    return [named] if isinstance(named, str) else named


class Sweep(Strict):
    """Environments that differ in one parameter: a panel of the figure of the headline metric against it."""

    parameter: str
    label: str = Field(description="what the axis says")
    environments: list[Name] = Field(min_length=2)


class Rate(Strict):
    """Events for so much of something, counted over all episodes of all seeds: a table with exact intervals."""

    events: str = Field(description="metric that counts rare events of an episode")
    of: str = Field(description="metric that counts what they could have happened to")
    per: PositiveInt = 1


class Training(Strict):
    """How learners train, besides the number of agent-steps."""

    num_envs: PositiveInt = 256
    evaluations: PositiveInt = Field(default=10, description="points of the learning curve")
    eval_episodes: PositiveInt = 32
    checkpoints: PositiveInt = Field(default=4, description="checkpoints in one training run")
    result: Literal["best", "last"] | PositiveInt = Field(
        default="best",
        description="what counts: the policy of the best evaluation, or the last policy, on new episodes; or the mean "
        "of so many last evaluations of the training, which then play the episodes of `evaluate`",
    )
    safety_episodes: int | None = Field(
        default=None,
        ge=2,  # of fewer nothing is sure
        description="with result: best: that policy is kept only if it beats the one before the first step once more, "
        "in so many episodes (benchmarks/safety.py)",
    )
    safety_params: dict[str, Any] = Field(
        default={},
        description="what that test's environment has otherwise than the training's: where episodes are drawn from a "
        "few hours, more of them, as the policy was chosen on those",
    )

    @model_validator(mode="after")
    def _safety_is_of_the_best(self) -> Training:
        if self.safety_episodes is not None and self.result != "best":
            raise ValueError("safety_episodes is a test of the best policy: it needs result: best")
        if self.safety_params and self.safety_episodes is None:
            raise ValueError("safety_params are of a test: they need safety_episodes")
        return self


class Evaluation(Strict):
    """The evaluation every agent gets (a learner: after training, greedily)."""

    num_envs: PositiveInt = 32
    episodes: PositiveInt = 128
    sampled: bool = Field(
        default=False, description="learners play so many episodes more as they explore at the end of their training"
    )


class Suite(Strict):
    """Environments x agents x seeds, their budgets, and what the tables show."""

    title: str
    description: str = ""
    seeds: PositiveInt
    headline: str = Field(description="the metric agents are compared on")
    better: Literal["higher", "lower"] = Field(default="higher", description="which headline is better")
    reference: Name = Field(description="the agent that is 100 %")
    chance: Name | None = Field(default=None, description="the agent that is 0 %; without one, a metric of 0 is")
    tables: dict[str, list[str]] = Field(description="title of a table -> the metrics it shows")
    train: Training = Training()
    evaluate: Evaluation = Evaluation()
    environments: dict[Name, Environment] = Field(min_length=1)
    agents: dict[Name, Agent] = Field(min_length=1)
    sweeps: dict[str, Sweep] = Field(default={}, description="title of a panel -> what it shows")
    coordination: bool = Field(
        default=False, description="measure trained agents, too: cross-play, drop-out, influence (docs/metrics.md)"
    )
    rates: dict[str, Rate] = Field(default={}, description="title of a table -> the rate it shows")

    @model_validator(mode="after")
    def _result_is_there(self) -> Suite:
        last = self.train.result
        if self.chance is None and "lower" in map(self.better_in, self.environments):
            raise ValueError("better: lower needs chance, the agent that is 0 %")
        if isinstance(last, int) and last > self.train.evaluations:
            raise ValueError(f"train.result: there are only {self.train.evaluations} evaluations, not {last}")
        for name, environment in self.environments.items():
            if (environment.train_on or environment.train_data) and isinstance(last, int):
                raise ValueError(
                    f"environments.{name}.train_on needs train.result: last, or best, as the training's evaluations, "
                    "which it plays where it trains, cannot stand for what is measured elsewhere"
                )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Suite:
        wanted = [("reference", self.reference)]
        wanted += [("chance", self.chance)] if self.chance is not None else []
        wanted += [(f"environments.{n}.bound.agent", e.bound.agent) for n, e in self.environments.items() if e.bound]
        wanted += [(f"environments.{n}.reference", e.reference) for n, e in self.environments.items() if e.reference]
        wanted += [(f"environments.{n}.agents", name) for n, e in self.environments.items() for name in e.agents or ()]
        for where, name in wanted:
            if name not in self.agents:
                raise ValueError(f"{where}: no agent {name!r}; allowed are {', '.join(self.agents)}")
        for n in self.environments:
            for share in (self.reference_in(n), self.chance):
                if share is not None and share not in self.players(n):
                    raise ValueError(f"environments.{n}.agents: {share!r} must play, as shares are taken of it")
        return self

    def headline_in(self, environment: str) -> str:
        """Return the metric that agents are compared on in an environment."""
        return self.environments[environment].headline or self.headline

    def better_in(self, environment: str) -> Literal["higher", "lower"]:
        """Return which values of it are better."""
        return self.environments[environment].better or self.better

    def reference_in(self, environment: str) -> str:
        """Return the agent that is 100 % in an environment."""
        return self.environments[environment].reference or self.reference

    def players(self, environment: str) -> list[str]:
        """Return the agents that play an environment, in the suite's order."""
        chosen = self.environments[environment].agents
        return [name for name in self.agents if chosen is None or name in chosen]

    @model_validator(mode="after")
    def _starts_have_a_counterpart(self) -> Suite:
        for name, agent in self.agents.items():
            start = getattr(agent, "start", None)
            if start is None:
                continue
            if start.learner is not None:
                raise ValueError(f"agents.{name}.start.learner: not for suites; it is what agents.{start.compare} says")
            other = self.agents.get(start.compare)
            if other is None or other.kind != agent.kind or getattr(other, "start", None) is not None:
                where = f"agents.{name}.start.compare: {start.compare!r}"
                raise ValueError(f"{where} must be an agent of kind {agent.kind} without a start")
            if other.env != agent.env:
                raise ValueError(f"agents.{name}.env must be that of {start.compare!r}, with which it is compared")
            for n in (n for n in self.environments if name in self.players(n)):
                where = f"environments.{n}"
                if start.compare not in self.players(n):
                    raise ValueError(f"{where}.agents: {start.compare!r} must play, as {name!r} is compared with it")
                if self.environments[n].train_on or self.environments[n].train_data:
                    raise ValueError(f"{where}.train_on: {name!r} cannot play here, as it has a start")
        return self

    @model_validator(mode="after")
    def _sweeps_are_of_numbers(self) -> Suite:
        for title, sweep in self.sweeps.items():
            where = f"sweeps.{title}.environments"
            for name in sweep.environments:
                if name not in self.environments:
                    allowed = ", ".join(self.environments)
                    raise ValueError(f"{where}: no environment {name!r}; allowed are {allowed}")
                value = self.environments[name].params.get(sweep.parameter)
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise ValueError(f"{where}: {name} needs a number as {sweep.parameter}, not {value!r}")
        return self


def suite_names() -> list[str]:
    """Return the names of the suites that come with the package."""
    return sorted(path.stem for path in SUITES.glob("*.yaml"))


def suite_path(name: str) -> Path:
    """Return the file of a suite, given by its name or as a path to a .yaml file.

    Raises:
        InputError: there is no such suite or file.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else SUITES / f"{name}.yaml"
    if path.is_file() and (path.parent != SUITES or path.stem in suite_names()):
        return path
    raise InputError(f"unknown suite {name!r}; allowed are {', '.join(suite_names())}, or a path to a .yaml file")


def load_suite(path: Path) -> Suite:
    """Return the suite in a YAML file.

    Raises:
        InputError: the file cannot be read or parsed, or has a key or value that is not allowed: says in which line.
    """
    return yaml_file.read(path, Suite)
