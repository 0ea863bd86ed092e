"""What is kept of a training, and how it is named."""

from __future__ import annotations

from dataclasses import dataclass

SIDES = {"ours": "ours", "benchmarl": "BenchMARL"}  # in files, and in tables


@dataclass(frozen=True)
class Played:
    """The result of one training; deliveries and return are means of its evaluation's episodes."""

    algorithm: str
    side: str
    seed: int
    deliveries: float
    returned: float
    frames: int
    batches: int
    cpu_seconds: float

    @property
    def title(self) -> str:
        """Return what it is called on the screen."""
        return f"{self.algorithm.upper()}, {SIDES[self.side]}, seed {self.seed}"
