"""`export RESULTS --format marl-eval|csv|latex|markdown`: results for other tools, for a paper and for a page."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import record, store
from benchmarks.errors import InputError
from benchmarks.record import Record
from benchmarks.statistics import Estimate
from benchmarks.summary import Row, Summary, agents_of
from benchmarks.tables import number

Values = dict[str, list[float]]  # metric -> a value an episode
SUFFIX = {"marl-eval": "json", "csv": "csv", "latex": "tex", "markdown": "md"}


def run_export(results: Path, form: str, out: Path | None, console: Console) -> Path:
    """Write the results in another format and return the file's path, RESULTS/export.SUFFIX if not given.

    Raises:
        InputError: no finished results folder, or results that the format cannot hold.
        RunError: the file cannot be written.
    """
    made = record.load(results)
    path = results / f"export.{SUFFIX[form]}" if out is None else out
    if form == "csv":
        store.join_runs(results, list(made.jobs), "episodes.parquet", path, "csv")
    else:
        if form == "marl-eval":
            tree, left_out = marl_eval(made, results)
            text = json.dumps(tree, indent=1, allow_nan=False) + "\n"
            if left_out:
                console.print(f"left out, as they are undefined in some episodes: {', '.join(left_out)}", style="dim")
        else:
            write = latex if form == "latex" else markdown
            text = write(made, record.summary_of(made, results))
        with store.writing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    console.print(f"Written: [bold]{path}[/]")
    return path


def marl_eval(made: Record, results: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the tree of marl-eval (Gorsane et al. 2022), and the metrics that it cannot hold.

    environment family -> environment -> agent -> seed_N -> step_K (step_count, and a list of episode values a metric)
    and absolute_metrics (the same, of the final evaluation). marl-eval wants as many steps of every agent: one that
    does not train plays alike at every step, so its final episodes stand at each. Bounds are left out: they play
    something else. Metrics undefined in some episode of an environment are left out there: JSON has no NaN.

    Raises:
        InputError: a comma in an agent's name, at which marl-eval splits.
    """
    tree: dict[str, Any] = {}
    left_out: list[str] = []
    for environment, about in made.suite.environments.items():
        runs = {key: job for key, job in made.jobs.items() if job.environment == environment and job.role == "agent"}
        finals = {key: _by_step(results, key, "episodes.parquet") for key in runs}
        curves = {key: _by_step(results, key, "evals.parquet") for key in runs}
        undefined = _undefined([*finals.values(), *curves.values()])
        left_out += [f"{environment}/{metric}" for metric in undefined]
        steps = next((list(curve) for curve in curves.values() if curve), [0])
        task = tree.setdefault(about.env, {}).setdefault(environment, {})
        for key, job in runs.items():
            if "," in job.agent:
                raise InputError(f"agents.{job.agent}: marl-eval allows no comma in a name")
            final = _without(next(iter(finals[key].values())), undefined)
            shown = {step: _without(values, undefined) for step, values in curves[key].items()}
            shown = shown or dict.fromkeys(steps, final)
            run: dict[str, Any] = {f"step_{n}": {"step_count": step, **shown[step]} for n, step in enumerate(shown)}
            task.setdefault(job.agent, {})[f"seed_{job.seed}"] = {**run, "absolute_metrics": final}
    return tree, left_out


def _by_step(results: Path, key: str, file: str) -> dict[int, Values]:
    """Return training step -> metric -> the values of the episodes of a run, in order."""
    import polars as pl

    frame = store.read_runs(results, [key], file).filter((pl.col("agent") == "team") & (pl.col("phase") != "sampled"))
    table: dict[int, Values] = {}
    for step, metric, value in (
        frame.sort("step", "episode", maintain_order=True).select("step", "metric", "value").iter_rows()
    ):
        table.setdefault(step, {}).setdefault(metric, []).append(value)
    return table


def _undefined(tables: list[dict[int, Values]]) -> list[str]:
    """Return the metrics with a NaN, and those that not all tables have."""
    every = [values for table in tables for values in table.values()]
    names = dict.fromkeys(name for values in every for name in values)
    return [name for name in names if any(name not in v or any(map(math.isnan, v[name])) for v in every)]


def _without(values: Values, undefined: list[str]) -> Values:
    return {metric: numbers for metric, numbers in values.items() if metric not in undefined}


def latex(made: Record, summary: Summary) -> str:
    """Return a table (for the package booktabs) of the headline metric: a line an agent, a column an environment."""
    suite = made.suite
    names = list(suite.environments)
    agents = list(dict.fromkeys(agent for name in names for agent in agents_of(suite, name)))
    titles = [f"{_tex(name)} ({_tex(suite.headline_in(name))})" for name in names]
    lines = [
        f"% {made.command}, {made.date}, code {made.code}; mean over {suite.seeds} seeds, half of the 95 % interval",
        f"\\begin{{tabular}}{{l{'r' * len(names)}}}",
        "\\toprule",
        " & ".join(["agent", *titles]) + " \\\\",
        "\\midrule",
    ]
    for agent in agents:
        rows = [summary.get(name, agent, suite.headline_in(name)) for name in names]
        cells = [_cell(row.estimate) if row else "" for row in rows]
        lines.append(" & ".join([_tex(agent), *cells]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def markdown(made: Record, summary: Summary) -> str:
    """Return a table of the headline metric with shares of the reference: a line an environment, a column an agent."""
    suite = made.suite
    agents = list(dict.fromkeys(agent for name in suite.environments for agent in agents_of(suite, name)))
    lines = ["| | " + " | ".join(agents) + " |", "|---" * (len(agents) + 1) + "|"]
    for name in suite.environments:
        metric = suite.headline_in(name)
        rows = [summary.get(name, agent, metric) for agent in agents]
        unit = next((row.unit for row in rows if row), "")
        title = f"{name}: {metric.replace('_', ' ')}" + (f" [{unit}]" if unit else "")
        lines.append(f"| {title} | " + " | ".join(_both(row) for row in rows) + " |")
    caption = f"`{made.command}`: mean over {suite.seeds} seeds ± half of the 95 % interval"
    return "\n".join([*lines, "", f"{caption}; in brackets the share of the reference.", ""])


def _both(row: Row | None) -> str:
    """Return value and percentage of a cell."""
    if row is None:
        return ""
    share = row.of_reference.mean
    return number(row.estimate) + ("" if math.isnan(share) else f" ({round(share)} %)")


def _cell(estimate: Estimate) -> str:
    text = number(estimate)
    return "--" if text == "-" else f"${text.replace('±', chr(92) + 'pm')}$"


def _tex(text: str) -> str:
    """Return text with what LaTeX takes for commands escaped."""
    return "".join(f"\\{character}" if character in "_&%#$" else character for character in text)
