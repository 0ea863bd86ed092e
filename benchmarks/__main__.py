"""The command line: `python -m benchmarks list | run SUITE | report DIR | figure SUITE | speed | fidelity`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from benchmarks.errors import InputError, RunError

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130  # exit codes


@dataclass(frozen=True)
class List:
    """Show the suites there are."""


@dataclass(frozen=True)
class Run:
    """Run a suite (again: only what is missing) and write its tables and report."""

    suite: Annotated[str, tyro.conf.Positional]
    """A suite's name (see `list`), the path of a .yaml file of the same form, `classics` (docs/learners.md), or
    `deep` (docs/learners-deep.md)."""
    out: Path | None = None
    """Results folder; results/SUITE if not given."""
    seeds: int | None = None
    """Number of seeds; the suite's own if not given. The classics have their own."""
    workers: int | None = None
    """Processes that run jobs; as many as there are cores if not given."""


@dataclass(frozen=True)
class Report:
    """Write the report of a results folder again (after a change of its looks, say): nothing runs."""

    results: Annotated[Path, tyro.conf.Positional]
    """The folder that `run` wrote."""


@dataclass(frozen=True)
class Figure:
    """Write the figure of a suite's sweeps (the headline metric at rising density) as an SVG file."""

    suite: Annotated[str, tyro.conf.Positional]
    """A suite's name, or the path of a .yaml file; it must have run."""
    out: Path
    """The SVG file."""
    results: Path | None = None
    """Results folder; results/SUITE if not given."""


@dataclass(frozen=True)
class Speed:
    """Measure steps and learners' updates per CPU-second, beside rware, cityflow, libsumo and highway-env."""

    seconds: float = 0.5
    """CPU time of one measurement of one case."""
    repeats: int = 5
    """Measurements of every case, taken in turns; the median is shown."""
    only: Literal["warehouse", "traffic", "intersection", "learners"] | None = None
    """One part; all if not given."""


@dataclass(frozen=True)
class Fidelity:
    """Compare our travel times with published ones and the reference engine's; exit status 1 if any differs."""

    seeds: int = 5
    """Seeds of our own random streams, whose mean may be 1 % off."""
    markdown: bool = False
    """Print Markdown."""
    json: bool = False
    """Print JSON."""


Command = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Figure, tyro.conf.subcommand("figure")]
    | Annotated[Speed, tyro.conf.subcommand("speed")]
    | Annotated[Fidelity, tyro.conf.subcommand("fidelity")]
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    command = tyro.cli(Command, prog="python -m benchmarks", args=arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    try:
        _dispatch(command, console)
    except InputError as error:
        return _complain(error, BAD_INPUT)
    except RunError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted; finished runs are kept, the same command continues", INTERRUPTED)
    return 0


def _dispatch(command: List | Run | Report | Figure | Speed | Fidelity, console: Console) -> None:
    if isinstance(command, List):
        _list(console)
    elif isinstance(command, Run):
        workers = _cores() if command.workers is None else command.workers
        if command.suite == "classics":
            from benchmarks.classics.table import run_classics

            if command.seeds is not None:
                raise InputError("the classics have seeds of their own: leave --seeds out")
            run_classics(command.out or Path("results/classics"), workers, console)
        elif command.suite == "deep":
            from benchmarks.deep.table import run_deep

            if command.seeds is not None:
                raise InputError("the experiments with networks have seeds of their own: leave --seeds out")
            run_deep(command.out or Path("results/deep"), workers, console)
        else:
            from benchmarks.suite import run_suite

            run_suite(command.suite, command.out, command.seeds, workers, console)
    elif isinstance(command, Report):
        from benchmarks.suite import render_report

        render_report(command.results, console)
    elif isinstance(command, Figure):
        from benchmarks.suite import draw_figure

        draw_figure(command.suite, command.results, command.out, console)
    elif isinstance(command, Fidelity):
        from benchmarks.fidelity import run_fidelity

        if command.json and command.markdown:
            raise InputError("choose one of --json and --markdown")
        run_fidelity(console, command.seeds, "json" if command.json else "markdown" if command.markdown else "table")
    else:
        from benchmarks.speed import run_speed

        run_speed(command.seconds, command.repeats, console, command.only)


def _complain(error: object, code: int) -> int:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]error:[/] {escape(str(error))}")
    return code


def _list(console: Console) -> None:
    from benchmarks.config import load_suite, suite_names, suite_path

    console.print("[bold]classics[/]  Published results of learners beside ours (docs/learners.md)")
    console.print("[bold]deep[/]  What networks are needed for, beside the controls without (docs/learners-deep.md)")
    for name in suite_names():
        suite = load_suite(suite_path(name))
        console.print(f"[bold]{name}[/]  {suite.title}: {suite.description.strip()}")
        console.print(f"  environments: {', '.join(suite.environments)}")
        console.print(f"  agents: {', '.join(suite.agents)}; {suite.seeds} seeds")


def _cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
