"""A policy that was learned takes the place of the one before it only if it beats that once more.

The policy that did best in a training was chosen by the evaluations it did best in, so these flatter it. Here both play
more episodes of the training's environment, the same ones, and it has to win Student's one-sided test over the pairs
at 95 %. Where episodes are drawn from a few hours, it needs more of them (`safety_params`): in those that were trained
on it would say nothing of others, and each would count several times. After Thomas, Theocharous and Ghavamzadeh, "High
confidence policy improvement", 2015; there the tested policy is not played before it has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents import evaluate
from benchmarks.statistics import t_interval

CONFIDENCE = 0.95


def better_for_sure(first: ArrayLike, later: ArrayLike, lowest: bool) -> bool:
    """Return whether `later` is better than `first`, both of shape [episodes] and of the same episodes.

    What is compared is the difference as a share of the mean of both, so that an hour of heavy traffic counts no more
    than a light one. Episodes without the metric (NaN) do not count; of fewer than two nothing is sure.
    """
    a, b = np.asarray(first, np.float64), np.asarray(later, np.float64)
    size = (np.abs(a) + np.abs(b)) / 2.0
    share: NDArray[np.float64] = np.divide(b - a, size, out=np.zeros_like(size), where=size != 0.0)
    share = share[~np.isnan(share)] * (-1.0 if lowest else 1.0)
    if len(share) < 2:
        return False
    return t_interval(share, confidence=2.0 * CONFIDENCE - 1.0).low > 0.0  # two-sided 90 % is one-sided 95 %


def keep_if_better(
    learner: Any, first: Mapping[str, Any], judge: Any, metric: str, lowest: bool, episodes: int, seed: int
) -> bool:
    """Let `learner` know `first` again unless what it knows now beats it.

    Args:
        learner: it has been trained, and is evaluated greedily.
        first: what it knew before its first step.
        judge: what both play, the first and the later policy, the same episodes. Its parameters may be others than
            those of the training.
        metric: what they are judged by.
        lowest: whether less of it is better.
        episodes: how many.
        seed: of the episodes.

    Returns:
        Whether what it knows now was kept.
    """
    later = {name: array.copy() for name, array in learner.knowledge().items()}
    scores = []
    for knowledge in (first, later):
        learner.know(knowledge)
        scores.append([episode[metric] for episode in evaluate(learner, judge, episodes, seed, transfer=True)])
    kept = better_for_sure(scores[0], scores[1], lowest)
    if not kept:
        learner.know(first)
    return kept
