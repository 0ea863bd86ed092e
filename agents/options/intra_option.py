"""Intra-option Q-learning: every step teaches all options that would have done the same.

For each option o with the action b in s: Q(s, o) += alpha * (r + gamma * U(s', o) - Q(s, o)), where
U(s', o) = (1 - beta(s')) Q(s', o) + beta(s') max over o' of Q(s', o'), and beta is the probability to stop there. It
converges to the same values as SMDP Q-learning. Sutton, Precup and Singh 1999, section 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.options.base import NONE, OptionLearner, Running, best_start, first_bad_step, stops_here
from agents.tabular.kernels import OK, table_of
from agents.values.kernels import Step, learn
from marl_envs.core.jit import jit


class IntraOptionQLearning(OptionLearner):
    """Learns all consistent options from every step, also those that were not chosen."""

    def _improve(self, alpha: float, step: Step) -> int:
        actions, starts, stops = self.options.parts()
        bad: int = update_intra(self.q, self.memory, actions, starts, stops, step, self.rng, alpha, self.gamma)
        return bad


@jit
def update_intra(
    q: Any,
    running: Running,
    actions: Any,
    starts: Any,
    stops: Any,
    step: Step,
    rng: Any,
    alpha: float,
    gamma: float,
) -> Any:
    """Learn from a step and see which options are over; return OK or the first bad sample."""
    bad = first_bad_step(q.shape[1], step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                running.option[e, a] = NONE  # chosen for nothing
                continue
            t, s, after = table_of(q, step.obs, e, a), step.obs[e, a], step.after[e, a]
            best = 0.0  # of what may be started next; judged once, before anything is learned
            if not step.terminated[e, a]:
                best = best_start(q, t, after, actions, starts, step.mask, e, a)
            for o in range(q.shape[2]):
                if actions[o, s] == step.actions[e, a]:
                    target = np.float64(step.reward[e, a])
                    if not step.terminated[e, a]:
                        stop = stops[o, after]
                        value = stop * best
                        if stop < 1.0:
                            value += (1.0 - stop) * np.float64(q[t, after, o])
                        target += gamma * value
                    learn(q, t, s, o, target, alpha)
            o = running.option[e, a]
            if o != NONE and stops_here(o, step, e, a, actions, stops, rng):
                running.option[e, a] = NONE
    return OK
