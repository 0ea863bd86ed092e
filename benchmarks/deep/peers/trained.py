"""What a side hands over after a training."""

from __future__ import annotations

from typing import Any, NamedTuple


class Trained(NamedTuple):
    """A policy for `agents.evaluate`, and what it took."""

    policy: Any
    frames: int  # steps of single environments
    batches: int
    cpu_seconds: float  # of making and training it, all else left out
