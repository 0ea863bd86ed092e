"""The junction in the harness: every agent of its suite plays, and rates of rare events have exact intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import poisson

from benchmarks.__main__ import main
from benchmarks.catalogue import check_job, check_suite
from benchmarks.config import Rate, load_suite, suite_path
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand
from benchmarks.rates import count
from benchmarks.simulate import simulate
from benchmarks.statistics import t_interval
from benchmarks.summary import Row, Summary
from benchmarks.tables import tables
from benchmarks.warmup import shrink
from marl_envs.metrics import garwood
from tests.benchmarks.fakes import write_suite

RATE = {"Lost": {"events": "service_time", "of": "deliveries", "per": 1000}}


def jobs_of(environment: str) -> dict[str, Job]:
    """Return the suite's jobs of an environment, of the first seed, by agent."""
    jobs = expand(load_suite(suite_path("intersection")))
    return {job.agent: job for job in jobs if job.environment == environment and job.seed == 0}


def test_the_suite_is_sound() -> None:
    path = suite_path("intersection")
    suite = load_suite(path)
    check_suite(suite, path)
    for environment in suite.environments:
        jobs = jobs_of(environment)
        assert set(jobs) == set(suite.agents)
        for job in jobs.values():
            check_job(job, path)
        assert {agent: job.params.get("reward") for agent, job in jobs.items() if job.train} == {
            "independent-q": "individual",
            "shared-q": "team",
            "hysteretic": "team",
        }


@pytest.mark.parametrize("environment", ["cross-4", "flow-600"])
def test_all_agents_play_for_a_moment(tmp_path: Path, environment: str) -> None:
    shown = {metric for metrics in load_suite(suite_path("intersection")).tables.values() for metric in metrics}
    for agent, job in jobs_of(environment).items():
        if agent == "reservation":  # compiles for long; its own tests drive it
            continue
        folder = tmp_path / agent
        folder.mkdir()
        simulate(shrink(job), folder)
        episodes = pl.read_parquet(folder / "episodes.parquet")
        assert shown | {"collisions", "created"} <= set(episodes["metric"])
        assert set(episodes.filter(pl.col("metric") == "episode_length")["value"]) == {3.0}
        assert (folder / "checkpoint.npz").is_file() == (job.train is not None)


@pytest.mark.parametrize("events", [0, 1, 7, 150])
def test_the_interval_leaves_what_is_as_unlikely_on_both_sides(events: int) -> None:
    low, high = garwood(events)
    assert poisson.cdf(events, high) == pytest.approx(0.025)
    assert low == 0.0 if events == 0 else poisson.sf(events - 1, low) == pytest.approx(0.025)


def summary_of(means: dict[str, list[float]]) -> Summary:
    """Return a summary of the greedy agent on the small floor, from means over 4 episodes a seed."""
    nothing = t_interval([])
    return Summary(
        [Row("floor", "greedy", name, "", t_interval(v), 0.0, nothing, nothing) for name, v in means.items()], {}, {}
    )


def test_a_rate_counts_the_events_of_all_seeds(tmp_path: Path) -> None:
    suite = load_suite(write_suite(tmp_path, rates=RATE))
    summary = summary_of({"service_time": [0.0, 0.5, 0.25], "deliveries": [100.0, 100.0, 300.0]})
    counted = count(suite, summary, "floor", "greedy", Rate.model_validate(RATE["Lost"]))
    assert counted is not None
    assert counted.events == 3
    assert counted.of == pytest.approx(2000)
    assert counted.rate == pytest.approx(1.5)
    assert (counted.low, counted.high) == pytest.approx([end / 2 for end in garwood(3)])
    table = next(table for table in tables(suite, summary, "floor") if table.title == "Lost")
    assert table.lines == [["greedy", "3", "2000", "1.5", "0.309 to 4.38"]]
    nobody = summary_of({"service_time": [0.0], "deliveries": [0.0]})
    assert count(suite, nobody, "floor", "greedy", Rate.model_validate(RATE["Lost"])) is None


@pytest.mark.parametrize("key", ["events", "of"])
def test_a_rate_of_an_unknown_metric_is_refused(tmp_path: Path, key: str) -> None:
    rates: Any = {"Lost": {**RATE["Lost"], key: "crashes"}}
    path = write_suite(tmp_path, rates=rates)
    with pytest.raises(InputError, match=rf"rates\.Lost\.{key}: no environment has a metric 'crashes'"):
        check_suite(load_suite(path), path)


def test_rates_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cross: dict[str, Any] = {
        "env": "intersection_v0",
        "params": {"num_vehicles": 4, "max_cycles": 40, "observation": "tabular", "mask_unsafe": True},
        "train_steps": 64,
    }
    changes = {
        "environments": {"cross": cross},
        "agents": {"dice": {"kind": "random"}, "engine": {"kind": "engine_driver"}},
        "reference": "engine",
        "headline": "delay",
        "better": "lower",
        "chance": "dice",
        "tables": {"Results": ["delay"]},
        "rates": {"Collisions": {"events": "collisions", "of": "created", "per": 1000}},
    }
    path, out = write_suite(tmp_path, **changes), tmp_path / "out"
    assert main(["run", str(path), "--out", str(out), "--workers", "1"]) == 0
    text = capsys.readouterr().out
    assert "with Garwood's exact interval" in text
    assert "95 % interval" in text
    assert "per 1,000 created" in text
    page = (out / "report.html").read_text()
    assert "Collisions" in page
