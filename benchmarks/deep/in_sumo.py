"""Networks, rules and fixed times on RiLSA's junction inside SUMO, where nobody of them was trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.deep import signals
from benchmarks.deep.randomised import SHOWN
from marl_envs.traffic.sumo import evaluate
from marl_envs.traffic.sumo.process import library

FIRST = 100  # SUMO's seed of the first hour
RULES: dict[str, Any] = {**signals.RULES, "the guideline's plan": lambda: "program"}


class Shown:
    """A network's greedy policy in an environment that shows summaries as they are."""

    def __init__(self, learner: Any) -> None:
        """Play what `learner` knows."""
        self._greedy = learner.greedy()

    def reset(self, seed: int) -> None:
        """Begin an episode."""
        self._greedy.reset(seed)

    def act(self, vec: Any, obs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the actions int64 [E, A]."""
        actions: NDArray[np.int64] = self._greedy.choose(signals.scaled(obs), vec.action_mask)
        return actions


def missing() -> str | None:
    """Return why SUMO cannot be played here, or None where it can."""
    try:
        library()
    except ImportError as error:
        return str(error)
    return None


def hours(policy: Any, seed: int, episodes: int, **parameters: Any) -> Any:
    """Return the metrics of hours in SUMO, each in a new process."""
    return evaluate(policy, "rilsa", "rilsa", episodes=episodes, seed=FIRST + seed, **parameters)


def ruled(rule: str, episodes: int) -> Any:
    """Return those of a rule, of fixed times or of the plan in the network's file."""
    return hours(RULES[rule](), 0, episodes)


def learned(learner: Any, seed: int) -> Any:
    """Return those of an hour under a network."""
    return hours(Shown(learner), seed, 1, **SHOWN)
