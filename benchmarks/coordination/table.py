"""The coordination table: one value with its interval an environment, agent and metric, from all that was measured."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import store
from benchmarks.errors import InputError
from benchmarks.statistics import Estimate, t_interval

TITLES = {  # metric -> (what the table says, unit, decimals)
    "self_play": ("with partners of its own run", "", 2),
    "cross_play": ("with partners of other runs", "", 2),
    "cross_loss": ("lost with strangers", "", 2),
    "score": ("normalised score (random 0, planner 1)", "1", 2),
    "price": ("price of decentralisation", "1", 2),
    "time_to_90": ("time to 90 % of the planner, restricted mean", "1e6 agent-steps", 2),
    "reached_90": ("runs that reached and held it", "1", 2),
    "conflicts": ("conflicts", "1/agent-step", 4),
    "blocked": ("blocked", "1/agent-step", 4),
    "waiting": ("waiting", "1", 3),
    "deadlocks": ("episodes with a deadlock", "1", 3),
    "livelock": ("livelock", "1", 3),
    "collisions": ("collisions (all runs, exact interval)", "1/1000 vehicles", 2),
    "removed_1": ("kept with one agent removed", "1", 2),
    "frozen_1": ("kept with one agent frozen", "1", 2),
    "frozen_2": ("kept with two agents frozen", "1", 2),
    "frozen_3": ("kept with three agents frozen", "1", 2),
    "noise_0.05": ("kept with 5 % random actions", "1", 2),
    "noise_0.2": ("kept with 20 % random actions", "1", 2),
    "loss_0.1": ("kept with 10 % of observations lost", "1", 2),
    "loss_0.5": ("kept with 50 % of observations lost", "1", 2),
    "influence": ("social influence", "bits", 4),
    "information_same_step": ("action information, same step (Miller-Madow)", "bits", 3),
    "information_same_step_excess": ("of it above the shifted null", "bits", 3),
    "information_next_step": ("action information, next step (Miller-Madow)", "bits", 3),
    "information_next_step_excess": ("of it above the shifted null (next step)", "bits", 3),
    "diversity": ("policy diversity (SND)", "1", 3),
    "labour": ("division of labour", "1", 4),
    "shapley_share_max": ("largest Shapley share", "1", 3),
    "difference_to_shapley": ("difference rewards over Shapley values, sums", "1", 2),
}


class Row(NamedTuple):
    """One line of coordination.csv."""

    environment: str
    agent: str
    metric: str
    unit: str
    estimate: Estimate
    note: str = ""


def rows_of(environment: str, agent: str, measured: Sequence[dict[str, Any]]) -> list[Row]:
    """Return a row for each number of the runs' measurements: the mean over runs with Student's t interval."""
    names = [name for name in TITLES if any(name in numbers for numbers in measured)]
    return [
        Row(environment, agent, name, TITLES[name][1], t_interval(_column(measured, name)), _note(measured, name))
        for name in names
    ]


def _column(measured: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [float(numbers.get(name, math.nan)) for numbers in measured]


def _note(measured: Sequence[dict[str, Any]], name: str) -> str:
    """Return in how many runs it differs from its null, where it has one."""
    p_name = {"information_same_step_excess": "information_same_step_p", "labour": "labour_p"}
    p_name["information_next_step_excess"] = "information_next_step_p"
    if name not in p_name:
        return ""
    values = [p for p in _column(measured, p_name[name]) if not math.isnan(p)]
    return f"p < 0.05 in {sum(p < 0.05 for p in values)} of {len(values)} runs"


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write coordination.csv: no timings and no dates, so the same seeds give the same bytes."""
    with store.writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["environment", "agent", "metric", "unit", "runs", "value", "low95", "high95", "note"])
        for row in rows:
            numbers = ["" if math.isnan(x) else f"{x:.9g}" for x in row.estimate[:3]]
            writer.writerow([*row[:4], row.estimate.seeds, *numbers, row.note])


def read_csv(path: Path) -> list[Row]:
    """Return the rows of coordination.csv; none where there is no such file.

    Raises:
        InputError: it is damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [_row(line) for line in csv.DictReader(file)]
    except FileNotFoundError:
        return []
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); run the suite again") from error


def _row(line: dict[str, str]) -> Row:
    value, low, high = (float(line[name] or "nan") for name in ("value", "low95", "high95"))
    if line["metric"] not in TITLES:
        raise ValueError(f"no metric {line['metric']!r}")
    names = (line["environment"], line["agent"], line["metric"], line["unit"])
    return Row(*names, Estimate(value, low, high, int(line["runs"])), line["note"])


def table_of(rows: Sequence[Row], unit: str) -> tuple[list[str], list[list[str]]]:
    """Return the agents, and a line a metric (title, unit, a cell an agent), of one environment's rows.

    Args:
        rows: of one environment.
        unit: of its headline, for the metrics that are counted in it.
    """
    agents = list(dict.fromkeys(row.agent for row in rows))
    lines = []
    for name in (name for name in TITLES if any(row.metric == name for row in rows)):
        found = {row.agent: row for row in rows if row.metric == name}
        lines.append([TITLES[name][0], TITLES[name][1] or unit, *(_cell(found.get(agent)) for agent in agents)])
    return agents, lines


def markdown(rows: Sequence[Row], units: dict[str, str]) -> str:
    """Return the tables as Markdown, one an environment; `units[environment]` is the headline's name and unit."""
    parts = []
    for environment in dict.fromkeys(row.environment for row in rows):
        own = [row for row in rows if row.environment == environment]
        agents, cells = table_of(own, units[environment].rpartition(", ")[2])
        lines = [f"**{environment}** ({units[environment]})", "", f"| | unit | {' | '.join(agents)} |"]
        lines.append("|---" * (2 + len(agents)) + "|")
        lines += [f"| {' | '.join(line)} |" for line in cells]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _cell(row: Row | None) -> str:
    if row is None or math.isnan(row.estimate.mean):
        return "-"
    digits = TITLES[row.metric][2]
    shown = f"{row.estimate.mean:.{digits}f}"
    if not math.isnan(row.estimate.low):
        shown += f" [{row.estimate.low:.{digits}f}, {row.estimate.high:.{digits}f}]"
    return f"{shown}; {row.note}" if row.note else shown
