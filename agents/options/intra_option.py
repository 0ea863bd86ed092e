"""Intra-option Q-learning: every step teaches all options that would have done the same.

For each option o with the action b in s: Q(s, o) += alpha * (r + gamma * U(s', o) - Q(s, o)), where
U(s', o) = (1 - beta(s')) Q(s', o) + beta(s') max over o' of Q(s', o'), and beta is the probability to stop there. It
converges to the same values as SMDP Q-learning. Sutton, Precup and Singh 1999, section 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.options.base import OptionLearner
from agents.options.kernels import NONE, Alike, Running, Sequel, best_start
from agents.tabular.kernels import table_of
from agents.values.kernels import Step, learn
from marl_envs.core.jit import jit


class IntraOptionQLearning(OptionLearner):
    """Learns all consistent options from every step, also those that were not chosen."""

    learns_alike = True

    def _learn_options(self, alpha: float, step: Step, sequel: Sequel) -> None:
        update_intra(self.q, self.kinds, self.memory, sequel, self._alike(step), step, alpha, self.gamma)


@jit
def update_intra(
    q: Any, kinds: Any, running: Running, sequel: Sequel, alike: Alike, step: Step, alpha: float, gamma: float
) -> None:
    """Learn from a checked step and see which options are over."""
    for e in range(step.reward.shape[0]):
        for a in range(step.reward.shape[1]):
            if not step.alive[e, a]:
                running.option[e, a] = NONE  # chosen for nothing
                continue
            t, best = table_of(q, step.reward, e, a), 0.0
            if not step.terminated[e, a]:  # what may be started next; judged once, before anything is learned
                best = best_start(q, t, kinds, sequel, e, a)
            for o in range(kinds.shape[0]):
                if alike.same[e, a, o]:
                    target = np.float64(step.reward[e, a])
                    if not step.terminated[e, a]:
                        stop = alike.stops[e, a, o]
                        value = stop * best if stop > 0.0 else 0.0
                        if stop < 1.0:
                            value += (1.0 - stop) * np.float64(q[t, sequel.rows[e, a, o], kinds[o]])
                        target += gamma * value
                    learn(q, t, alike.rows[e, a, o], kinds[o], target, alpha)
            if sequel.over[e, a]:
                running.option[e, a] = NONE
