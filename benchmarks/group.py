"""Groups of experiments that engines run like the jobs of a suite: what their specs have in common."""

from __future__ import annotations

from benchmarks.config_parts import Strict


class Group(Strict):
    """A group of experiments, see `benchmarks.jobs.Spec`."""

    group: str
    code: str  # digest of the code that is to play

    @property
    def environment(self) -> str:
        """What it is called in place of an environment."""
        return self.group

    @property
    def agent(self) -> str:
        """A group has all its learners."""
        return ""

    @property
    def train_steps(self) -> int:
        """Not counted."""
        return 0
