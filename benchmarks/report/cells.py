"""Cells of the report's tables: links from numbers to the episodes behind them, and warnings."""

from __future__ import annotations

import math
from typing import NamedTuple
from urllib.parse import quote

from benchmarks import catalogue
from benchmarks.config import Suite
from benchmarks.report.replays import LABELS, Shown
from benchmarks.summary import Row, Summary
from benchmarks.tables import Table

ROUGH = 0.5  # half an interval's width as a share of the mean, from which on a number warns


class Cell(NamedTuple):
    """A cell: its text, where it links to (and what is there), and what to be careful about."""

    text: str
    href: str = ""
    title: str = ""
    warning: str = ""


class Linked(NamedTuple):
    """A table whose cells are `Cell`s; see `benchmarks.tables.Table`."""

    title: str
    columns: list[str]
    units: list[str]
    lines: list[list[Cell]]


def linked(table: Table, environment: str, suite: Suite, summary: Summary, shown: Shown) -> Linked:
    """Return the table with links to replays that are in the page, and with warnings."""
    metrics = {row.metric.replace("_", " "): row.metric for row in summary.rows if row.environment == environment}
    lines = []
    for agent, *texts in table.lines:
        cells = [Cell(agent)]
        for column, text in zip(table.columns[1:], texts, strict=True):
            metric = metrics.get(column, "")
            which = _episode_of(metric, environment, suite) if metric else ""
            row = summary.get(environment, agent, metric) if metric else None
            warning = _warning(row, suite) if row is not None and text else ""
            if which in shown.get(agent, {}):
                href = "#" + quote(f"watch/{environment}/{agent}/{which}", safe="/")
                cells.append(Cell(text, href, f"watch: {LABELS[which]}", warning))
            else:
                cells.append(Cell(text, warning=warning))
        lines.append(cells)
    return Linked(table.title, table.columns, table.units, lines)


def _episode_of(metric: str, environment: str, suite: Suite) -> str:
    """Return what a metric's number links to."""
    if metric == suite.headline_in(environment):
        return "worst"
    events = catalogue.FAMILIES[suite.environments[environment].env].events
    return next((what for what, event in events.items() if metric in (event.counted, event.at)), "")


def _warning(row: Row, suite: Suite) -> str:
    """Return why a number should be read with care, or ""."""
    mean, margin, seeds = row.estimate.mean, row.estimate.margin, row.estimate.seeds
    if 0 < seeds < suite.seeds:
        return f"defined in {seeds} of {suite.seeds} seeds only"
    if row.metric == suite.headline_in(row.environment) and not math.isnan(margin) and margin > ROUGH * abs(mean):
        return "the seeds differ so much that half the interval is more than half the mean"
    return ""
