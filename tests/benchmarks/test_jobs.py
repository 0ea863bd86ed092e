"""Jobs: what a suite expands to, and what a run folder's name depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import jobs
from benchmarks.config import load_suite
from benchmarks.jobs import Job, expand, job_key
from tests.benchmarks.fakes import SUITE, write_suite


@pytest.fixture
def expanded(tmp_path: Path) -> list[Job]:
    """The fake suite's jobs."""
    return expand(load_suite(write_suite(tmp_path)))


def test_every_environment_agent_and_seed_once(expanded: list[Job]) -> None:
    names = {(job.environment, job.agent, job.seed) for job in expanded}
    assert len(names) == len(expanded) == 2 * 2 * 3 + 3
    assert {(job.environment, job.seed) for job in expanded if job.role == "bound"} == {("floor", s) for s in range(3)}


def test_learners_come_last(expanded: list[Job]) -> None:
    assert [job.agent == "learner" for job in expanded] == [False] * 9 + [True] * 6


def test_environment_agent_and_bound_parameters_are_merged(expanded: list[Job]) -> None:
    learner = next(job for job in expanded if job.agent == "learner" and job.environment == "floor")
    assert learner.params["observation"] == "tabular"
    assert learner.params["num_robots"] == 2
    bound = next(job for job in expanded if job.role == "bound")
    assert bound.params == {"layout": "5x5", "num_robots": 1, "request_queue_size": 2}


def test_environment_chooses_its_agents_and_outranks_their_parameters(tmp_path: Path) -> None:
    floor = {**dict(SUITE["environments"])["floor"], "agents": ["greedy"]}  # type: ignore[call-overload]
    tiny = {**dict(SUITE["environments"])["tiny"]}  # type: ignore[call-overload]
    tiny["params"] = {**tiny["params"], "observation": "tabular_push"}
    jobs_of = expand(load_suite(write_suite(tmp_path, environments={"floor": floor, "tiny": tiny}, seeds=1)))
    names = {(job.environment, job.agent): job.params.get("observation") for job in jobs_of}
    assert names == {
        ("floor", "greedy"): None,
        ("floor", "bound"): None,
        ("tiny", "greedy"): "tabular_push",
        ("tiny", "learner"): "tabular_push",
    }


def test_spec_survives_json(expanded: list[Job]) -> None:
    for job in expanded:
        assert Job.model_validate_json(job.model_dump_json()) == job


def test_keys_are_different_and_stable(expanded: list[Job], tmp_path: Path) -> None:
    keys = [job_key(job) for job in expanded]
    assert len(set(keys)) == len(keys)
    assert keys == [job_key(job) for job in expand(load_suite(write_suite(tmp_path)))]


def test_budget_changes_the_keys_of_learners_only(expanded: list[Job], tmp_path: Path) -> None:
    longer = {name: {**env, "train_steps": 200} for name, env in dict(SUITE["environments"]).items()}  # type: ignore[call-overload]
    again = expand(load_suite(write_suite(tmp_path, environments=longer)))
    same = {job_key(job) for job in expanded} & {job_key(job) for job in again}
    assert same == {job_key(job) for job in expanded if job.train is None}


def test_code_changes_every_key(expanded: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    before = {job_key(job) for job in expanded}
    monkeypatch.setattr(jobs, "code_digest", lambda: "other code")
    assert not before & {job_key(job) for job in expanded}


def test_code_digest_sees_simulation_but_not_presentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ROOT", tmp_path)
    rules, picture = tmp_path / "marl_envs" / "warehouse" / "rules.py", tmp_path / "marl_envs" / "render" / "scene.py"
    afterwards, measured = (tmp_path / "marl_envs" / folder / "metrics.py" for folder in ("metrics", "warehouse"))
    for path in (rules, picture, afterwards, measured):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")

    def digest() -> str:
        jobs.code_digest.cache_clear()
        return jobs.code_digest()

    try:
        before = digest()
        picture.write_text("x = 2\n")
        afterwards.write_text("x = 2\n")
        assert digest() == before
        rules.write_text("x = 2\n")
        changed = digest()
        assert changed != before
        measured.write_text("x = 2\n")
        assert digest() != changed
    finally:
        jobs.code_digest.cache_clear()
