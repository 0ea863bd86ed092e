"""Summaries: means by seed, shares, the bound, and a CSV that depends on the seeds alone."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks import store
from benchmarks.config import Suite, load_suite
from benchmarks.jobs import expand
from benchmarks.statistics import t_interval
from benchmarks.summary import Summary, summarise, write_csv
from benchmarks.tables import notes, number, tables
from tests.benchmarks.fakes import SUITE, fake_run, write_suite

ENVIRONMENTS: Any = SUITE["environments"]
UNITS = {"deliveries": "shelves", "service_time": "steps", "jain_fairness": "1"}


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """The fake suite."""
    return load_suite(write_suite(tmp_path))


@pytest.fixture
def episodes(suite: Suite, tmp_path: Path) -> pl.DataFrame:
    """The raw episodes of all its jobs."""
    frames = []
    for index, job in enumerate(expand(suite)):
        folder = tmp_path / str(index)
        folder.mkdir()
        fake_run(job, folder)
        frames.append(pl.read_parquet(folder / "episodes.parquet"))
    return pl.concat(frames)


@pytest.fixture
def summary(suite: Suite, episodes: pl.DataFrame) -> Summary:
    """Its summary."""
    return summarise(suite, episodes, dict.fromkeys(suite.environments, UNITS))


def test_mean_over_episodes_then_over_seeds(summary: Summary) -> None:
    row = summary.get("floor", "greedy", "deliveries")
    assert row is not None
    # seed s has 10 (s + 1) + (0, 1, 2, 3): means 11.5, 21.5, 31.5
    assert row.estimate == t_interval([11.5, 21.5, 31.5])
    assert row.iqm == pytest.approx(21.5)
    assert row.unit == "shelves"


def test_share_of_the_reference_is_taken_seed_by_seed(summary: Summary) -> None:
    row = summary.get("floor", "learner", "deliveries")
    assert row is not None
    assert row.of_reference[:3] == pytest.approx((50.0, 50.0, 50.0))
    assert row.of_bound.mean == pytest.approx(25.0)


def test_bound_is_scaled_and_has_the_headline_only(summary: Summary) -> None:
    row = summary.get("floor", "bound", "deliveries")
    assert row is not None
    assert row.estimate.mean == pytest.approx(43.0)
    assert row.of_bound.mean == pytest.approx(100.0)
    assert summary.get("floor", "bound", "service_time") is None
    assert summary.get("tiny", "bound", "deliveries") is None


def test_undefined_episodes_are_left_out(summary: Summary) -> None:
    row = summary.get("tiny", "greedy", "service_time")
    assert row is not None
    assert row.estimate.mean == 7.0
    assert math.isnan(row.of_reference.mean)


def test_pooled_score(summary: Summary) -> None:
    assert summary.pooled["greedy"][:3] == pytest.approx((100.0, 100.0, 100.0))
    assert summary.pooled["learner"][:3] == pytest.approx((50.0, 50.0, 50.0))


def test_training_episodes_and_single_agents_do_not_count(
    suite: Suite, episodes: pl.DataFrame, summary: Summary
) -> None:
    noise = episodes.with_columns(value=pl.lit(999.0))
    mixed = pl.concat([episodes, noise.with_columns(phase=pl.lit("train")), noise.with_columns(agent=pl.lit("0"))])
    assert repr(summarise(suite, mixed, dict.fromkeys(suite.environments, UNITS))) == repr(summary)


def test_csv_is_the_same_for_any_order_of_the_runs(
    suite: Suite, episodes: pl.DataFrame, summary: Summary, tmp_path: Path
) -> None:
    write_csv(tmp_path / "a.csv", summary)
    shuffled = episodes.sample(fraction=1.0, shuffle=True, seed=1)
    write_csv(tmp_path / "b.csv", summarise(suite, shuffled, dict.fromkeys(suite.environments, UNITS)))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_csv_holds_the_numbers(summary: Summary, tmp_path: Path) -> None:
    write_csv(tmp_path / "summary.csv", summary)
    with (tmp_path / "summary.csv").open() as file:
        lines = {(line["environment"], line["agent"], line["metric"]): line for line in csv.DictReader(file)}
    line = lines["floor", "learner", "deliveries"]
    assert float(line["mean"]) == pytest.approx(10.75)
    assert float(line["percent_of_reference"]) == pytest.approx(50.0)
    assert line["seeds"] == "3"
    assert lines["floor", "learner", "service_time"]["percent_of_reference"] == ""
    assert len(lines) == len(summary.rows)


CHANCE = {"random": {"kind": "random"}, "greedy": {"kind": "greedy"}, "other": {"kind": "greedy", "sidestep": 0.5}}


def scored(folder: Path, values: dict[str, list[float]]) -> tuple[Suite, Summary]:
    """Return a suite where random is 0 % and greedy 100 %, and its summary, from agent -> deliveries by seed."""
    path = write_suite(folder, agents=CHANCE, chance="random", environments={"tiny": ENVIRONMENTS["tiny"]})
    rows = [
        ("run", seed, "tiny", agent, "eval", 0, 0, "team", "deliveries", value)
        for agent, by_seed in values.items()
        for seed, value in enumerate(by_seed)
    ]
    episodes = pl.DataFrame(rows, schema=list(store.EPISODE_COLUMNS), orient="row")
    suite = load_suite(path)
    return suite, summarise(suite, episodes, {"tiny": UNITS})


def test_share_counts_from_chance_seed_by_seed(tmp_path: Path) -> None:
    values = {"random": [1.0, 2.0, 4.0], "greedy": [11.0, 22.0, 8.0], "other": [6.0, 7.0, 3.0]}
    suite, summary = scored(tmp_path, values)
    row = summary.get("tiny", "other", "deliveries")
    assert row is not None
    assert row.of_reference == t_interval([50.0, 25.0, -25.0])  # worse than chance is below 0
    assert summary.pooled["other"].mean == pytest.approx(50 / 3)
    assert summary.pooled["random"][:3] == (0.0, 0.0, 0.0)
    assert summary.pooled["greedy"][:3] == (100.0, 100.0, 100.0)
    assert tables(suite, summary, "tiny")[0].columns[:3] == ["agent", "deliveries", "share of greedy"]
    assert any(note.startswith("Share of greedy: 100 (x - random) / (greedy - random)") for note in notes(suite))


def test_less_may_be_better(tmp_path: Path) -> None:
    values = {"random": [100.0, 50.0], "greedy": [60.0, 60.0], "other": [50.0, 40.0]}
    suite, _ = scored(tmp_path, values)
    rows = [
        ("run", seed, "tiny", agent, "eval", 0, 0, "team", "deliveries", value)
        for agent, by_seed in values.items()
        for seed, value in enumerate(by_seed)
    ]
    episodes = pl.DataFrame(rows, schema=list(store.EPISODE_COLUMNS), orient="row")
    suite = suite.model_copy(update={"better": "lower"})
    row = summarise(suite, episodes, {"tiny": UNITS}).get("tiny", "other", "deliveries")
    assert row is not None
    assert row.of_reference[:1] == (125.0,)  # 50 better than chance, where the reference is 40 better
    assert row.of_reference.seeds == 1  # with seed 1 the reference is worse than chance
    assert "A lower deliveries is better." in notes(suite)


def test_share_leaves_out_seeds_whose_reference_is_not_above_chance(tmp_path: Path) -> None:
    _, summary = scored(tmp_path, {"random": [1.0, 2.0, 3.0], "greedy": [3.0, 2.0, 1.0], "other": [2.0, 9.0, 9.0]})
    row = summary.get("tiny", "other", "deliveries")
    assert row is not None
    assert row.of_reference.mean == 50.0
    assert row.of_reference.seeds == 1


def test_share_is_blank_where_the_reference_is_never_above_chance(tmp_path: Path) -> None:
    suite, summary = scored(tmp_path, {"random": [3.0, 3.0], "greedy": [3.0, 1.0], "other": [9.0, 9.0]})
    assert [line[2] for line in tables(suite, summary, "tiny")[0].lines] == ["-"] * 3
    write_csv(tmp_path / "summary.csv", summary)
    with (tmp_path / "summary.csv").open() as file:
        assert {line["percent_of_reference"] for line in csv.DictReader(file)} == {""}


def test_tables_show_the_suites_metrics_and_shares(suite: Suite, summary: Summary) -> None:
    results, other = tables(suite, summary, "floor")
    assert results.columns == ["agent", "deliveries", "of greedy", "of bound", "service time"]
    assert results.units == ["", "shelves", "%", "%", "steps"]
    assert [line[0] for line in results.lines] == ["greedy", "learner", "bound"]
    assert results.lines[1][1:4] == ["10.8 ± 12.4", "50.0", "25.0"]
    assert other.columns == ["agent", "jain fairness"]
    assert [line[0] for line in other.lines] == ["greedy", "learner"]
    assert "of bound" not in tables(suite, summary, "tiny")[0].columns


def test_tables_leave_out_what_an_environment_does_not_count(suite: Suite, episodes: pl.DataFrame) -> None:
    shown = {"Results": ["deliveries", "tasks"], "Of errands": ["detour"]}
    changed = suite.model_copy(update={"tables": shown})
    summary = summarise(changed, episodes, dict.fromkeys(suite.environments, UNITS))
    assert [table.title for table in tables(changed, summary, "tiny")] == ["Results"]
    assert tables(changed, summary, "tiny")[0].columns == ["agent", "deliveries", "of greedy"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "-"),
        ([0.0, 0.0], "0"),
        ([2.5], "2.50"),
        ([1234.4, 1234.4], "1234 ± 0"),
        ([21.0, 21.0], "21.0 ± 0.0"),
        ([0.25, 0.25], "0.250 ± 0.000"),
    ],
)
def test_numbers_have_about_three_digits(values: list[float], text: str) -> None:
    assert number(t_interval(values)) == text


def test_notes_warn_of_few_seeds_and_explain_the_bound(suite: Suite) -> None:
    text = " ".join(notes(suite))
    assert "Fewer than 5 seeds" in text
    assert "bound: greedy with num_robots=1, times 2" in text
    tiny = suite.environments["tiny"].model_copy(update={"bound": suite.environments["floor"].bound})
    assert tiny.bound is not None
    thrice = tiny.model_copy(update={"bound": tiny.bound.model_copy(update={"times": 3})})
    both = suite.model_copy(update={"environments": {**suite.environments, "tiny": thrice}})
    assert "bound: greedy with num_robots=1, times 2 or 3; a yardstick" in " ".join(notes(both))
    assert "Fewer than" not in " ".join(notes(suite.model_copy(update={"seeds": 5})))


def test_rows_keep_their_columns_on_disk(tmp_path: Path) -> None:
    row = ("run", 3, "floor", "greedy", "eval", 10, 2, "team", "deliveries", float("nan"))
    store.write_rows(tmp_path / "rows.parquet", [row])
    frame = pl.read_parquet(tmp_path / "rows.parquet")
    assert tuple(frame.columns) == store.EPISODE_COLUMNS
    assert frame.rows()[0][:-1] == row[:-1]


def test_an_environment_may_be_compared_on_a_metric_of_its_own(tmp_path: Path, episodes: pl.DataFrame) -> None:
    """In "tiny" less jam counts, and the other agent is 100 %: everything else stays as it is."""
    jam = episodes.filter(pl.col("metric") == "deliveries").with_columns(pl.lit("jam").alias("metric"))
    own = {**ENVIRONMENTS["tiny"], "headline": "jam", "better": "lower", "reference": "learner"}
    changes = {"environments": {"floor": ENVIRONMENTS["floor"], "tiny": own}, "chance": "greedy"}
    suite = load_suite(write_suite(tmp_path, **changes, tables={"Results": ["deliveries", "jam"]}))
    units = {name: {**UNITS, "jam": "s"} for name in suite.environments}
    found = summarise(suite, pl.concat([episodes, jam]), units)
    row = found.get("tiny", "learner", "jam")
    assert row is not None
    assert row.of_reference.mean == pytest.approx(100.0)  # it has half of the other's jam
    other = found.get("tiny", "learner", "deliveries")
    assert other is not None
    assert math.isnan(other.of_reference.mean)
    assert "share of learner" in tables(suite, found, "tiny")[0].columns
    assert "share of greedy" in tables(suite, found, "floor")[0].columns
    assert "A lower jam is better." in notes(suite)
    jobs = {(job.environment, job.headline, job.better) for job in expand(suite)}
    assert jobs == {("floor", "deliveries", "higher"), ("tiny", "jam", "lower")}


def test_the_pooled_score_says_when_not_all_play_everywhere(tmp_path: Path) -> None:
    said = "All environments: of each agent those that it plays, so compare agents that play the same."
    assert said not in notes(load_suite(write_suite(tmp_path)))
    fewer = {**ENVIRONMENTS["tiny"], "agents": ["greedy"]}
    environments = {"floor": ENVIRONMENTS["floor"], "tiny": fewer}
    assert said in notes(load_suite(write_suite(tmp_path, environments=environments)))
