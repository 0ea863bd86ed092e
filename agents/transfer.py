"""What was gained by not starting from nothing: two trainings of the same task, one with knowledge from elsewhere.

The learner with knowledge is made by `load(path, vec, transfer=True)`, or `know` of another's `knowledge`; both
trainings have the same `eval_every`. Measures of Taylor and Stone, "Transfer learning for reinforcement learning
domains", 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.history import History
from marl_envs.core.params import ParameterError


@dataclass(frozen=True)
class Gain:
    """What the second training had of its knowledge."""

    jump_start: float
    """How much better it was before its first step [units of the metric]."""
    level: float
    """The mean that both had to reach [units of the metric]."""
    scratch_steps: int | None
    """Agent-steps that the training from nothing took to get there; None: it did not."""
    transfer_steps: int | None
    """Agent-steps that the other one took."""

    @property
    def time_saved(self) -> float | None:
        """Share of the steps from nothing that were not needed, below 0 if more were; None if one never got there."""
        if self.scratch_steps is None or self.transfer_steps is None:
            return None
        return 1.0 - self.transfer_steps / self.scratch_steps if self.scratch_steps else 0.0


def gain(scratch: History, transfer: History, metric: str, level: float | None = None) -> Gain:
    """Compare a training from nothing with one that began with knowledge.

    Args:
        scratch: of the learner that knew nothing.
        transfer: of the learner that knew something.
        metric: of the evaluations; more is better.
        level: what counts as learned; what `scratch` ended with unless given.

    Raises:
        ParameterError: a training without evaluations.
        KeyError: no such metric.
    """
    if not scratch.evaluations or not transfer.evaluations:
        raise ParameterError("gain compares evaluations: train both with eval_every")
    wanted = scratch.evaluations[-1].mean(metric) if level is None else level
    jump = transfer.evaluations[0].mean(metric) - scratch.evaluations[0].mean(metric)
    return Gain(jump, wanted, _reached(scratch, metric, wanted), _reached(transfer, metric, wanted))


def _reached(history: History, metric: str, level: float) -> int | None:
    """Return the agent-steps after which an evaluation first reached the level."""
    return next((one.steps for one in history.evaluations if one.mean(metric) >= level), None)
