"""How the tests train: quickly, quietly, in the corridor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from agents import History, IndependentQLearning, train
from tests.agents.corridor import Corridor

STEPS = 800  # 100 steps of a batch of 4 x 2


def run(learner: Any = None, vec: Any = None, steps: int = STEPS, **options: Any) -> tuple[Any, Any, History]:
    """Train quietly; return the learner, the environment and the history."""
    vec = Corridor() if vec is None else vec
    learner = IndependentQLearning(vec, seed=1) if learner is None else learner
    return learner, vec, train(learner, vec, steps, seed=7, **{"progress": False, **options})


def after(count: int) -> Callable[[], bool]:
    """A stop that says yes when asked for the `count`-th time."""
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) >= count

    return stop


def assert_same(one: tuple[Any, Any, History], other: tuple[Any, Any, History]) -> None:
    """The same tables, random streams, progress and environment."""
    np.testing.assert_array_equal(one[0].q, other[0].q)
    np.testing.assert_array_equal(one[0].rng, other[0].rng)
    assert one[0].steps == other[0].steps
    for name, array in one[1].arrays.items():
        np.testing.assert_array_equal(array, other[1].arrays[name], err_msg=name)
