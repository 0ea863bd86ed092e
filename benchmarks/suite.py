"""From a suite to its results: expand, run what is missing, summarise, print, write."""

from __future__ import annotations

import shlex
import time
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from benchmarks import catalogue, record, store, watch
from benchmarks.config import Suite, load_suite, suite_path
from benchmarks.coordination.files import forget as forget_measured
from benchmarks.coordination.tasks import check as check_coordination
from benchmarks.data import with_data
from benchmarks.engines import Choice
from benchmarks.engines import check as check_engine
from benchmarks.errors import InputError
from benchmarks.jobs import Job, expand, job_key
from benchmarks.locks import lock
from benchmarks.record import Record
from benchmarks.report.sweeps import standalone, sweep_figure
from benchmarks.runner import run_missing
from benchmarks.summary import summarise, write_csv
from benchmarks.tables import print_tables
from benchmarks.worker import Execute
from benchmarks.yaml_file import located

RESULTS = Path("results")


def run_suite(
    name: str,
    out: Path | None,
    seeds: int | None,
    choice: Choice | int,
    console: Console,
    execute: Execute | None = None,
    tensorboard: bool = False,
) -> None:
    """Run a suite and write its results.

    Args:
        name: a suite's name, or the path of a YAML file.
        out: the results folder; results/<suite> if not given.
        seeds: how many seeds instead of the suite's.
        choice: the engine and its workers; a number: that many processes of this machine.
        console: where progress and tables go.
        execute: what runs a job, for tests; the simulation if not given.
        tensorboard: log trainings there, too.

    Raises:
        InputError: a bad suite or option, found before anything is written.
        RunError: a job failed or a file cannot be written; finished runs are kept.
    """
    path = suite_path(name)
    suite, left_out = with_data(load_suite(path), path)
    if seeds is not None:
        suite = suite.model_copy(update={"seeds": at_least_one("--seeds", seeds)})
    choice = Choice(workers=choice) if isinstance(choice, int) else choice
    check_engine(choice)
    if tensorboard and find_spec("tensorboard") is None:
        raise InputError("--tensorboard needs the extra 'tensorboard': pip install -e '.[bench,tensorboard]'")
    with located(path):
        catalogue.check_suite(suite, path)
        check_coordination(suite, path)
        jobs = {job_key(job): job for job in _expanded(suite, path)}
        for job in {(job.environment, job.agent): job for job in jobs.values()}.values():
            catalogue.check_job(job, path)
    out = RESULTS / path.stem if out is None else out
    shown = path.name if name.endswith((".yaml", ".yml")) else name  # folders are the user's own business
    command = f"python -m benchmarks run {shlex.quote(shown)} --seeds {suite.seeds} {choice.arguments}"
    with lock(out):
        started = time.perf_counter()
        if tensorboard:
            (out / store.BOARD).mkdir(exist_ok=True)
        console.print(f"[bold]{suite.title}[/]: {len(jobs)} jobs, {choice.workers} workers, results in {out}/")
        for note in left_out:
            console.print(f"[yellow]{escape(note)}[/]")
        if execute is None:
            _simulate_missing(jobs, out, choice, console)
        else:
            run_missing(jobs, out, choice, execute, console)
        if execute is None:
            watch.keep(watch.worth_watching(jobs, out), out, console)
        if suite.coordination:
            forget_measured(out)  # it may be of other runs
        _write_results(record.make_record(suite, jobs, command), out, console)
        console.print(f"{time.perf_counter() - started:.0f} s. Report: [bold]{out / 'report.html'}[/]")
    if suite.coordination and execute is None:
        _measure(out, choice, console)


def _measure(out: Path, choice: Choice, console: Console) -> None:
    """Measure what was trained, and write the report again, with that in it."""
    from benchmarks.coordination import measure_runs

    measure_runs(out, choice, console)
    render_report(out, console)


def _expanded(suite: Suite, path: Path) -> list[Job]:
    """Return the suite's jobs; an agent from outside that is not there is an error in the file `path`."""
    try:
        return expand(suite)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def draw_figure(name: str, results: Path | None, out: Path, console: Console) -> None:
    """Write the figure of a suite's sweeps, from what `run_suite` left in `results`.

    Raises:
        InputError: an unknown suite, one without sweeps, or one that has not run.
        RunError: the file cannot be written.
    """
    import polars as pl

    path = suite_path(name)
    suite, _ = with_data(load_suite(path), path)
    if not suite.sweeps:
        raise InputError(f"{path}: sweeps: none, so there is nothing to draw")
    episodes = (RESULTS / path.stem if results is None else results) / "episodes.parquet"
    if not episodes.is_file():
        raise InputError(f"{episodes} does not exist: python -m benchmarks run {shlex.quote(name)} writes it")
    summary = summarise(suite, pl.read_parquet(episodes), record.units(suite))
    with store.writing(out) as temporary:
        temporary.write_text(standalone(sweep_figure(suite, summary)), encoding="utf-8")
    console.print(f"Figure: [bold]{out}[/]")


def at_least_one(option: str, value: int) -> int:
    """Return `value`, or raise InputError naming the option."""
    if value < 1:
        raise InputError(f"{option} must be at least 1, not {value}")
    return value


def _simulate_missing(jobs: dict[str, Job], out: Path, choice: Choice, console: Console) -> None:
    """Run what is missing for real, after compiling what it needs."""
    from benchmarks.simulate import simulate
    from benchmarks.warmup import warm_up

    run_missing(jobs, out, choice, simulate, console, lambda missing: warm_up(missing, console))


def _write_results(made: Record, out: Path, console: Console) -> None:
    """Join the runs' episodes and write the tables, summary.csv, the record and the report."""
    store.join_runs(out, list(made.jobs), "episodes.parquet", out / "episodes.parquet", "parquet")
    summary = record.summary_of(made, out)
    write_csv(out / "summary.csv", summary)
    print_tables(made.suite, summary, console)
    record.save(made, out)
    record.render(made, summary, out)


def render_report(out: Path, console: Console) -> None:
    """Write the report of a results folder again, from what is in it: nothing runs.

    Raises:
        InputError: it is no finished results folder.
        RunError: the report cannot be written.
    """
    made = record.load(out)
    record.render(made, record.summary_of(made, out), out)
    console.print(f"Report: [bold]{out / 'report.html'}[/]")
