"""Double Q-learning: two tables, one picks the best next action and the other says what it is worth.

With a coin, QA(s, b) += alpha * (r + gamma * QB(s', argmax QA(s', .)) - QA(s, b)), or with the parts exchanged. That
removes the bias of a maximum over noisy values. The learner acts on the mean of both, which is `q`.
Van Hasselt, "Double Q-learning", 2010; Sutton and Barto 2018, 6.7.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import OK, best_allowed, table_of
from agents.values.base import ValueLearner
from agents.values.kernels import Step, first_bad, learn
from marl_envs.core.jit import jit
from marl_envs.core.random import draw_below


class Halves(NamedTuple):
    """The two tables; `q` is their mean."""

    first: Annotated[NDArray[np.float32], "T S N"]
    second: Annotated[NDArray[np.float32], "T S N"]


class DoubleQLearning(ValueLearner):
    """Q-learning without the bias of the maximum; needs about twice the samples."""

    def _make_insight(self) -> Halves:
        return Halves(self.q.copy(), self.q.copy())

    def _improve(self, alpha: float, step: Step) -> int:
        first, second = self.insight
        bad: int = update_double(self.q, first, second, step, self.rng, alpha, self.gamma)
        return bad


@jit
def update_double(q: Any, first: Any, second: Any, step: Step, rng: Any, alpha: float, gamma: float) -> Any:
    """Learn from a step; return OK or the first bad sample."""
    bad = first_bad(q, step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            mine, other = first, second
            if draw_below(rng, e, 2) == 1:
                mine, other = second, first
            t, s, b = table_of(q, step.obs, e, a), step.obs[e, a], step.actions[e, a]
            target = np.float64(step.reward[e, a])
            if not step.terminated[e, a]:
                after = step.after[e, a]
                best = best_allowed(mine, t, after, step.mask, e, a, rng)
                target += gamma * np.float64(other[t, after, best])
            learn(mine, t, s, b, target, alpha)
            q[t, s, b] = np.float32(0.5 * (np.float64(first[t, s, b]) + np.float64(second[t, s, b])))
    return OK
