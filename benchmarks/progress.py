"""What a job tells of its training while it runs: to the live table, and to TensorBoard if that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents import Evaluation, History
from agents.tracking import TensorBoard, Tracker, Trackers
from benchmarks.jobs import Job
from benchmarks.locks import running_file
from benchmarks.store import BOARD, PART


class Share:
    """Writes which share of a training is done into the file that the live table reads."""

    def __init__(self, path: Path) -> None:
        """Write into the file `path`, while it is there."""
        self.path = path

    def on_start(self, history: History, settings: dict[str, Any]) -> None:
        """Write what an earlier part has done."""
        self._write(history.steps, history)

    def on_evaluation(self, evaluation: Evaluation, history: History) -> None:
        """Write what is done."""
        self._write(evaluation.steps, history)

    def on_end(self, history: History) -> None:
        """Write what is done."""
        self._write(history.steps, history)

    def _write(self, steps: int, history: History) -> None:
        if self.path.is_file():
            self.path.write_text(f"{steps / history.total_steps:.3f}")


def tracker_of(job: Job, folder: Path) -> Tracker:
    """Return what follows the training of the job whose run folder is `folder`."""
    out = folder.parents[1]
    share = Share(running_file(out, folder.name.removesuffix(PART)))
    if not (out / BOARD).is_dir():
        return share
    return Trackers(share, TensorBoard(out / BOARD / job.environment / (job.agent or "start") / f"seed-{job.seed}"))
