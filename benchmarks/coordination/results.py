"""From finished runs and measurements to the rows of the coordination table, and the cross-play matrices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import catalogue, store
from benchmarks.config import Suite
from benchmarks.coordination import units
from benchmarks.coordination.files import Matrices
from benchmarks.coordination.table import TITLES, Row, rows_of
from benchmarks.coordination.units import Unit
from benchmarks.kinds import LearnerAgent
from benchmarks.statistics import Estimate
from marl_envs import metrics

if TYPE_CHECKING:
    from benchmarks.record import Record


def matrices_of(suite: Suite, found: list[Unit], out: Path) -> Matrices:
    """Return the cross-play matrices, from the rows that were measured, in the suite's order."""
    rows: dict[tuple[str, str], dict[int, list[float]]] = {}
    for unit in found:
        if unit.measure == "cross":
            numbers = units.read(unit, out)
            rows.setdefault((unit.job.environment, unit.job.agent), {})[unit.job.seed] = numbers["row"]
    order = [(environment, agent) for environment in suite.environments for agent in suite.agents]
    return {names: np.array([rows[names][seed] for seed in sorted(rows[names])]) for names in order if names in rows}


def table_rows(made: Record, found: list[Unit], matrices: Matrices, out: Path) -> list[Row]:
    """Return all rows, environments and agents in the suite's order, metrics in the table's."""
    suite, records = made.suite, _records(made, out)
    rows = []
    for environment in suite.environments:
        for agent in suite.players(environment):
            own = _cross_rows(suite, environment, agent, matrices) + _score_rows(suite, environment, agent, records)
            own += _reached_rows(made, environment, agent, out, records)
            own += _record_rows(made, environment, agent, records)
            own += rows_of(environment, agent, _measured(found, environment, agent, out))
            rows += sorted(own, key=lambda row: list(TITLES).index(row.metric))
    return rows


def _measured(found: list[Unit], environment: str, agent: str, out: Path) -> list[dict[str, Any]]:
    """Return each run's numbers, those of its measures together, in the order of seeds."""
    by_seed: dict[int, dict[str, Any]] = {}
    for unit in found:
        if (unit.job.environment, unit.job.agent) == (environment, agent) and unit.measure != "cross":
            by_seed.setdefault(unit.job.seed, {}).update(units.read(unit, out))
    return [by_seed[seed] for seed in sorted(by_seed)]


def _cross_rows(suite: Suite, environment: str, agent: str, matrices: Matrices) -> list[Row]:
    matrix = matrices.get((environment, agent))
    if matrix is None or len(matrix) < 2 or np.isnan(matrix).any():  # of which no mean would be that of all pairs
        return []
    higher = suite.better_in(environment) == "higher"
    found = metrics.cross_play(matrix)
    gap = found.gap if higher else metrics.Interval(-found.gap.value, -found.gap.high, -found.gap.low)
    parts = {"self_play": found.self_play, "cross_play": found.cross_play, "cross_loss": gap}
    return [
        Row(environment, agent, name, TITLES[name][1], Estimate(*part, found.seeds)) for name, part in parts.items()
    ]


Records = dict[tuple[str, str], dict[int, list[dict[str, float]]]]  # (environment, agent) -> seed -> episodes


def _records(made: Record, out: Path) -> Records:
    """Return the records of the final evaluations."""
    import polars as pl

    frame = store.read_runs(out, list(made.jobs), "episodes.parquet", pl.col("phase") == "eval")
    found: dict[tuple[str, str], dict[int, dict[int, dict[str, float]]]] = {}
    for seed, env, algo, episode, metric, value in frame.select(
        "seed", "env", "algo", "episode", "metric", "value"
    ).iter_rows():
        found.setdefault((env, algo), {}).setdefault(seed, {}).setdefault(episode, {})[metric] = value
    return {names: {s: list(e.values()) for s, e in sorted(seeds.items())} for names, seeds in found.items()}


def _means(records: Records, environment: str, agent: str, metric: str) -> dict[int, float]:
    return {
        seed: float(np.nanmean([episode[metric] for episode in episodes]))
        for seed, episodes in records[environment, agent].items()
    }


def _scale(suite: Suite, environment: str, records: Records) -> tuple[dict[int, float], dict[int, float]]:
    """Return what chance and the planner get, by seed."""
    assert suite.chance is not None, "checked before the suite ran"
    headline = suite.headline_in(environment)
    planner = suite.reference_in(environment)
    return _means(records, environment, suite.chance, headline), _means(records, environment, planner, headline)


def _score_rows(suite: Suite, environment: str, agent: str, records: Records) -> list[Row]:
    better = suite.better_in(environment)
    own = _means(records, environment, agent, suite.headline_in(environment))
    chance, planner = _scale(suite, environment, records)
    numbers: list[dict[str, Any]] = [
        {"score": metrics.normalised_score(own[s], chance[s], planner[s], better)} for s in own
    ]
    if isinstance(suite.agents[agent], LearnerAgent):
        kind = "reward" if better == "higher" else "cost"
        for row, s in zip(numbers, own, strict=True):
            row["price"] = metrics.price_of_decentralisation(own[s], planner[s], kind).ratio  # type: ignore[arg-type]
    return rows_of(environment, agent, numbers)


def _reached_rows(made: Record, environment: str, agent: str, out: Path, records: Records) -> list[Row]:
    """Return when runs were and stayed at 90 % of the planner, by the evaluations of the training."""
    suite = made.suite
    if not isinstance(suite.agents[agent], LearnerAgent):
        return []
    import polars as pl

    keys = [key for key, job in made.jobs.items() if (job.environment, job.agent) == (environment, agent)]
    frame = store.read_runs(out, keys, "evals.parquet")
    frame = frame.filter(frame["metric"] == suite.headline_in(environment))
    mean = pl.col("value").fill_nan(None).mean().fill_null(float("nan"))  # undefined episodes are left out
    means = frame.group_by("seed", "step").agg(mean).sort("seed", "step")
    steps = sorted(set(means["step"].to_list()))
    runs = [means.filter(means["seed"] == s)["value"].to_list() for s in sorted(set(means["seed"].to_list()))]
    chance, planner = (float(np.mean(list(x.values()))) for x in _scale(suite, environment, records))
    level = chance + 0.9 * (planner - chance)
    found = metrics.time_to_level(steps, runs, level, better=suite.better_in(environment))
    times = np.where(np.isnan(found.times), steps[-1], found.times) / 1e6
    numbers = [{"time_to_90": t, "reached_90": float(not np.isnan(r))} for t, r in zip(times, found.times, strict=True)]
    rows = rows_of(environment, agent, numbers)
    return [row if row.metric == "time_to_90" else row._replace(estimate=_plain(row.estimate)) for row in rows]


def _plain(estimate: Estimate) -> Estimate:
    """Return a share of runs without an interval, for which there is nothing normal about it."""
    return estimate._replace(low=float("nan"), high=float("nan"))


def _record_rows(made: Record, environment: str, agent: str, records: Records) -> list[Row]:
    """Return what the environments recorded, as rates."""
    runs = list(records[environment, agent].values())
    if made.suite.environments[environment].env == "intersection_v0":
        numbers = [{"waiting": metrics.waiting_fraction(r), "deadlocks": metrics.deadlock_share(r)} for r in runs]
        rate = metrics.collision_rate([episode for run in runs for episode in run])
        row = Row(environment, agent, "collisions", TITLES["collisions"][1], Estimate(*rate[2:], len(runs)))
        return [*rows_of(environment, agent, numbers), row]
    job = next(job for job in made.jobs.values() if job.environment == environment and job.role == "agent")
    agents = catalogue.make(job, 1).num_agents
    numbers = [
        {
            "conflicts": metrics.conflict_rate(r, agents),
            "blocked": metrics.blocked_fraction(r, agents),
            "waiting": metrics.waiting_fraction(r),
            "deadlocks": metrics.deadlock_share(r),
            "livelock": metrics.livelock_rate(r),
        }
        for r in runs
    ]
    return rows_of(environment, agent, numbers)
