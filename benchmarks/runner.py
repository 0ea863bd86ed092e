"""Runs a suite: finds what is missing, has an engine run it, tries again where a worker died, shows progress."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from benchmarks import store
from benchmarks.board import Board, line, shown
from benchmarks.engines import Choice, Engine, open_engine
from benchmarks.errors import RunError
from benchmarks.jobs import Spec, code_digest
from benchmarks.worker import Execute, Outcome, Task

Kind = TypeVar("Kind", bound=Spec)

ATTEMPTS = 4  # at a job whose worker dies
TOGETHER = 2  # of them; those after run one at a time, so that no job is blamed for another's death


def run_missing(
    jobs: Mapping[str, Kind],
    out: Path,
    choice: Choice | int,
    execute: Execute,
    console: Console,
    prepare: Callable[[list[Kind]], None] = lambda missing: None,
) -> None:
    """Run the jobs (key -> spec) that have no finished folder under `out`.

    Args:
        jobs: key -> spec, in the order to run them.
        out: results folder.
        choice: the engine and its workers; a number: that many processes of this machine.
        execute: what runs a job, see `benchmarks.worker`.
        console: where progress goes.
        prepare: called with the missing jobs before they run, while the workers start.

    Raises:
        InputError: the engine is not installed.
        RunError: a job failed, or the disk is full; what had finished is kept.
        KeyboardInterrupt: as it comes; what had finished is kept.
    """
    stock = store.take_stock(out, set(jobs))
    shutil.rmtree(out / store.RUNNING, ignore_errors=True)  # jobs that were killed
    for folder, why in stock.removed.items():
        console.print(f"[yellow]removed[/] {escape(str(folder))}: {why}; the job will run again")
    missing = {key: job for key, job in jobs.items() if key not in stock.done}
    if stock.done:
        console.print(f"{len(stock.done)} of {len(jobs)} jobs were finished before; {len(missing)} to run")
    for key in sorted(stock.resumable & set(missing)):
        console.print(f"{escape(missing[key].title)}: continues from its checkpoint")
    if missing:
        wanted = Choice(workers=choice) if isinstance(choice, int) else choice
        fitting = wanted._replace(workers=min(wanted.workers, len(missing)))
        with closing(open_engine(fitting, out)) as engine:
            engine.start(execute)
            prepare(list(missing.values()))
            _follow(_outcomes(engine, missing, out, execute), Board(missing, out, engine.workers), console)


def _outcomes(engine: Engine, jobs: Mapping[str, Spec], out: Path, execute: Execute) -> Iterator[Outcome]:
    """Yield one outcome a job, after as many attempts as it takes."""
    where, code = str(out.resolve()), code_digest()
    tasks = [Task(key, job.model_dump_json(), where, code, execute, kind=type(job)) for key, job in jobs.items()]
    for attempt in range(ATTEMPTS):
        lost = []
        last = attempt == ATTEMPTS - 1
        for group in [tasks] if attempt < TOGETHER else [[task] for task in tasks]:
            for outcome in engine.run(group):
                if not outcome.lost or last:
                    yield outcome
                else:
                    lost.append(outcome.key)
        tasks = [task._replace(attempt=attempt + 1) for task in tasks if task.key in set(lost)]
        if not tasks:
            return


def _follow(outcomes: Iterator[Outcome], board: Board, console: Console) -> None:
    """Show every job that ends; raise RunError if jobs failed."""
    failed: list[Outcome] = []
    with shown(board, console):
        for outcome in outcomes:
            board.add(outcome)
            if outcome.error or not console.is_terminal:
                console.print(line(board.jobs[outcome.key], outcome), highlight=False)
            if outcome.disk:
                raise RunError(outcome.error)
            if outcome.error:
                failed.append(outcome)
    for outcome in failed:
        console.print(escape(outcome.trace), style="dim")
    if failed:
        total = len(board.jobs)
        raise RunError(f"{len(failed)} of {total} jobs failed; the others are kept, the same command tries again")
