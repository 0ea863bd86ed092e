"""Agents from outside: functions, classes and checkpoints play in suites; bad ones are refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from agents import IndependentQLearning, train
from benchmarks import catalogue
from benchmarks.config import load_suite
from benchmarks.engines import Choice
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand, job_key
from benchmarks.simulate import simulate
from benchmarks.suite import run_suite
from marl_envs import matrix_v0
from tests.benchmarks.fakes import quiet_console, write_suite

GAME = {"env": "matrix_v0", "params": {"game": "climbing"}, "train_steps": 400}
HERE = "tests.benchmarks.test_external"


def always(vec: Any, obs: Any, rng: np.random.Generator, action: int = 0) -> np.ndarray:
    """Choose one action."""
    return np.full((vec.num_envs, vec.num_agents), action)


class Counter:
    """Chooses actions in turn, from `first`."""

    def __init__(self, first: int = 0) -> None:
        if first < 0:
            raise ValueError("first must be at least 0")
        self.first = self.next = first

    def reset(self, seed: int) -> None:
        self.next = self.first

    def act(self, vec: Any, obs: Any) -> np.ndarray:
        self.next += 1
        return np.full((vec.num_envs, vec.num_agents), (self.next - 1) % 3)


THING = object()


def suite_with(folder: Path, **agents: dict[str, Any]) -> Path:
    every = {"random": {"kind": "random"}, **agents}
    return write_suite(
        folder,
        headline="return",
        reference="random",
        seeds=1,
        tables={"Results": ["return"]},
        environments={"game": GAME},
        agents=every,
    )


def returns(job: Job, folder: Path) -> list[float]:
    folder.mkdir(parents=True)
    simulate(job, folder)
    rows = pl.read_parquet(folder / "episodes.parquet")
    return rows.filter(pl.col("metric") == "return")["value"].to_list()


def test_function_and_class_play(tmp_path: Path) -> None:
    suite = suite_with(
        tmp_path,
        best={"kind": "external", "policy": f"{HERE}:always"},
        good={"kind": "external", "policy": f"{HERE}:always", "settings": {"action": 1}},
        counter={"kind": "external", "policy": f"{HERE}:Counter", "settings": {"first": 1}},
    )
    jobs = {job.agent: job for job in expand(load_suite(suite))}
    for job in jobs.values():
        catalogue.check_job(job, suite)
    played = {name: returns(jobs[name], tmp_path / "runs" / name) for name in ("best", "good", "counter")}
    payoffs = matrix_v0.vector_env(num_envs=3, game="climbing")
    payoffs.reset(seed=0)
    actions = np.repeat(np.arange(3)[:, None], 2, axis=1)
    diagonal = payoffs.step(actions)[1].sum(axis=1).tolist()
    assert played["best"] == [diagonal[0]] * 4
    assert played["good"] == [diagonal[1]] * 4
    assert played["counter"] == [diagonal[1], diagonal[2]] * 2  # two rows of the batch play two episodes each


def test_checkpoint_plays_as_the_learner_did(tmp_path: Path) -> None:
    vec = matrix_v0.vector_env(num_envs=4, game="climbing")
    learner = IndependentQLearning(vec, seed=0, alpha=0.5, gamma=0.9)
    train(learner, vec, 400, seed=0, progress=False)
    learner.save(tmp_path / "learner.npz")
    suite = suite_with(tmp_path, old={"kind": "checkpoint", "file": str(tmp_path / "learner.npz")})
    job = next(job for job in expand(load_suite(suite)) if job.agent == "old")
    catalogue.check_job(job, suite)
    payoff = vec.step(learner.greedy().choose(vec.reset(seed=1)[0], None))[1][0].sum()
    assert set(returns(job, tmp_path / "runs" / "old")) == {float(payoff)}


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        ({"kind": "external", "policy": "no_such_module:Policy"}, "agents.x.policy: no module 'no_such_module'"),
        ({"kind": "external", "policy": f"{HERE}:Absent"}, "agents.x.policy: .*Absent cannot be imported"),
        ({"kind": "external", "policy": f"{HERE}:THING"}, "must be a function, or have a method act"),
        ({"kind": "external", "policy": f"{HERE}:Counter", "settings": {"first": -1}}, "cannot be made: first must be"),
        ({"kind": "external", "policy": f"{HERE}:Counter", "settings": {"last": 1}}, "cannot be made: .*'last'"),
        ({"kind": "external", "policy": "just_a_name"}, "agents.x.external.policy: String should match"),
        ({"kind": "checkpoint", "file": "absent.npz"}, "agents.x.file: there is no checkpoint /"),
        ({"kind": "checkpoint", "file": __file__}, "agents.x.file: .*is not a whole checkpoint"),
    ],
)
def test_what_cannot_play_is_refused_with_its_line(tmp_path: Path, agent: dict[str, Any], message: str) -> None:
    suite = suite_with(tmp_path, x=agent)
    with pytest.raises(InputError, match=message) as caught:
        run_suite(str(suite), tmp_path / "out", None, Choice("serial"), quiet_console())
    assert str(caught.value).startswith(f"{suite}: line ")
    assert not (tmp_path / "out").exists()


def test_changed_source_or_checkpoint_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "mine_for_this_test.py"
    file = tmp_path / "x.npz"

    def keys() -> list[str]:
        own = {"kind": "external", "policy": "mine_for_this_test:play"}
        old = {"kind": "checkpoint", "file": str(file)}
        return [job_key(job) for job in expand(load_suite(suite_with(tmp_path, own=own, old=old)))]

    source.write_text("def play(vec, obs, rng): ...\n")
    file.write_bytes(b"1")
    first = keys()
    assert keys() == first
    source.write_text("def play(vec, obs, rng): return 1\n")
    file.write_bytes(b"2")
    assert [a == b for a, b in zip(keys(), first, strict=True)] == [True, False, False]


def test_sampled_episodes_are_an_agent_of_their_own(tmp_path: Path) -> None:
    learner = {"kind": "independent_q", "alpha": 0.1, "gamma": 0.9, "exploration": {"schedule": 1.0}}
    path = write_suite(
        tmp_path,
        headline="return",
        reference="random",
        seeds=2,
        tables={"Results": ["return"]},
        environments={"game": {**GAME, "params": {"game": "climbing", "observation": "tabular"}}},
        agents={"random": {"kind": "random"}, "learner": learner},
        evaluate={"num_envs": 2, "episodes": 64, "sampled": True},
        train={"num_envs": 2, "evaluations": 2, "eval_episodes": 2, "result": "last"},
    )
    out = tmp_path / "out"
    run_suite(str(path), out, None, Choice("serial"), quiet_console())
    summary = pl.read_csv(out / "summary.csv").filter(pl.col("metric") == "return")
    assert summary["agent"].to_list() == ["random", "learner", "learner (sampled)"]
    rows = pl.read_parquet(out / "episodes.parquet").filter(algo="learner", metric="return")
    greedy, sampled = (rows.filter(pl.col("phase") == phase)["value"].to_list() for phase in ("eval", "sampled"))
    assert len(greedy) == len(sampled) == 2 * 64
    assert len(set(greedy)) <= 2  # one joint action a seed
    assert len(set(sampled)) > 4  # it explores with every action
