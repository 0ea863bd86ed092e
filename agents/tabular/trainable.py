"""What all learners on tables share: how far their training is, and how they are saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from agents import checkpoint
from agents.tabular import saving
from marl_envs.core.params import check_int

L = TypeVar("L", bound="Trainable")


class Trainable:
    """A learner says with `knowledge`, `course`, `settings` and `layout` what it consists of; the rest follows.

    Attributes:
        steps, total_steps: agent-steps (environment steps x E x A) learned from, and planned.
    """

    steps: int
    total_steps: int

    @property
    def progress(self) -> float:
        """Part of the planned training that is done, in [0, 1]; schedules depend on it. 0 before `begin`."""
        return min(1.0, self.steps / self.total_steps) if self.total_steps else 0.0

    def begin(self, total_steps: int) -> None:
        """Plan a training of `total_steps` agent-steps from now on: the schedules start anew, the tables stay."""
        self.total_steps = check_int("total_steps", total_steps, 1, 2**62)
        self.steps = 0

    def knowledge(self) -> checkpoint.Arrays:
        """Return what was learned, the live arrays."""
        raise NotImplementedError

    def know(self, arrays: checkpoint.Arrays) -> None:
        """Take over what another moment's `knowledge` was; random streams and progress stay."""
        for name, array in self.knowledge().items():
            array[...] = arrays[name]

    def dump(self) -> tuple[dict[str, Any], checkpoint.Arrays]:
        """Return the learner as a JSON-able dict and arrays, for a checkpoint."""
        return saving.dump(self)

    def restore(self, path: str | Path, header: dict[str, Any], arrays: checkpoint.Arrays) -> None:
        """Continue as the learner that `dump` described; `path` is named in errors.

        Raises:
            CheckpointError: made with other settings or for another environment; nothing is changed then.
        """
        saving.restore(self, path, header, arrays)

    def save(self, path: str | Path) -> None:
        """Write the learner to the file `path`, atomically.

        Raises:
            OSError: it cannot be written; an earlier file is unchanged.
        """
        header, arrays = self.dump()
        checkpoint.write(path, {"learner": header}, checkpoint.prefixed(arrays, "learner"))

    @classmethod
    def load(cls: type[L], path: str | Path, vec: Any, *, transfer: bool = False) -> L:
        """Return the learner of the file `path` (of `save` or of a training's checkpoint) for the VectorEnv `vec`.

        Args:
            path: the file.
            vec: the environment it was made for; the batch size may differ (the random streams then start anew), but
                not with separate runs.
            transfer: accept an environment with other parameters, if the sizes of the tables fit.

        Raises:
            FileNotFoundError: there is no such file.
            CheckpointError: broken, made by another learner, or for another environment: says what differs.
        """
        header, arrays = checkpoint.read(path)
        return saving.load(cls, path, header.get("learner") or {}, checkpoint.section(arrays, "learner"), vec, transfer)
