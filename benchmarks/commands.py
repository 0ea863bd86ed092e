"""Commands on results that are there already: compare, ci, verify, export. Each runs itself and gives an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console


@dataclass(frozen=True)
class Compare:
    """Compare two results folders, paired by seed; exit status 1 if an agent became worse or is gone somewhere.

    Example: python -m benchmarks compare results/main results/branch

    Example: python -m benchmarks compare before after --metric service_time --better lower
    """

    before: Annotated[Path, tyro.conf.Positional]
    """The folder that `run` wrote first."""
    after: Annotated[Path, tyro.conf.Positional]
    """The folder to compare with it: of the same suite, with other code or settings."""
    metric: str | None = None
    """Compare this metric instead of each environment's headline."""
    better: Literal["higher", "lower"] | None = None
    """Which of its values are better; needed with --metric."""
    fewest: int = 2
    """Seeds that both must have of an environment and agent."""

    def execute(self, console: Console) -> int:
        """Compare."""
        from benchmarks.compare import run_compare

        return run_compare(self.before, self.after, self.metric, self.better, self.fewest, console)


@dataclass(frozen=True)
class Ci:
    """Hold a results folder against a file of limits; exit status 1 if one is broken.

    Example: python -m benchmarks ci results/quick --tolerance limits.yaml --junit junit.xml --markdown summary.md

    The file: {checks: [{environment: "*", agent: pibt, metric: refused_vertex, max: 0},
    {environment: floor-5x5, agent: pibt, metric: deliveries, value: 93, within: 3 %}]}
    """

    results: Annotated[Path, tyro.conf.Positional]
    """The folder that `run` wrote."""
    tolerance: Path
    """YAML file of checks: environment, agent (with * for anything), metric, and min, max, or value and within."""
    junit: Path | None = None
    """Write the verdicts as JUnit XML, too."""
    markdown: Path | None = None
    """Write them as a Markdown table, too."""

    def execute(self, console: Console) -> int:
        """Check."""
        from benchmarks.tolerance import run_ci

        return run_ci(self.results, self.tolerance, self.junit, self.markdown, console)


@dataclass(frozen=True)
class Verify:
    """Run one finished job again; exit status 1 unless every bit of its results is the same.

    Example: python -m benchmarks verify results/quick --job floor-5x5/pibt/0

    Example: python -m benchmarks verify results/quick/runs/0123456789abcdef
    """

    run: Annotated[Path, tyro.conf.Positional]
    """A run folder, or the folder that `run` wrote."""
    job: Annotated[str, tyro.conf.arg(aliases=["--cell"])] = ""
    """Which run of a results folder: environment/agent/seed, or words of it, as in `play`."""

    def execute(self, console: Console) -> int:
        """Verify."""
        from benchmarks.verify import run_verify

        return run_verify(self.run, self.job, console)


@dataclass(frozen=True)
class Export:
    """Write a results folder in another format.

    Example: python -m benchmarks export results/quick --format marl-eval --out quick.json

    marl-eval: the JSON of Gorsane et al. (2022); csv: every episode and metric; latex and markdown: a table of the
    headline metric.
    """

    results: Annotated[Path, tyro.conf.Positional]
    """The folder that `run` wrote."""
    format: Literal["marl-eval", "csv", "latex", "markdown"]
    """What to write."""
    out: Path | None = None
    """The file; RESULTS/export.json, .csv, .tex or .md if not given."""

    def execute(self, console: Console) -> int:
        """Export."""
        from benchmarks.export import run_export

        run_export(self.results, self.format, self.out, console)
        return 0


OnResults = (
    Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[Ci, tyro.conf.subcommand("ci")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
    | Annotated[Export, tyro.conf.subcommand("export")]
)
