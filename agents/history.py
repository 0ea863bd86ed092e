"""What a training leaves behind besides the learner: how far it came and what its evaluations showed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Episode = dict[str, float]
STRETCHES = 100  # parts of a training whose returns are told apart


@dataclass
class Evaluation:
    """The episodes of one greedy evaluation."""

    steps: int
    """Agent-steps of training before it."""
    episodes: list[Episode]
    """Metrics of each episode; NaN where a metric is undefined."""

    def mean(self, metric: str) -> float:
        """Return the mean over the episodes in which `metric` is defined; NaN if there are none.

        Raises:
            KeyError: no such metric; the message lists those that there are.
        """
        if metric not in self.episodes[0]:
            raise KeyError(f"no metric {metric!r}; there are {', '.join(self.episodes[0])}")
        values = np.array([episode[metric] for episode in self.episodes])
        defined = values[~np.isnan(values)]
        return float(defined.mean()) if len(defined) else float("nan")


@dataclass(eq=False)
class History:
    """The course of a training. Two histories are equal if all but their CPU times is, undefined metrics included."""

    total_steps: int
    """Agent-steps planned: a whole number of steps of the batch."""
    steps: int = 0
    """Agent-steps done."""
    evaluations: list[Evaluation] = field(default_factory=list)
    """In order; the first before learning, the last after it."""
    cpu_seconds: float = 0.0
    """CPU time of this process in training and evaluations, over all resumed parts."""
    episodes: list[int] = field(default_factory=lambda: [0] * STRETCHES)
    """Training episodes that ended in each hundredth of the training, over the batch."""
    returns: list[float] = field(default_factory=lambda: [0.0] * STRETCHES)
    """Sums of their returns, exploration included: of the environment's metric "return"."""

    def __eq__(self, other: object) -> bool:
        """Compare by value, with NaN equal to NaN."""
        if not isinstance(other, History):
            return NotImplemented
        mine, theirs = ({**one.to_config(), "cpu_seconds": 0.0} for one in (self, other))
        return repr(mine) == repr(theirs)

    def note(self, steps: int, returns: NDArray[np.float64]) -> None:
        """Add the returns of training episodes that ended in the step before `steps` agent-steps."""
        stretch = min((steps - 1) * STRETCHES // self.total_steps, STRETCHES - 1)
        self.episodes[stretch] += len(returns)
        self.returns[stretch] += float(returns.sum())

    def training_returns(self) -> list[tuple[int, float]]:
        """Return (agent-steps, mean return) of each hundredth of the training in which episodes ended."""
        ends = [(i + 1) * self.total_steps // STRETCHES for i in range(STRETCHES)]
        stretches = zip(ends, self.episodes, self.returns, strict=True)
        return [(end, total / count) for end, count, total in stretches if count]

    @property
    def finished(self) -> bool:
        """True if the training was not stopped early."""
        return self.steps >= self.total_steps

    def to_config(self) -> dict[str, Any]:
        """Return the history as a JSON-able dict (JSON as Python writes it: with NaN)."""
        return {
            "total_steps": self.total_steps,
            "steps": self.steps,
            "evaluations": [{"steps": one.steps, "episodes": one.episodes} for one in self.evaluations],
            "cpu_seconds": self.cpu_seconds,
            "episodes": self.episodes,
            "returns": self.returns,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> History:
        """Return the history that `to_config` described."""
        evaluations = [Evaluation(**one) for one in config["evaluations"]]
        history = cls(config["total_steps"], config["steps"], evaluations, config["cpu_seconds"])
        if "episodes" in config:  # older files tell nothing of training episodes
            history.episodes, history.returns = list(config["episodes"]), list(config["returns"])
        return history
