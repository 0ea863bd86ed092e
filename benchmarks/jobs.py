"""Jobs: a suite expanded to self-contained specs, one an environment, agent and seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field, NonNegativeInt, ValidationError

from benchmarks import external
from benchmarks.config import Environment, Evaluation, Suite, Training
from benchmarks.config_agents import Agent
from benchmarks.config_parts import Strict
from benchmarks.errors import InputError
from benchmarks.kinds import MODELS, LearnerAgent

ROOT = Path(__file__).parents[1]
SIMULATION = ("marl_envs", "agents")  # the packages that decide a run's numbers, and the files beside them
DECIDING = ("simulate", "catalogue", "learners", "kinds", "external", "safety", "statistics/estimates")
BESIDE = tuple(f"benchmarks/{name}.py" for name in DECIDING)
PRESENTATION = ("render", "__main__")  # parts of them that do not, wherever they are
AFTERWARDS = ("marl_envs/metrics",)  # folders of functions on what has been played
FORMAT = 1  # of the run folder; a change makes every job run again


class Spec(Protocol):
    """What engines run: self-contained, and JSON on its way. Most are `Job`s."""

    @property
    def environment(self) -> str:
        """Where it belongs on the screen, with `agent`: what has both in common takes about as long."""
        ...

    @property
    def agent(self) -> str:
        """See `environment`."""
        ...

    @property
    def title(self) -> str:
        """Its own name on the screen."""
        ...

    @property
    def train_steps(self) -> int:
        """Agent-steps of training, 0 for what does not learn."""
        ...

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """Return it as what JSON knows (of pydantic)."""
        ...

    def model_dump_json(self) -> str:
        """Return it as JSON (of pydantic)."""
        ...


class Job(Strict):
    """All that one run needs; nothing else (order, other jobs, worker) has an influence on its numbers."""

    environment: str = Field(description="the environment's name in the suite")
    agent: str = Field(description="the agent's name in the suite, or the bound's label")
    role: Literal["agent", "bound"] = "agent"
    seed: NonNegativeInt
    env: str
    params: dict[str, Any]
    train_params: dict[str, Any] | None = Field(default=None, description="while training, if not params")
    settings: Agent
    train_steps: NonNegativeInt = Field(description="agent-steps; 0 for what does not learn")
    train: Training | None
    evaluate: Evaluation
    headline: str
    better: Literal["higher", "lower"] = "higher"
    replay: bool = Field(description="record one episode for the report")

    @property
    def title(self) -> str:
        """The job's name on the screen."""
        return f"{self.environment} / {self.agent} / seed {self.seed}"


def expand(suite: Suite) -> list[Job]:
    """Return the suite's jobs: what is quick and says most first (policies, then bounds, then learners)."""
    jobs = [
        _job(suite, name, environment, agent, seed)
        for name, environment in suite.environments.items()
        for agent in suite.players(name)
        for seed in range(suite.seeds)
    ]
    for name, environment in suite.environments.items():
        jobs += [_bound(suite, name, environment, seed) for seed in range(suite.seeds) if environment.bound]
    return sorted(jobs, key=lambda job: job.train_steps)


def _job(suite: Suite, name: str, environment: Environment, agent: str, seed: int) -> Job:
    settings = _with_digest(agent, _with_start(suite, suite.agents[agent]))
    learns = isinstance(settings, LearnerAgent)
    return Job(
        environment=name,
        agent=agent,
        seed=seed,
        env=environment.env,
        params={**settings.env, **environment.params},
        train_params=_train_params(settings, environment),
        settings=settings,
        train_steps=environment.train_steps if learns else 0,
        train=suite.train if learns else None,
        evaluate=suite.evaluate,
        headline=suite.headline_in(name),
        better=suite.better_in(name),
        replay=seed == 0,
    )


def _with_start(suite: Suite, settings: Agent) -> Agent:
    """Return the settings of an agent, with those of the learner whose knowledge it starts with."""
    start = getattr(settings, "start", None)
    if start is None:
        return settings
    learner = suite.agents[start.compare].model_dump(mode="json")
    return settings.model_copy(update={"start": start.model_copy(update={"learner": learner})})


def _with_digest(agent: str, settings: Agent) -> Agent:
    """Return the settings of an agent from outside with the digest of its file."""
    try:
        found: Agent = external.with_digest(settings)
    except InputError as error:
        raise InputError(f"agents.{agent}.{error}") from error
    return found


def _train_params(settings: Agent, environment: Environment) -> dict[str, Any] | None:
    """Return the parameters under which a learner trains, if they are others than those it is measured under."""
    if not isinstance(settings, LearnerAgent) or not environment.train_on:
        return None
    return {**settings.env, **environment.params, **environment.train_on}


def start_of(job: Job) -> Job | None:
    """Return the training whose knowledge the job's learner starts with, as a job, or None if it starts with nothing.

    Its name is the same for all jobs that start from there.
    """
    start = getattr(job.settings, "start", None)
    if start is None:
        return None
    learner = MODELS[start.learner["kind"]].model_validate(start.learner)
    params = {**job.params, **start.params}
    return job.model_copy(
        update={"train_params": params, "train_steps": start.train_steps, "settings": learner, "agent": ""}
    )


def _bound(suite: Suite, name: str, environment: Environment, seed: int) -> Job:
    bound = environment.bound
    assert bound is not None
    job = _job(suite, name, environment, bound.agent, seed)
    params = {**job.params, **bound.params}
    return job.model_copy(update={"agent": bound.label, "role": "bound", "params": params, "replay": False})


def job_key(job: Job) -> str:
    """Return the name of the job's run folder: a hash of its settings and of the code that it runs."""
    spec = json.dumps(job.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(f"{FORMAT}\n{code_digest()}\n{spec}".encode()).hexdigest()[:16]


def training_key(job: Job) -> str:
    """Return the name of the job's training: the same for jobs that differ only in where they are measured."""
    return job_key(job.model_copy(update={"environment": "", "params": {}, "evaluate": Evaluation(), "replay": False}))


@lru_cache
def code_digest() -> str:
    """Return a digest of the simulation's source files, so that results of other code are never taken for these."""
    digest = hashlib.sha256()
    for package in SIMULATION:
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if _decides(relative):
                digest.update(relative.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for name in BESIDE:
        if (ROOT / name).is_file():
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def digest_of(paths: Iterable[Path]) -> str:
    """Return a digest of some source files, for what is not the simulation but decides numbers."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _decides(path: Path) -> bool:
    """Return whether a source file (below ROOT) may have an influence on a run's numbers."""
    if path.parent.as_posix() in AFTERWARDS:
        return False
    return not any(part.removesuffix(".py") in PRESENTATION for part in path.parts)


def read_config(folder: Path) -> tuple[Job, str]:
    """Return the job of a run folder and the digest of the code that ran it.

    Raises:
        InputError: config.json is missing, damaged or of another version.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return Job.model_validate(config["job"]), str(config["code"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else error
        raise InputError(f"{path} is damaged or of another version: {said}") from error
