"""Stored episodes are found again, step by step as they were measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import play
from benchmarks.config import load_suite
from benchmarks.episodes import read_episodes
from benchmarks.errors import InputError
from benchmarks.jobs import Job, code_digest, expand
from benchmarks.simulate import simulate
from marl_envs.render.viewer import Film, Session
from tests.benchmarks.fakes import write_suite

ENVIRONMENT = {
    "env": "warehouse_v0",
    "params": {"layout": "5x5", "num_robots": 2, "request_queue_size": 2, "max_cycles": 20},
    "train_steps": 400,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with a run of the planner and one of a learner, with 4 episodes each."""
    out = tmp_path_factory.mktemp("results")
    suite = load_suite(write_suite(out, environments={"floor": ENVIRONMENT}, seeds=1))
    for job in expand(suite):
        if job.agent in ("greedy", "learner"):
            finish(job, out / "runs" / job.agent)
    return out


def finish(job: Job, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"job": job.model_dump(mode="json"), "code": code_digest()}))
    simulate(job, folder)
    (folder / "DONE").write_text("{}")


@pytest.mark.parametrize("agent", ["greedy", "learner"])
@pytest.mark.parametrize("number", [0, 3])
def test_an_episode_played_again_has_the_metrics_that_were_stored(results: Path, agent: str, number: int) -> None:
    session = play.source_of(results, str(number), agent)
    assert isinstance(session, Session)
    while session.forward():
        pass
    stored = read_episodes(results / "runs" / agent)[number]
    assert session.at == 20
    for name, value in session.env.metrics().items():
        assert value == stored[name] or (np.isnan(value) and np.isnan(stored[name])), name


def test_worst_and_best_go_by_the_headline(results: Path) -> None:
    folder, job = play.find_run(results / "runs" / "greedy")
    values = [metrics[job.headline] for metrics in read_episodes(folder)]
    assert play.find_episode(folder, job, "worst").number == int(np.argmin(values))
    assert play.find_episode(folder, job, "best").number == int(np.argmax(values))
    turned = job.model_copy(update={"better": "lower"})
    assert play.find_episode(folder, turned, "worst").number == int(np.argmax(values))


def test_the_first_deadlock_is_the_first_episode_that_has_one(results: Path, tmp_path: Path) -> None:
    folder, job = play.find_run(results / "runs" / "greedy")
    rows = pl.read_parquet(folder / "episodes.parquet")
    for first in (2, 4):
        happened = (pl.col("metric") == "deadlocks") & (pl.col("episode") >= first)
        counted = pl.when(pl.col("metric") == "deadlocks").then(happened.cast(float)).otherwise("value")
        rows.with_columns(value=counted).write_parquet(tmp_path / "episodes.parquet")
        if first < 4:
            assert play.find_episode(tmp_path, job, "first-deadlock").number == first
    with pytest.raises(InputError, match="none of its 4 episodes is there to be shown as first-deadlock"):
        play.find_episode(tmp_path, job, "first-deadlock")


def test_a_deadlock_is_shown_from_shortly_before_it(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "greedy"
    shutil.copytree(results / "runs" / "greedy", folder)
    rows = pl.read_parquet(folder / "episodes.parquet")
    for metric, value in (("deadlocks", 1.0), ("deadlock_first", 13.0)):
        rows = rows.with_columns(value=pl.when(pl.col("metric") == metric).then(value).otherwise("value"))
    rows.write_parquet(folder / "episodes.parquet")
    found, job = play.find_run(folder)
    stored = play.find_episode(found, job, "first-deadlock")
    assert (stored.number, stored.step) == (0, 13)
    session = play.session_of(play.Stored(job, results / "runs" / "greedy", 0, stored.step))
    play.approach(session, stored.step)
    assert session.at == 13 - play.BEFORE


def test_a_learner_shows_the_values_of_its_table(results: Path) -> None:
    session = play.source_of(results, "best", "learner")
    values = session.moment(0, values=True).values
    assert values is not None
    assert values.shape[0] == 2
    assert np.isfinite(values).any()


def test_the_recorded_replay_is_a_film(results: Path) -> None:
    film = play.source_of(results / "runs" / "greedy", "replay")
    assert isinstance(film, Film)
    while film.forward():
        pass
    assert film.at == 20


def test_what_cannot_be_played_is_told(results: Path, tmp_path: Path) -> None:
    for run, episode, job, message in (
        (tmp_path, "worst", "", "neither a run folder nor a results folder"),
        (results, "worst", "", r"several runs fit; .*\n  floor/greedy/0\n  floor/learner/0"),
        (results, "worst", "dqn", "no run fits 'dqn'"),
        (results, "4", "greedy", "number from 0 to 3, not 4"),
        (results, "median", "greedy", "no episodes called 'median'; allowed are worst, best, first-deadlock"),
    ):
        with pytest.raises(InputError, match=message):
            play.source_of(run, episode, job)


def test_where_the_last_evaluations_count_those_of_the_last_policy_are_played(tmp_path: Path) -> None:
    train = {"num_envs": 2, "evaluations": 3, "eval_episodes": 2, "result": 2}
    suite = load_suite(write_suite(tmp_path, environments={"floor": ENVIRONMENT}, seeds=1, train=train))
    job = next(job for job in expand(suite) if job.agent == "learner")
    folder = tmp_path / "runs" / "learner"
    finish(job, folder)
    stored = read_episodes(folder)
    assert len(stored) == 8  # two evaluations of four episodes
    for number in (4, 7):
        session = play.source_of(tmp_path, str(number))
        assert isinstance(session, Session)
        while session.forward():
            pass
        assert session.env.metrics()[job.headline] == stored[number][job.headline]
    assert play.find_episode(folder, job, "worst").number >= 4
    with pytest.raises(InputError, match=r"no episode 3 to play again \(an earlier policy .*allowed are 4 to 7"):
        play.source_of(tmp_path, "3")


def test_a_missing_checkpoint_is_told(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results / "runs" / "learner", tmp_path / "learner")
    (tmp_path / "learner" / "checkpoint.npz").unlink()
    with pytest.raises(InputError, match=r"checkpoint.npz is missing: without what learner learned"):
        play.source_of(tmp_path / "learner", "worst")
