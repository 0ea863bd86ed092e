"""Traffic signals in the harness: every kind of agent, what of a training counts, training elsewhere, and replays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks import replay, store
from benchmarks.__main__ import main
from benchmarks.catalogue import check_job
from benchmarks.config import load_suite, suite_path
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand
from benchmarks.simulate import simulate
from benchmarks.warmup import shrink
from marl_envs import traffic_signals_v0
from tests.benchmarks.fakes import write_suite

LEARNER = {"alpha": 0.1, "gamma": 0.9, "exploration": {"schedule": 0.2}}
SEEN: dict[str, Any] = {"observation": "tiles", "actions": "fullest"}
CROSS: dict[str, Any] = {
    "env": "traffic_signals_v0",
    "params": {"network": "cross", "demand": "uniform-400", "demand_sets": 2, "max_cycles": 30},
    "train_steps": 120,
}
CHANGES: dict[str, Any] = {
    "headline": "travel_time",
    "better": "lower",
    "reference": "threshold",
    "chance": "fixed",
    "seeds": 1,
    "tables": {"Results": ["travel_time", "switches"]},
    "train": {"num_envs": 1, "evaluations": 4, "checkpoints": 1, "result": 3},
    "evaluate": {"num_envs": 2, "episodes": 2},
    "environments": {"cross": CROSS},
    "agents": {
        "fixed": {"kind": "fixed_time", "green": 15},
        "threshold": {"kind": "threshold"},
        "tiles": {"kind": "independent_linear_q", "env": SEEN, **LEARNER},
        "team": {"kind": "shared_linear_q", "env": {**SEEN, "reward": "team"}, **LEARNER},
    },
}


def jobs_of(folder: Path, **changes: Any) -> dict[str, Job]:
    """Return the jobs of the small suite by agent."""
    return {job.agent: job for job in expand(load_suite(write_suite(folder, **{**CHANGES, **changes})))}


def run(job: Job, folder: Path) -> Path:
    folder.mkdir(parents=True)
    simulate(job, folder)
    return folder


def times(folder: Path, file: str) -> pl.DataFrame:
    return pl.read_parquet(folder / file).filter(pl.col("metric") == "travel_time")


def test_what_counts_is_the_mean_of_the_last_evaluations(tmp_path: Path) -> None:
    folder = run(jobs_of(tmp_path)["tiles"], tmp_path / "run")
    during = times(folder, "evals.parquet").sort("step", "episode")
    assert sorted(set(during["step"])) == [0, 30, 60, 90, 120]
    counted = times(folder, "episodes.parquet")
    assert counted["value"].to_list() == during["value"].to_list()[-6:]  # three of two episodes each


def test_learners_play_the_episodes_of_the_rules(tmp_path: Path) -> None:
    """A learner that never changes the phase, and a rule that never does, meet the same traffic."""
    agents = {**CHANGES["agents"], "fixed": {"kind": "fixed_time", "green": 9999}}
    jobs = jobs_of(tmp_path, agents=agents)
    still = jobs["tiles"].model_copy(update={"params": {**jobs["tiles"].params, "min_green": 5000.0}})
    learned = times(run(still, tmp_path / "a"), "episodes.parquet")["value"].to_list()
    rule = times(run(jobs["fixed"], tmp_path / "b"), "episodes.parquet")["value"].to_list()
    assert learned == rule * 3


def test_a_learner_that_leans_on_the_rule_begins_as_the_rule(tmp_path: Path) -> None:
    leaning = {"kind": "leaning_sarsa_lambda", "preferred": "threshold", "lean": 0.2, "lam": 0.8, **LEARNER}
    seen = {"observation": "tabular_load", "actions": "fullest"}
    jobs = jobs_of(tmp_path, agents={**CHANGES["agents"], "leaning": {**leaning, "env": seen}})
    during = times(run(jobs["leaning"], tmp_path / "a"), "evals.parquet").sort("step", "episode")
    rule = times(run(jobs["threshold"], tmp_path / "b"), "episodes.parquet")
    assert during["value"].to_list()[:2] == rule["value"].to_list()
    other = jobs_of(tmp_path, agents={**CHANGES["agents"], "leaning": {**leaning, "env": SEEN}})["leaning"]
    with pytest.raises(InputError, match="env needs observation: tabular_load, not 'tiles'"):
        check_job(other, tmp_path / "suite.yaml")


@pytest.mark.parametrize("result", ["last", "best"])
def test_training_elsewhere(tmp_path: Path, result: str) -> None:
    """What is learned at other demand is measured at this one; with too little green to learn anything, it is other."""
    train = {"num_envs": 1, "evaluations": 2, "eval_episodes": 1, "checkpoints": 1, "result": result}
    there = {**CROSS, "train_on": {"demand": ["uniform-100", "uniform-900"], "demand_sets": 1}}
    jobs = jobs_of(tmp_path, environments={"cross": there}, train=train)
    assert jobs["fixed"].train_params is None
    assert jobs["tiles"].train_params == {**jobs["tiles"].params, **there["train_on"]}
    folder = run(jobs["tiles"], tmp_path / "runs" / "runs" / "one")
    created = pl.read_parquet(folder / "episodes.parquet").filter(pl.col("metric") == "created")["value"]
    assert ((created > 80) & (created < 200)).all()  # about 133 in five minutes at 400 an hour and road
    during = pl.read_parquet(folder / "evals.parquet").filter(pl.col("metric") == "created")["value"]
    assert not ((during > 80) & (during < 200)).any()  # about 33 or 300 in training
    trained = list((tmp_path / "runs" / "trained").glob("*.npz"))
    assert len(trained) == 1
    again = run(jobs["tiles"].model_copy(update={"environment": "elsewhere"}), tmp_path / "runs" / "runs" / "other")
    assert list((tmp_path / "runs" / "trained").glob("*.npz")) == trained  # trained once, measured twice
    for file in ("episodes.parquet", "evals.parquet"):
        assert times(again, file)["value"].to_list() == times(folder, file)["value"].to_list()
    trained[0].write_bytes(b"damaged")
    once_more = run(jobs["tiles"], tmp_path / "runs" / "runs" / "once-more")
    assert (
        times(once_more, "episodes.parquet")["value"].to_list() == times(folder, "episodes.parquet")["value"].to_list()
    )
    small = shrink(jobs["tiles"])
    assert small.train_params is not None
    assert small.train_params["max_cycles"] == 3


def test_a_replay_counts_the_vehicles_on_each_lane(tmp_path: Path) -> None:
    folder = run(jobs_of(tmp_path)["threshold"], tmp_path / "run")
    shown = replay.read(folder / store.REPLAY)
    assert len(shown["frames"]) == 31
    vec = traffic_signals_v0.vector_env(1, **CROSS["params"])
    network_lanes = vec.simulation.settings.in_lane.shape[1] * 2  # as many lead away
    assert len(shown["lanes"]) == network_lanes
    assert all(0 <= x <= shown["size"][i % 2] for lane in shown["lanes"] for i, x in enumerate(lane))
    for frame in shown["frames"]:
        assert len(frame["s"]) == len(frame["m"]) == len(frame["o"]) == network_lanes
        on_lanes = sum(ord(c) - replay.ZERO for c in frame["s"] + frame["m"])
        assert 0 <= frame["t"][3] - on_lanes <= 20  # the others are inside the junction
    assert max(ord(c) - replay.ZERO for frame in shown["frames"] for c in frame["s"]) > 1
    assert {c for frame in shown["frames"] for c in frame["o"]} == {"0", "1", "."}
    assert [frame["t"][0] for frame in shown["frames"]] == list(range(0, 301, 10))


def test_the_suite_s_agents_all_play_for_a_moment(tmp_path: Path) -> None:
    jobs = {job.agent: job for job in expand(load_suite(suite_path("signals"))) if job.environment == "cross"}
    assert len(jobs) == 12
    for agent, job in jobs.items():
        check_job(job, tmp_path)
        if agent in ("webster", "actuated", "sotl", "longest-queue", "max-pressure", "random", "shared-q-tiles"):
            lengths = pl.read_parquet(run(shrink(job), tmp_path / agent) / "episodes.parquet")
            assert set(lengths.filter(pl.col("metric") == "episode_length")["value"]) == {3.0}


def test_the_report_says_that_curves_are_of_other_traffic(tmp_path: Path) -> None:
    train = {"num_envs": 1, "evaluations": 1, "eval_episodes": 1, "checkpoints": 1, "result": "last"}
    pages = []
    for name, train_on in (("here", {}), ("there", {"demand": "uniform-100"})):
        environments = {"cross": {**CROSS, "train_on": train_on}}
        path = write_suite(tmp_path, **{**CHANGES, "environments": environments, "train": train})
        assert main(["run", str(path), "--out", str(tmp_path / name), "--workers", "1"]) == 0
        pages.append((tmp_path / name / "report.html").read_text())
    assert ["not on what the tables show" in page for page in pages] == [False, True]
    here, there = (page.count(">threshold<") for page in pages)
    assert here > there  # its level line's name


@pytest.mark.parametrize("agent", ["tiles", "team"])
def test_the_observation_must_be_several_integers(tmp_path: Path, agent: str) -> None:
    from benchmarks.errors import InputError

    path = tmp_path / "fake.yaml"
    job = jobs_of(tmp_path)[agent]
    wrong = job.model_copy(update={"params": {**job.params, "observation": "tabular"}})
    with pytest.raises(InputError, match=rf"agents\.{agent}: .*needs observation: tiles, not 'tabular'"):
        check_job(wrong, path)


def test_a_suite_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write_suite(tmp_path, **CHANGES), tmp_path / "out"
    assert main(["run", str(path), "--out", str(out), "--workers", "1"]) == 0
    text = capsys.readouterr().out
    assert "the mean of the training's last 3 greedy evaluations" in text
    assert "A lower travel_time is better." in text
    table = pl.read_csv(out / "summary.csv").filter(pl.col("metric") == "travel_time")
    means = dict(zip(table["agent"], table["mean"], strict=True))
    shares = dict(zip(table["agent"], table["percent_of_reference"], strict=True))
    assert (shares["fixed"], shares["threshold"]) == (0.0, 100.0)
    better = means["fixed"] - means["threshold"]
    assert better > 0
    np.testing.assert_allclose(shares["tiles"], 100 * (means["fixed"] - means["tiles"]) / better, rtol=1e-6)
    page = (out / "report.html").read_text()
    assert '"lanes":' in page
    assert "moving vehicles" in page
