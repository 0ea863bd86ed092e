"""Stored episodes are found again, step by step as they were measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import play
from benchmarks.config import load_suite
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand
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
    (folder / "config.json").write_text(json.dumps({"job": job.model_dump(mode="json")}))
    simulate(job, folder)
    (folder / "DONE").write_text("{}")


@pytest.mark.parametrize("agent", ["greedy", "learner"])
@pytest.mark.parametrize("number", [0, 3])
def test_an_episode_played_again_has_the_metrics_that_were_stored(results: Path, agent: str, number: int) -> None:
    session = play.source_of(results, str(number), agent)
    assert isinstance(session, Session)
    while session.forward():
        pass
    stored = play.read_episodes(results / "runs" / agent)[number]
    assert session.at == 20
    for name, value in session.env.metrics().items():
        assert value == stored[name] or (np.isnan(value) and np.isnan(stored[name])), name


def test_worst_and_best_go_by_the_headline(results: Path) -> None:
    folder, job = play.find_run(results / "runs" / "greedy")
    values = [metrics[job.headline] for metrics in play.read_episodes(folder)]
    assert play.find_episode(folder, job, "worst").number == int(np.argmin(values))
    assert play.find_episode(folder, job, "best").number == int(np.argmax(values))
    turned = job.model_copy(update={"better": "lower"})
    assert play.find_episode(folder, turned, "worst").number == int(np.argmax(values))


def test_the_first_deadlock_is_the_first_episode_that_has_one(results: Path, tmp_path: Path) -> None:
    folder, job = play.find_run(results / "runs" / "greedy")
    rows = pl.read_parquet(folder / "episodes.parquet")
    here = (pl.col("metric") == "deadlock_first") & (pl.col("episode") >= 2)
    rows.with_columns(
        value=pl.when(pl.col("metric") == "deadlock_first").then(float("nan")).otherwise("value")
    ).write_parquet(tmp_path / "episodes.parquet")
    with pytest.raises(InputError, match="none of the 4 episodes has a deadlock"):
        play.find_episode(tmp_path, job, "first-deadlock")
    rows.with_columns(value=pl.when(here).then(7.0).otherwise("value")).write_parquet(tmp_path / "episodes.parquet")
    first = play.find_episode(tmp_path, job, "first-deadlock").number
    assert first == next(n for n, m in enumerate(play.read_episodes(tmp_path)) if not np.isnan(m["deadlock_first"]))


def test_a_deadlock_is_shown_from_shortly_before_it(results: Path) -> None:
    session = play.source_of(results, "0", "greedy")
    assert isinstance(session, Session)
    play.approach(session, {"deadlock_first": float("nan")})
    assert session.at == 0
    play.approach(session, {"deadlock_first": 13.0})
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
        (results, "worst", "", r"several jobs fit; .*\n  floor / greedy / seed 0\n  floor / learner / seed 0"),
        (results, "worst", "dqn", "no job fits 'dqn'"),
        (results, "4", "greedy", "number from 0 to 3, not '4'"),
        (results, "median", "greedy", "must be worst, best, first-deadlock, replay or a number"),
    ):
        with pytest.raises(InputError, match=message):
            play.source_of(run, episode, job)


def test_results_of_other_code_are_refused(results: Path) -> None:
    folder, job = play.find_run(results / "runs" / "greedy")
    found = play.find_episode(folder, job, "0")
    changed = play.Stored(job, folder, 0, {**found.metrics, "return": found.metrics["return"] + 1})
    with pytest.raises(InputError, match=r"episode 0 comes out differently now \(return\)"):
        play.session_of(changed)
