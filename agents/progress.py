"""The progress bar of a training: share done, agent-steps per second, time left, last evaluation."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from agents.history import Evaluation

_REFRESH = 0.25  # [s] between redraws


class TrainingBar:
    """Context manager around a rich progress bar on standard error; draws nothing if it is not `shown`."""

    def __init__(self, total_steps: int, done: int, shown: bool, console: Console | None = None) -> None:
        """Prepare a bar for `total_steps` agent-steps of which `done` are done."""
        self._first, self._done = done, done
        self._start = self._next = time.monotonic()
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[last]}"),
            console=console or Console(stderr=True),
            auto_refresh=False,  # no second thread beside the kernels
            disable=not shown,
        )
        self._task = self._bar.add_task("training", total=total_steps, completed=done, speed="", last="")

    def __enter__(self) -> TrainingBar:
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state and leave the bar on the screen."""
        self._draw(time.monotonic())
        self._bar.stop()

    def advance(self, done: int) -> None:
        """Note that `done` agent-steps are done; redraws a few times a second."""
        self._done = done
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REFRESH
            self._draw(now)

    def evaluated(self, evaluation: Evaluation) -> None:
        """Show the mean return (or the first metric) of the last evaluation."""
        names = list(evaluation.episodes[0])
        name = "return" if "return" in names else names[0]
        self._bar.update(self._task, last=f"{name} {evaluation.mean(name):.3g}")

    def _draw(self, now: float) -> None:
        rate = (self._done - self._first) / max(now - self._start, 1e-9)
        self._bar.update(self._task, completed=self._done, speed=f"{rate / 1e6:.2f} M steps/s", refresh=True)
