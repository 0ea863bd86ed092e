"""Puts the page together: a template, styles and a player, all inside one file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import store
from benchmarks.config import Suite
from benchmarks.kinds import LearnerAgent
from benchmarks.report.cells import linked
from benchmarks.report.curves import SERIES, curve_figure, learning_curves
from benchmarks.report.profiles import profile_figure
from benchmarks.report.replays import Replays
from benchmarks.report.strangers import Measured, section
from benchmarks.report.sweeps import sweep_figure
from benchmarks.report.transfers import transfer_table
from benchmarks.summary import Summary, agents_of
from benchmarks.tables import headline_title, headlines, notes, number, result_of, share_of, tables

if TYPE_CHECKING:
    import polars as pl

HERE = Path(__file__).parent
SCRIPTS = ("scenes_floor.js", "scenes_roads.js", "player.js")


class Made(NamedTuple):
    """How the results were made: shown at the top of the report."""

    command: str
    date: str
    cpu_minutes: float
    machines: list[str]  # on which jobs ran
    versions: dict[str, str]
    code: str


def write_report(
    path: Path,
    suite: Suite,
    summary: Summary,
    evals: pl.DataFrame,
    replays: Replays,
    made: Made,
    measured: Measured,
) -> None:
    """Write the report of a suite to `path`.

    Args:
        path: the HTML file.
        suite: what was run.
        summary: its estimates.
        evals: evaluation episodes during training, long format.
        replays: what there is to watch.
        made: how the results were made.
        measured: of trained agents, if anything was.

    Raises:
        RunError: the file cannot be written.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    html = templates.get_template("page.html").render(
        suite=suite,
        made=made,
        notes=notes(suite),
        result=result_of(suite),
        share=f"{share_of(suite)} in %",
        compared=headlines(suite),
        references=" or ".join(dict.fromkeys(suite.reference_in(name) for name in suite.environments)),
        sweeps=sweep_figure(suite, summary) if suite.sweeps else "",
        pooled=[(agent, number(estimate)) for agent, estimate in summary.pooled.items()],
        environments=[_section(name, suite, summary, evals, replays, measured) for name in suite.environments],
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        profiles=profile_figure(suite, summary) if len(suite.environments) > 1 else "",
        left_out=replays.left_out,
        player="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
    )
    with store.writing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _section(
    name: str, suite: Suite, summary: Summary, evals: pl.DataFrame, replays: Replays, measured: Measured
) -> dict[str, Any]:
    """Return what the template shows of one environment."""
    curves = learning_curves(evals, name, suite)
    shown = replays.of(name)
    transfers = transfer_table(evals, name, suite)
    shown_tables = [*tables(suite, summary, name), *([transfers] if transfers else [])]
    best = max(shown, key=lambda agent: _goodness(suite, summary, name, agent), default="")
    learners = [agent for agent in shown if isinstance(suite.agents[agent], LearnerAgent)]
    headline = suite.headline_in(name)
    unit = next((row.unit for row in summary.rows if row.environment == name and row.metric == headline), "")
    return {
        "name": name,
        "family": suite.environments[name].env,
        "share": f"{share_of(suite, name)} in %",
        "headline": headline_title(suite, summary, name),
        "params": ", ".join(f"{key}={value}" for key, value in suite.environments[name].params.items()),
        "elsewhere": bool(suite.environments[name].train_on),
        "train_steps": suite.environments[name].train_steps / 1e6,
        "bars": bars(suite, summary, name),
        "tables": [linked(table, name, suite, summary, shown) for table in shown_tables],
        "curves": curve_figure(curves, name, suite, summary) if curves else "",
        # "</" must not occur inside a <script> element
        "replays": json.dumps(shown, separators=(",", ":")).replace("</", "<\\/"),
        "strangers": section(name, suite, measured, unit),
        "agents": list(shown),
        "first": max(learners, key=lambda agent: _goodness(suite, summary, name, agent), default=best),
    }


def _goodness(suite: Suite, summary: Summary, environment: str, agent: str) -> float:
    """Return the mean of the headline metric, negative if less is better."""
    row = summary.get(environment, agent, suite.headline_in(environment))
    if row is None or math.isnan(row.estimate.mean):
        return -math.inf
    return row.estimate.mean if suite.better_in(environment) == "higher" else -row.estimate.mean


class Bar(NamedTuple):
    """A bar of the headline chart; lengths in % of the axis."""

    agent: str
    series: int  # number of the agent's colour, or -1 for the bound
    text: str
    share: str
    length: float
    low: float
    high: float


def bars(suite: Suite, summary: Summary, environment: str) -> list[Bar]:
    """Return one bar an agent for the headline metric; the longest, interval included, fills the axis."""
    agents = list(suite.agents)
    headline = suite.headline_in(environment)
    rows = [(agent, summary.get(environment, agent, headline)) for agent in agents_of(suite, environment)]
    known = [(agent, row) for agent, row in rows if row is not None and not math.isnan(row.estimate.mean)]
    ends = [end for _, row in known for end in row.estimate[:3] if not math.isnan(end)]
    scale = 100 / max([*ends, 1e-12])
    result = []
    for agent, row in known:
        low, high = (row.estimate.mean if math.isnan(end) else max(end, 0.0) for end in row.estimate[1:3])
        share = "" if math.isnan(row.of_reference.mean) else f"{row.of_reference.mean:.0f} %"
        series = agents.index(agent) % len(SERIES) if agent in agents else -1
        length = max(row.estimate.mean, 0.0) * scale
        result.append(Bar(agent, series, number(row.estimate), share, length, low * scale, high * scale))
    return result
