"""From raw episodes to one estimate an environment, agent and metric, and `summary.csv`."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import store
from benchmarks.config import Suite
from benchmarks.kinds import LearnerAgent
from benchmarks.statistics import NOTHING, Estimate, iqm, stratified_bootstrap, t_interval

if TYPE_CHECKING:
    import polars as pl

BySeed = dict[int, float]
Means = dict[tuple[str, str, str], BySeed]  # by environment, agent and metric
SAMPLED = " (sampled)"  # after the name of a learner that plays as it explores


class Row(NamedTuple):
    """One line of summary.csv; the percentages are of the headline metric only."""

    environment: str
    agent: str
    metric: str
    unit: str
    estimate: Estimate
    iqm: float
    of_reference: Estimate  # [%] per seed, of the reference agent's value with the same seed, see `_percent`
    of_bound: Estimate  # [%] over the bound's mean


class Summary(NamedTuple):
    """All rows, in the suite's order, and the pooled score of every agent."""

    rows: list[Row]
    pooled: dict[str, Estimate]  # agent -> IQM over environments and seeds of the percentage of the reference
    scores: dict[str, list[list[float]]]  # agent -> those percentages [%], a list of seeds an environment

    def get(self, environment: str, agent: str, metric: str) -> Row | None:
        """Return the row of these names."""
        names = (environment, agent, metric)
        return next((row for row in self.rows if row[:3] == names), None)


def seed_means(episodes: pl.DataFrame) -> Means:
    """Return (env, algo, metric) -> seed -> mean over that seed's final evaluation episodes.

    Episodes in which a metric is undefined (NaN: a service time without a delivery) are left out of its mean. What a
    learner plays as it explores counts as an agent of its own, see `sampled`.
    """
    import polars as pl

    name = pl.when(pl.col("phase") == "sampled").then(pl.col("algo") + SAMPLED).otherwise(pl.col("algo"))
    means = (
        episodes.filter(pl.col("phase").is_in(["eval", "sampled"]) & (pl.col("agent") == "team"))
        .filter(pl.col("value").is_not_nan())
        .with_columns(name.alias("algo"))
        .sort("seed", "episode")
        .group_by("env", "algo", "metric", "seed", maintain_order=True)
        .agg(pl.col("value").mean())
    )
    table: Means = {}
    for env, algo, metric, seed, value in means.iter_rows():
        table.setdefault((env, algo, metric), {})[seed] = value
    return table


def means_of_runs(out: Path, keys: list[str]) -> Means:
    """Return `seed_means` of all these runs, of which one at a time is in memory: together they may be too large."""
    table: Means = {}
    for key in keys:
        for names, values in seed_means(store.read_runs(out, [key], "episodes.parquet")).items():
            table.setdefault(names, {}).update(values)
    return {names: dict(sorted(values.items())) for names, values in table.items()}


def summarise(suite: Suite, episodes: pl.DataFrame, units: dict[str, dict[str, str]]) -> Summary:
    """Return the summary of a suite's raw episodes; `units[environment]` holds metric -> unit."""
    return summary_of_means(suite, seed_means(episodes), units)


def summary_of_means(suite: Suite, table: Means, units: dict[str, dict[str, str]]) -> Summary:
    """Return the summary of what `seed_means` gives."""
    rows = []
    for environment in suite.environments:
        for agent in agents_of(suite, environment):
            for metric, unit in units[environment].items():
                row = _row(suite, table, environment, agent, metric, unit)
                if row is not None:
                    rows.append(row)
    scores = _scores(suite, table)
    return Summary(rows, {agent: stratified_bootstrap(strata) for agent, strata in scores.items()}, scores)


def agents_of(suite: Suite, environment: str) -> list[str]:
    """Return the agents of an environment in the order tables show them, the bound last."""
    bound = suite.environments[environment].bound
    players = [name for agent in suite.players(environment) for name in (agent, *sampled(suite, agent))]
    return [*players, *([bound.label] if bound else [])]


def sampled(suite: Suite, agent: str) -> list[str]:
    """Return the name under which an agent's episodes with exploration are, if it plays such."""
    plays = suite.evaluate.sampled and isinstance(suite.agents[agent], LearnerAgent)
    return [agent + SAMPLED] if plays else []


def _row(suite: Suite, table: Means, environment: str, agent: str, metric: str, unit: str) -> Row | None:
    """Return the row, or None: the bound says something about the headline metric only."""
    values = table.get((environment, agent, metric), {})
    bound = suite.environments[environment].bound
    is_bound = bound is not None and agent == bound.label
    if is_bound and metric != suite.headline_in(environment):
        return None
    if bound is not None and is_bound:
        values = {seed: value * bound.times for seed, value in values.items()}
    reference = of_bound = NOTHING
    if metric == suite.headline_in(environment):
        reference = t_interval(_percent(suite, table, environment, values))
        if bound is not None:
            alone = t_interval(list(table.get((environment, bound.label, metric), {}).values()))
            full = alone.mean * bound.times
            of_bound = t_interval([100 * value / full if full > 0 else math.nan for value in values.values()])
    numbers = list(values.values())
    return Row(environment, agent, metric, unit, t_interval(numbers), iqm(numbers), reference, of_bound)


def _percent(suite: Suite, table: Means, environment: str, own: BySeed) -> list[float]:
    """Return the headline metric `own` seed by seed [%]: `suite.chance` is 0 %, the reference 100 %.

    Without `chance`, 0 % is a metric of 0. A seed counts that all of them have; NaN where the reference is not better
    than 0 %, since there is no scale then.
    """

    def values(name: str) -> BySeed:
        return table.get((environment, name, suite.headline_in(environment)), {})

    top = values(suite.reference_in(environment))
    bottom = dict.fromkeys(top, 0.0) if suite.chance is None else values(suite.chance)
    sign = 1 if suite.better_in(environment) == "higher" else -1
    return [
        100 * (own[seed] - bottom[seed]) / (top[seed] - bottom[seed])
        if sign * top[seed] > sign * bottom[seed]
        else math.nan
        for seed in sorted(set(own) & set(top) & set(bottom))
    ]


def _scores(suite: Suite, table: Means) -> dict[str, list[list[float]]]:
    """Return the percentage of the reference of every agent, by environment and seed."""

    def scores(environment: str, agent: str) -> list[float]:
        return _percent(suite, table, environment, table.get((environment, agent, suite.headline_in(environment)), {}))

    return {agent: [scores(environment, agent) for environment in suite.environments] for agent in suite.agents}


def write_csv(path: Path, summary: Summary) -> None:
    """Write summary.csv: no timings and no dates, so the same seeds give the same bytes."""
    header = ["environment", "agent", "metric", "unit", "seeds", "mean", "low95", "high95", "iqm"]
    for share in ("percent_of_reference", "percent_of_bound"):
        header += [share, f"{share}_low95", f"{share}_high95"]
    with store.writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in summary.rows:
            numbers = [*row.estimate[:3], row.iqm, *row.of_reference[:3], *row.of_bound[:3]]
            cells = ["" if math.isnan(number) else f"{number:.9g}" for number in numbers]
            writer.writerow([row.environment, row.agent, row.metric, row.unit, row.estimate.seeds, *cells])
