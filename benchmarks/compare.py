"""`compare A B`: two results folders cell by cell, paired by seed; regressions are marked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks import record
from benchmarks.errors import InputError
from benchmarks.record import Record
from benchmarks.statistics import FEW_SEEDS, Comparison, Estimate, compare_pairs, t_interval
from benchmarks.summary import Means, means_of_runs, sampled
from benchmarks.tables import number

COLORS = {"better": "green", "worse": "bold red", "same": "dim", "unclear": ""}
NOTE = (
    "P(better): share of seeds in which the second is better, a tie counts half, with Wilson's 95 % interval. worse (a "
    "regression) and better: Student's 95 % interval of the paired differences leaves out 0; of 40 cells where nothing "
    "changed, one will be marked worse."
)


class Line(NamedTuple):
    """One environment and agent in both results."""

    environment: str
    agent: str
    metric: str
    before: Estimate
    after: Estimate
    pairs: Comparison  # its first is what is better: after, or before where less is better

    @property
    def verdict(self) -> str:
        """Return better, worse, same or unclear."""
        return verdict(self.pairs.difference)


def run_compare(
    before: Path, after: Path, metric: str | None, better: str | None, fewest: int, console: Console
) -> int:
    """Print the comparison of two results folders; return 1 if there is a regression or a cell is gone, else 0.

    Args:
        before: results folder.
        after: results folder.
        metric: instead of each environment's headline; `better` ("higher" or "lower") must be given with it.
        better: which values of it are.
        fewest: seeds that both must have of a cell.
        console: where to print.

    Raises:
        InputError: no results folder, no such metric, or nothing that both have.
    """
    if (metric is None) != (better is None):
        raise InputError("--metric and --better go together: a metric does not say which of its values are better")
    records = [record.load(folder) for folder in (before, after)]
    values = [means_of_runs(out, list(made.jobs)) for made, out in zip(records, (before, after), strict=True)]
    known = {name for table in values for *_, name in table}
    if metric is not None and metric not in known:
        raise InputError(f"--metric: no metric {metric!r} in the results; allowed are {', '.join(sorted(known))}")
    lines = compare(records[0], values[0], values[1], metric, better, fewest)
    if not lines:
        raise InputError(f"{before} and {after} have no environment, agent and {fewest} seeds in common")
    console.print(_table(lines))
    gone = _print_unpaired(records[0], values, lines, metric, console)
    console.print(NOTE, style="dim")
    if any(line.pairs.difference.seeds < FEW_SEEDS for line in lines):
        console.print(f"Fewer than {FEW_SEEDS} seeds: the intervals are rough.", style="dim")
    worse = sum(line.verdict == "worse" for line in lines)
    console.print(f"[bold red]{worse} regressions[/]" if worse else "no regression")
    if gone:
        console.print(f"[bold red]{gone} results are gone[/]")
    return 1 if worse or gone else 0


def compare(
    made: Record,
    before: Means,
    after: Means,
    metric: str | None,
    better: str | None,
    fewest: int,
) -> list[Line]:
    """Return a line for every cell that both have; `made` says which metric counts, and how."""
    lines = []
    for environment, agent, name in _cells(made, metric):
        higher = (better or made.suite.better_in(environment)) == "higher"
        old, new = (table.get((environment, agent, name), {}) for table in (before, after))
        seeds = sorted(set(old) & set(new))
        if len(seeds) >= fewest:
            left, right = ([values[seed] for seed in seeds] for values in (old, new))
            pairs = compare_pairs(right, left) if higher else compare_pairs(left, right)
            lines.append(Line(environment, agent, name, t_interval(left), t_interval(right), pairs))
    return lines


def _cells(made: Record, metric: str | None) -> Iterator[tuple[str, str, str]]:
    """Yield environment, agent (those that explore as well) and metric of what is compared."""
    for environment in made.suite.environments:
        for agent in made.suite.players(environment):
            for name in (agent, *sampled(made.suite, agent)):
                yield environment, name, metric or made.suite.headline_in(environment)


def verdict(difference: Estimate) -> str:
    """Return better, worse, same (no seed differs, or the mean does not) or unclear (the interval holds 0)."""
    low, high = difference.low, difference.high
    if difference.mean == 0 and (low == high or difference.seeds == 1):
        return "same"
    return "better" if low > 0 else "worse" if high < 0 else "unclear"


def _table(lines: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("environment", "agent", "metric", "before", "after", "improvement", "P(better)", "seeds", ""):
        table.add_column(column, justify="left" if column in ("environment", "agent", "metric", "") else "right")
    for line in lines:
        difference, improvement, _ = line.pairs
        color = COLORS[line.verdict]
        marked = f"[{color}]{line.verdict}[/]" if color else line.verdict
        cells = [number(line.before), number(line.after), number(difference), _probability(improvement)]
        table.add_row(line.environment, line.agent, line.metric, *cells, str(difference.seeds), marked)
    return table


def _probability(estimate: Estimate) -> str:
    if math.isnan(estimate.mean):
        return "-"
    return f"{estimate.mean:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def _print_unpaired(made: Record, values: list[Means], lines: list[Line], metric: str | None, console: Console) -> int:
    """Say what could not be compared, so that it is not taken for unchanged; return how much is only in the first."""
    before, after = values
    compared = {(line.environment, line.agent) for line in lines}
    gone = 0
    for environment, agent, name in _cells(made, metric):
        if (environment, agent) in compared or (environment, agent, name) not in before:
            continue
        if (environment, agent, name) in after:
            console.print(f"[yellow]too few seeds in common:[/] {environment} / {agent}")
        else:
            gone += 1
            console.print(f"[bold red]only in the first:[/] {environment} / {agent} ({name})")
    for environment, agent in sorted({key[:2] for key in after} - {key[:2] for key in before}):
        console.print(f"[yellow]only in the second:[/] {environment} / {agent}")
    return gone
