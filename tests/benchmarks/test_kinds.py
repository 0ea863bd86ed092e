"""The table of learners that suites can name: every line fits its class, and what does not fit is refused by name."""

from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import agents
from benchmarks.catalogue import check_job
from benchmarks.config import load_suite
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand
from benchmarks.kinds import KINDS, ONE, TEAM, LearnerAgent
from benchmarks.learners import make_learner, seen_by
from benchmarks.simulate import simulate
from marl_envs import matrix_v0
from tests.benchmarks.fakes import write_suite

GIVEN: dict[str, Any] = {"alpha": 0.3, "gamma": 0.5, "exploration": {"schedule": 0.25}, "edges": [[0, 1]]}
FLOOR: dict[str, Any] = {
    "env": "warehouse_v0",
    "params": {"layout": "5x5", "num_robots": 2, "max_cycles": 20, "observation": "tabular"},
    "train_steps": 200,
}
ERRANDS: dict[str, Any] = {
    "env": "errands_v0",
    "params": {"floor": "aisles-1x1x4", "num_robots": 2, "max_cycles": 20, "observation": "tabular"},
    "train_steps": 200,
}
GAME: dict[str, Any] = {
    "env": "matrix_v0",
    "params": {"game": "climbing", "repeated": True, "max_cycles": 20},
    "train_steps": 800,
}


def agent(kind: str, **changes: Any) -> dict[str, Any]:
    """Return a kind's part of a suite file: what it must say, and `changes`."""
    needed = {name: GIVEN[name] for name, (_, default) in KINDS[kind].settings.items() if default is ...}
    reward = {"reward": "team"} if KINDS[kind].reward == TEAM else {}
    return {"kind": kind, "env": {"observation": "tabular", **reward}, **needed, **changes}


def job_of(folder: Path, environment: dict[str, Any], learner: dict[str, Any], headline: str = "return") -> Job:
    """Return the job of a learner in a suite with a random agent."""
    path = write_suite(
        folder,
        environments={"here": environment},
        agents={"dice": {"kind": "random"}, "learner": learner},
        reference="dice",
        headline=headline,
        tables={"Results": [headline]},
        seeds=1,
    )
    return next(job for job in expand(load_suite(path)) if job.agent == "learner")


def settings_of(job: Job) -> LearnerAgent:
    """Return the settings of a learner's job."""
    assert isinstance(job.settings, LearnerAgent)
    return job.settings


def arguments(learner: Any) -> set[str]:
    """Return the names of the arguments of a learner's class; `**settings` stands for those of its base."""
    names: set[str] = set()
    for cls in learner.__mro__:
        if "__init__" in vars(cls):
            found = inspect.signature(cls.__init__).parameters
            names |= set(found)
            if "settings" not in found:
                break
    return names


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_takes_every_setting(kind: str) -> None:
    known = arguments(getattr(agents, KINDS[kind].learner))
    if KINDS[kind].wrapper:
        known |= arguments(getattr(agents, KINDS[kind].wrapper))
    assert set(KINDS[kind].settings) <= known


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].sees == ONE])
def test_settings_arrive(tmp_path: Path, kind: str) -> None:
    settings = settings_of(job_of(tmp_path, GAME, agent(kind)))
    vec = matrix_v0.vector_env(
        num_envs=2, game="climbing", reward="team" if KINDS[kind].reward == TEAM else "individual"
    )
    learner = make_learner(settings, seen_by(settings, vec), 7)
    assert type(learner).__name__ == KINDS[kind].learner
    assert learner.seed == 7
    for name in KINDS[kind].settings:
        if name in ("alpha", "gamma"):
            assert learner.settings()[name] == {"alpha": {"kind": "constant", "value": 0.3}, "gamma": 0.5}[name]
    if "exploration" in KINDS[kind].settings:
        assert learner.exploration == agents.EpsilonGreedy(0.25)


@pytest.mark.parametrize(
    ("kind", "changes", "name", "value"),
    [
        ("hysteretic", {"beta": {"start": 0.2, "end": 0.1}}, "beta", agents.Linear(0.2, 0.1)),
        ("wolf_phc", {"delta_win": 0.01, "delta_lose": 0.02}, "delta_win", agents.Constant(0.01)),
        ("q_lambda", {"lam": 0.5, "traces": "replacing"}, "lam", 0.5),
        ("n_step_sarsa", {"n": 7}, "n", 7),
        ("dyna_q", {"planning": 2}, "planning", 2),
        ("lenient", {"theta": 3.0, "initial": -2.0}, "theta", 3.0),
        ("vdn", {"initial": -2.0, "share_table": False}, "initial", -2.0),
        ("recursive_fmq", {"alpha_frequency": 0.02}, "alpha_frequency", agents.Constant(0.02)),
        ("coordination_graph", {"method": "max_plus"}, "method", "max_plus"),
    ],
)
def test_own_settings_arrive(tmp_path: Path, kind: str, changes: dict[str, Any], name: str, value: object) -> None:
    settings = settings_of(job_of(tmp_path, GAME, agent(kind, **changes)))
    reward = "team" if KINDS[kind].reward == TEAM else "individual"
    assert getattr(make_learner(settings, matrix_v0.vector_env(game="climbing", reward=reward), 0), name) == value


@pytest.mark.parametrize(
    ("environment", "learner", "message"),
    [
        (FLOOR, agent("vdn", env={"observation": "tabular"}), "vdn needs reward: team in env, not None"),
        (FLOOR, agent("sarsa", env={"observation": "goal"}), "sarsa learns tables: env needs observation: tabular or "),
        (FLOOR, agent("hysteretic", beta=0.4), "beta must be at most alpha = "),
        (FLOOR, agent("wolf_phc", delta_win=0.5), "delta_win must be at most delta_lose"),
        (FLOOR, agent("q_lambda", longest_trace=0), "longest_trace: Input should be greater than 0"),
        (FLOOR, agent("dyna_q", planning=-1), "planning must be an integer"),
        (FLOOR, agent("lenient", theta=0.0), "theta must be a number from 1e-12"),
        (FLOOR, agent("fmq"), "FMQ is defined for games of one state, but this environment has 6208 observations"),
        (
            FLOOR,
            agent("central_q"),
            "CentralQLearning would need a table of 1 x 38539264 x 25 = 963481600 numbers here",
        ),
        (FLOOR, agent("coordination_graph", edges=[[0, 2]]), "edges"),
        (FLOOR, agent("difference_q", default_action=9), "default_action must be an integer from 0 to 4"),
        (
            FLOOR,
            agent("distributed", alpha=0.1),
            "unknown key 'alpha'; allowed are kind, env, start, gamma, exploration, initial",
        ),
        (FLOOR, agent("central_q", share_table=True), "unknown key 'share_table'"),
        (FLOOR, agent("n_step_sarsa", n="many"), "n: Input should be a valid integer"),
        (FLOOR, agent("coordination_graph", method="magic"), "method: Input should be 'elimination' or 'max_plus'"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_run(
    tmp_path: Path, environment: dict[str, Any], learner: dict[str, Any], message: str
) -> None:
    def read_and_check() -> None:
        job = job_of(tmp_path, {**environment, "params": {**environment["params"], **learner["env"]}}, learner)
        check_job(job, tmp_path / "fake.yaml")

    with pytest.raises(InputError) as caught:
        read_and_check()
    assert re.match(rf"{re.escape(str(tmp_path))}/fake.yaml: (line \d+: )?agents\.learner", str(caught.value))
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["central_q", "coordination_graph", "joint_action"])
def test_joint_learners_play_where_their_tables_are_small_enough(tmp_path: Path, kind: str) -> None:
    job = job_of(tmp_path, ERRANDS, agent(kind))
    check_job(job, tmp_path / "fake.yaml")


def test_what_a_suite_leaves_out_is_not_in_the_job(tmp_path: Path) -> None:
    """Else every new setting of a learner would rename the run folders of all suites."""
    plain = job_of(tmp_path, FLOOR, agent("independent_q")).model_dump(mode="json")["settings"]
    assert set(plain) == {"kind", "env", "alpha", "gamma", "exploration", "share_table"}
    hysteretic = job_of(tmp_path, FLOOR, agent("hysteretic", beta=0.01)).model_dump(mode="json")["settings"]
    assert set(hysteretic) == {*plain, "beta"}


def test_jobs_travel_to_workers_and_back_from_files(tmp_path: Path) -> None:
    job = job_of(tmp_path, FLOOR, agent("hysteretic", beta=0.01))
    assert pickle.loads(pickle.dumps(job)) == job
    assert Job.model_validate_json(job.model_dump_json()) == job
    assert type(pickle.loads(pickle.dumps(job)).settings) is type(job.settings)


@pytest.mark.parametrize(
    ("kind", "environment"), [("hysteretic", GAME), ("recursive_fmq", GAME), ("difference_q", FLOOR)]
)
def test_a_job_of_another_learner_runs(tmp_path: Path, kind: str, environment: dict[str, Any]) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    job = job_of(tmp_path, environment, agent(kind))
    simulate(job, folder)
    lengths = pl.read_parquet(folder / "episodes.parquet").filter(pl.col("metric") == "episode_length")
    assert lengths["value"].to_list() == [20.0] * 4
    assert (folder / "checkpoint.npz").is_file()
