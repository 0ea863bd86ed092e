"""The libraries that are proven: what is imported, which tests are theirs, and what their examples train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Library:
    """One library, in an environment of its own with the versions of requirements/NAME.txt."""

    name: str
    distribution: str  # whose version the table shows
    trains: tuple[tuple[str, ...], ...]  # options of `python -m examples.NAME`, one tuple a training
    tests: tuple[str, ...]  # files of this folder, test_NAME.py without test_ and .py
    light: bool = False  # quick to install and to run, so that continuous integration does

    @property
    def requirements(self) -> Path:
        """The pinned set."""
        return HERE / "requirements" / f"{self.name}.txt"


def _options(*algorithms: str) -> tuple[tuple[str, ...], ...]:
    return tuple(("--algorithm", algorithm) for algorithm in algorithms)


LIBRARIES = {
    library.name: library
    for library in (
        Library("cleanrl", "torch", ((),), ("tensors",)),
        Library(
            "sb3",
            "stable-baselines3",
            _options("ppo", "dqn", "supersuit"),
            ("sb3", "supersuit", "tensors", "episodes"),
            light=True,
        ),
        Library("rllib", "ray", _options("ppo", "dqn"), ("rllib",)),
        Library("torchrl", "torchrl", ((),), ("torchrl",)),
        Library("benchmarl", "benchmarl", _options("iql", "vdn", "qmix"), ("benchmarl", "benchmarl_peers", "torchrl")),
        Library("tianshou", "tianshou", _options("dqn", "ppo"), ("tianshou",)),
        Library("agilerl", "agilerl", _options("maddpg", "ippo"), ("agilerl",)),
        Library("xuance", "xuance", _options("iql"), ("xuance",)),
        Library("pufferlib", "pufferlib-core", ((),), ("pufferlib",)),
        # Its example needs a checkout, since EPyMARL is on no package index: python -m examples.epymarl --checkout PATH
        Library("epymarl", "gymnasium", (), ("epymarl",), light=True),
    )
}
