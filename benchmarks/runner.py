"""Runs a suite: finds what is missing, runs it (serially, or in worker processes through joblib), shows progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import store
from benchmarks.errors import RunError
from benchmarks.jobs import Job
from benchmarks.worker import Execute, Outcome, get_ready, perform, perform_in_worker

Prepare = Callable[[list[Job]], None]


def run_missing(
    jobs: dict[str, Job],
    out: Path,
    workers: int,
    execute: Execute,
    console: Console,
    prepare: Prepare = lambda missing: None,
) -> None:
    """Run the jobs (key -> spec) that have no finished folder under `out`.

    Args:
        jobs: key -> spec, in the order to run them.
        out: results folder.
        workers: processes; with 1 the jobs run in this one.
        execute: what runs a job, see `benchmarks.worker`.
        console: where progress goes.
        prepare: called with the missing jobs before they run, while the workers start.

    Raises:
        RunError: a job failed, the disk is full or a worker died; what had finished is kept.
        KeyboardInterrupt: as it comes; what had finished is kept.
    """
    stock = store.take_stock(out, set(jobs))
    for folder, why in stock.removed.items():
        console.print(f"[yellow]removed[/] {escape(str(folder))}: {why}; the job will run again")
    missing = {key: job for key, job in jobs.items() if key not in stock.done}
    if stock.done:
        console.print(f"{len(stock.done)} of {len(jobs)} jobs were finished before; {len(missing)} to run")
    for key in sorted(stock.resumable & set(missing)):
        console.print(f"{escape(missing[key].title)}: continues from its checkpoint")
    if missing:
        _show(_outcomes(missing, out, workers, execute, prepare), len(missing), console)


def _outcomes(jobs: dict[str, Job], out: Path, workers: int, execute: Execute, prepare: Prepare) -> Iterator[Outcome]:
    """Yield the outcome of every job as it ends."""
    count = min(workers, len(jobs))
    if count == 1:
        prepare(list(jobs.values()))
        yield from (perform(job, key, out, execute) for key, job in jobs.items())
        return
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # Both calls use the same worker processes: they start, and import what is heavy, while this one prepares.
    started = _parallel(count, [joblib.delayed(get_ready)() for _ in range(count)])
    with closing(started):
        prepare(list(jobs.values()))
        list(started)
    results = _parallel(count, [joblib.delayed(perform_in_worker)(job, key, out, execute) for key, job in jobs.items()])
    with closing(results):  # ends the workers if jobs are still running
        try:
            yield from results
        except TerminatedWorkerError as error:
            raise RunError(
                "a worker process was killed (out of memory?); finished runs are kept, the same command continues"
            ) from error


def _parallel(count: int, calls: list[Any]) -> Any:
    """Start the calls in `count` worker processes, one thread each, and return a generator of results as they come."""
    import joblib

    with joblib.parallel_config("loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(n_jobs=count, batch_size=1, return_as="generator_unordered")
    return parallel(calls)


def _show(outcomes: Iterator[Outcome], total: int, console: Console) -> None:
    """Print a line for every finished job and a bar below them; raise RunError if jobs failed."""
    failed: list[Outcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("jobs", total=total)
        for outcome in outcomes:
            progress.console.print(_line(outcome), highlight=False)
            progress.advance(task)
            if outcome.error:
                failed.append(outcome)
            if outcome.disk:
                raise RunError(outcome.error)
    if failed:
        for outcome in failed:
            console.print(escape(outcome.trace), style="dim")
        raise RunError(f"{len(failed)} of {total} jobs failed; the others are kept, the same command tries again")


def _line(outcome: Outcome) -> str:
    """Return the line of one finished job."""
    title = escape(outcome.job.title)
    if outcome.error:
        return f"[red]failed[/]  {title}: {escape(outcome.error)}"
    numbers = "  ".join(f"{name} {value:.2f}" for name, value in outcome.shown.items())
    return f"[green]done[/]    {title:<64} {numbers}  [dim]{outcome.seconds:.1f} s[/]"
