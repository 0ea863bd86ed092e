"""What a training tells others while it runs: one interface of three methods, and TensorBoard as an example of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

from agents.history import Evaluation, History


class Tracker(Protocol):
    """Is told of a training's course; must change neither the learner nor the history."""

    def on_start(self, history: History, settings: dict[str, Any]) -> None:
        """Learn that a training begins, or goes on after `history.steps` steps, with these settings of its learner."""
        ...

    def on_evaluation(self, evaluation: Evaluation, history: History) -> None:
        """Learn what an evaluation showed; `history` holds it, too."""
        ...

    def on_end(self, history: History) -> None:
        """Learn that the training has ended, or was stopped (`history.finished` says which)."""
        ...


class Trackers:
    """Several trackers as one."""

    def __init__(self, *trackers: Tracker) -> None:
        """Tell all of these, in order."""
        self.trackers = trackers

    def on_start(self, history: History, settings: dict[str, Any]) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.on_start(history, settings)

    def on_evaluation(self, evaluation: Evaluation, history: History) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.on_evaluation(evaluation, history)

    def on_end(self, history: History) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.on_end(history)


class TensorBoard:
    """Writes the mean of every metric at each evaluation for TensorBoard (extra `tensorboard`).

    A resumed training goes on in the same folder.
    """

    def __init__(self, folder: str | Path) -> None:
        """Write into `folder`.

        Raises:
            ImportError: TensorBoard is not installed; the message names the extra.
        """
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise ImportError("TensorBoard needs the extra tensorboard: pip install -e '.[tensorboard]'") from error
        self._writer = Writer(str(folder))

    def on_start(self, history: History, settings: dict[str, Any]) -> None:
        """Nothing to write: the first evaluation comes before the first step."""

    def on_evaluation(self, evaluation: Evaluation, history: History) -> None:
        """Write a point of every metric that is defined in some episode."""
        for metric in evaluation.episodes[0]:
            mean = evaluation.mean(metric)
            if not math.isnan(mean):
                self._writer.add_scalar(f"evaluation/{metric}", mean, evaluation.steps)
        self._writer.flush()

    def on_end(self, history: History) -> None:
        """Write the mean return of each hundredth of the training, exploration included, and close the file."""
        for steps, mean in history.training_returns():
            self._writer.add_scalar("training/return", mean, steps)
        self._writer.close()
