"""The tables as text cells (for terminal and report alike), and the terminal's form of them."""

from __future__ import annotations

import math
from typing import NamedTuple

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.config import Rate, Suite
from benchmarks.kinds import LearnerAgent
from benchmarks.rates import count
from benchmarks.statistics import FEW_SEEDS, Estimate
from benchmarks.summary import Summary, agents_of

RATES = (
    "Rates: of all episodes of all seeds together, with Garwood's exact interval; it is about these policies, and does "
    "not tell how far those of other seeds would be from them."
)


class Table(NamedTuple):
    """A table of one environment: column titles (the first is the agent), units, and lines of as many cells."""

    title: str
    columns: list[str]
    units: list[str]
    lines: list[list[str]]


def tables(suite: Suite, summary: Summary, environment: str) -> list[Table]:
    """Return the environment's tables as the suite lists them; the one with the headline metric shows its shares."""
    counted = {row.metric for row in summary.rows if row.environment == environment}
    shown = {title: [metric for metric in metrics if metric in counted] for title, metrics in suite.tables.items()}
    of_metrics = [_table(suite, summary, environment, title, metrics) for title, metrics in shown.items() if metrics]
    of_rates = [_rates(suite, summary, environment, title, rate) for title, rate in suite.rates.items()]
    return of_metrics + [table for table in of_rates if table.lines]


def _rates(suite: Suite, summary: Summary, environment: str, title: str, rate: Rate) -> Table:
    """Return a table of events, what they could have happened to, and the rate with its interval."""
    per = f"per {rate.per:,} {rate.of}" if rate.per > 1 else f"per {rate.of}"
    columns = ["agent", rate.events, rate.of, "rate", "95 % interval"]
    lines = []
    for agent in suite.players(environment):
        counted = count(suite, summary, environment, agent, rate)
        if counted is not None:
            ends = f"{_digits(counted.low)} to {_digits(counted.high)}"
            lines.append([agent, f"{counted.events:.0f}", f"{counted.of:.0f}", _digits(counted.rate), ends])
    return Table(title, columns, ["", "", "", per, per], lines)


def _digits(value: float) -> str:
    """Return a number with about three digits."""
    return "0" if value == 0 else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _table(suite: Suite, summary: Summary, environment: str, title: str, metrics: list[str]) -> Table:
    has_bound = suite.environments[environment].bound is not None
    columns, units = ["agent"], [""]
    for metric in metrics:
        unit = next((row.unit for row in summary.rows if row[0] == environment and row.metric == metric), "")
        columns.append(metric.replace("_", " "))
        units.append("" if unit == "1" else unit)
        if metric == suite.headline_in(environment):
            of = "of" if suite.chance is None else "share of"
            columns += [f"{of} {suite.reference_in(environment)}", *(["of bound"] if has_bound else [])]
            units += ["%", *(["%"] if has_bound else [])]
    lines = []
    for agent in agents_of(suite, environment):
        cells = [agent]
        for metric in metrics:
            row = summary.get(environment, agent, metric)
            cells.append(number(row.estimate) if row else "")
            if metric == suite.headline_in(environment):
                cells.append(percent(row.of_reference) if row else "")
                if has_bound:
                    cells.append(percent(row.of_bound) if row else "")
        if any(cells[1:]):
            lines.append(cells)
    return Table(title, columns, units, lines)


def number(estimate: Estimate) -> str:
    """Return "mean ± half the 95 % interval" with about three digits, or a dash where nothing is defined."""
    if math.isnan(estimate.mean):
        return "-"
    size = max(abs(estimate.mean), 0.0 if math.isnan(estimate.margin) else estimate.margin)
    if size == 0:
        return "0"
    digits = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 3
    if math.isnan(estimate.margin):
        return f"{estimate.mean:.{digits}f}"
    return f"{estimate.mean:.{digits}f} ± {estimate.margin:.{digits}f}"


def percent(estimate: Estimate) -> str:
    """Return the mean percentage with one decimal, or a dash."""
    return "-" if math.isnan(estimate.mean) else f"{estimate.mean:.1f}"


def share_of(suite: Suite, environment: str | None = None) -> str:
    """Return what the percentages of an environment (or of all) are, in words."""
    names = [environment] if environment else list(suite.environments)
    references = dict.fromkeys(suite.reference_in(name) for name in names)
    return f"share of {' or '.join(references)}" + (f" ({suite.chance}: 0)" if suite.chance else "")


def headlines(suite: Suite) -> str:
    """Return the metrics that agents are compared on."""
    return " or ".join(dict.fromkeys(suite.headline_in(name) for name in suite.environments))


def headline_title(suite: Suite, summary: Summary, environment: str) -> str:
    """Return the headline metric and what it is counted over: a rate has that in its unit, a time needs none."""
    headline = suite.headline_in(environment)
    unit = next((row.unit for row in summary.rows if row[0] == environment and row.metric == headline), "")
    return f"{headline} ({unit})" if "/" in unit or unit == "s" else f"{headline} per episode"


def print_tables(suite: Suite, summary: Summary, console: Console) -> None:
    """Print every environment's tables, the pooled score, and what the numbers mean."""
    for environment in suite.environments:
        console.rule(f"[bold]{environment}", align="left")
        for table in tables(suite, summary, environment):
            console.print(_rich(table))
    if len(suite.environments) > 1:
        shares = "   ".join(f"{agent} {number(estimate)}" for agent, estimate in summary.pooled.items())
        console.print(f"[bold]All environments[/], IQM of {headlines(suite)} as {share_of(suite)} in %: {shares}")
    for note in notes(suite):
        console.print(note, style="dim", highlight=False)


def _rich(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, (column, unit) in enumerate(zip(table.columns, table.units, strict=True)):
        title = f"{column}\n[dim]{f'({unit})' if unit else ''}[/]"
        shown.add_column(title, justify="right" if index else "left", no_wrap=index == 0)
    for line in table.lines:
        shown.add_row(*line)
    return shown


def result_of(suite: Suite) -> str:
    """Return in words what of a training counts."""
    result = suite.train.result
    if result == "best":
        return "the policy of the training's best evaluation, measured on new episodes"
    if result == "last":
        return "the policy at the end of the training, measured on new episodes"
    return f"the mean of the training's last {result} greedy evaluations, not of the best one"


def notes(suite: Suite) -> list[str]:
    """Return the sentences that belong below the tables."""
    lines = [
        f"Per episode; mean over {suite.evaluate.episodes} episodes a seed, then over {suite.seeds} seeds "
        "± half of Student's 95 % interval (unit: the seed)."
    ]
    if any(isinstance(agent, LearnerAgent) for agent in suite.agents.values()):
        lines.append(f"Learners: {result_of(suite)}.")
    if suite.rates:
        lines.append(RATES)
    lower = {suite.headline_in(name) for name in suite.environments if suite.better_in(name) == "lower"}
    lines += [f"A lower {headline} is better." for headline in sorted(lower)]
    if suite.chance is not None:
        for high in dict.fromkeys(suite.reference_in(name) for name in suite.environments):
            low = suite.chance
            lines.append(
                f"Share of {high}: 100 (x - {low}) / ({high} - {low}) by seed; - where {high} is not better than {low}."
            )
    if suite.seeds < FEW_SEEDS:
        lines.append(f"Fewer than {FEW_SEEDS} seeds: the intervals are rough; use --seeds 10 for results to publish.")
    bounds: dict[str, list[str]] = {}
    for bound in (e.bound for e in suite.environments.values() if e.bound):
        changed = ", ".join(f"{name}={value}" for name, value in bound.params.items())
        times = bounds.setdefault(f"{bound.label}: {bound.agent} with {changed}", [])
        times += [f"{bound.times:g}"] if f"{bound.times:g}" not in times else []
    lines += [f"{what}, times {' or '.join(times)}; a yardstick, not a proof." for what, times in bounds.items()]
    if len({str([agent.env.get(name) for name in ("reward", "shaping")]) for agent in suite.agents.values()}) > 1:
        lines.append("Returns compare only between equal rewards: a team reward pays everyone what each has earned.")
    if len({tuple(suite.players(name)) for name in suite.environments}) > 1:
        lines.append("All environments: of each agent those that it plays, so compare agents that play the same.")
    return lines
