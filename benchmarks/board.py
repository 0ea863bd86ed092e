"""What a run shows while it runs: a live table on a terminal, a line a job elsewhere."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from benchmarks import store
from benchmarks.jobs import Spec
from benchmarks.worker import Outcome

REFRESH = 2  # times a second
ROWS = 12  # of cells that are shown at a time
UNKNOWN = "?"


@dataclass
class Cell:
    """All seeds of an agent in an environment."""

    jobs: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)  # of those that are done

    @property
    def left(self) -> int:
        """Number of jobs that have not ended."""
        return self.jobs - self.failed - len(self.seconds)


class Board:
    """Counts outcomes and draws them; what runs at the moment it reads from the results folder."""

    def __init__(self, jobs: Mapping[str, Spec], out: Path, workers: int) -> None:
        """`jobs`: those that are to run, by key."""
        self.jobs, self.out, self.workers = jobs, out, workers
        self.cells: dict[tuple[str, str], Cell] = defaultdict(Cell)
        for job in jobs.values():
            self.cells[job.environment, job.agent].jobs += 1
        self.started = time.monotonic()
        self.seen: dict[str, float] = {}  # key -> when it was first seen running

    def add(self, outcome: Outcome) -> None:
        """Count a job that has ended."""
        job = self.jobs[outcome.key]
        cell = self.cells[job.environment, job.agent]
        if outcome.error:
            cell.failed += 1
        else:
            cell.seconds.append(outcome.seconds)

    def remaining(self) -> float | None:
        """Return how long the rest will take [s], or None as long as nothing like it has ended.

        A job takes as long as those of its cell did; where none has ended, as those of equally many training steps.
        """
        seconds: dict[int, list[float]] = defaultdict(list)
        steps = {(job.environment, job.agent): job.train_steps for job in self.jobs.values()}
        for name, cell in self.cells.items():
            seconds[steps[name]] += cell.seconds
        total = 0.0
        for name, cell in self.cells.items():
            known = cell.seconds or seconds[steps[name]]
            if cell.left and not known:
                return None
            total += cell.left * sum(known) / max(len(known), 1)
        return total / self.workers

    def __rich__(self) -> RenderableType:
        """Return the table of cells, the jobs that run, and the bar."""
        return Group(self._cells(), *self._running(), self._bar())

    def _cells(self) -> Table:
        """Return the cells, those with jobs left first; what does not fit is counted."""
        table = Table(box=None, pad_edge=False)
        for column in ("environment", "agent", "done", "failed", "s a job"):
            table.add_column(column, justify="left" if column in ("environment", "agent") else "right")
        ordered = sorted(self.cells.items(), key=lambda item: item[1].left == 0)
        for (environment, agent), cell in ordered[:ROWS]:
            mean = f"{sum(cell.seconds) / len(cell.seconds):.1f}" if cell.seconds else ""
            failed = f"[red]{cell.failed}[/]" if cell.failed else ""
            table.add_row(escape(environment), escape(agent), f"{len(cell.seconds)}/{cell.jobs}", failed, mean)
        if len(ordered) > ROWS:
            table.add_row(f"[dim]and {len(ordered) - ROWS} more[/]")
        return table

    def _running(self) -> Iterator[Text]:
        """Yield a line for every job that runs: how much of its training is done, and since when it was seen."""
        now = time.monotonic()
        folder = self.out / store.RUNNING
        for path in sorted(folder.iterdir())[:ROWS] if folder.is_dir() else ():
            since = self.seen.setdefault(path.name, now)
            if path.name in self.jobs:
                yield Text(f"running  {self.jobs[path.name].title}  {_share(path)}  {_clock(now - since)}", "cyan")

    def _bar(self) -> Table:
        ended = sum(cell.jobs - cell.left for cell in self.cells.values())
        left = self.remaining()
        line = Table.grid(padding=(0, 2))
        line.add_row(
            ProgressBar(total=len(self.jobs), completed=ended, width=40),
            f"{ended}/{len(self.jobs)} jobs",
            _clock(time.monotonic() - self.started),
            f"about {UNKNOWN if left is None else _clock(left)} left",
        )
        return line


@contextmanager
def shown(board: Board, console: Console) -> Iterator[None]:
    """Draw the board while the context lasts, on a terminal; elsewhere there are only lines."""
    if not console.is_terminal:
        yield
        return
    with Live(board, console=console, refresh_per_second=REFRESH, transient=True):
        yield


def line(job: Spec, outcome: Outcome) -> str:
    """Return the line of one finished job."""
    title = escape(job.title)
    if outcome.error:
        return f"[red]failed[/]  {title}: {escape(outcome.error)}"
    numbers = "  ".join(f"{name} {value:.2f}" for name, value in outcome.shown.items())
    return f"[green]done[/]    {title:<64} {numbers}  [dim]{outcome.seconds:.1f} s[/]"


def _share(path: Path) -> str:
    """Return the share of a training that is done; "" before the first evaluation, and when the job has just ended."""
    try:
        share = float(path.read_text() or 0)
    except (FileNotFoundError, ValueError):
        return ""
    return f"{share:.0%}" if share else ""


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
