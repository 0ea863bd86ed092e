"""Expected SARSA: the target is the mean value of the next actions under what the learner does, not one drawn action.

Q(s, b) += alpha * (r + gamma * sum over c of pi(c | s') Q(s', c) - Q(s, b)). With epsilon 0 that is Q-learning.
Van Seijen et al., "A theoretical and empirical analysis of Expected Sarsa", 2009; Sutton and Barto 2018, 6.6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.tabular.kernels import OK, table_of
from agents.values.base import ValueLearner
from agents.values.kernels import Step, first_bad, learn, policy_value
from marl_envs.core.jit import jit


class ExpectedSarsa(ValueLearner):
    """Learns the value of its own behaviour, exploration included, without the noise of the action drawn next."""

    needs_policy = True

    def _improve(self, alpha: float, step: Step) -> int:
        bad: int = update_expected(self.q, step, alpha, self.gamma, *self.behaviour)
        return bad


@jit
def update_expected(q: Any, step: Step, alpha: float, gamma: float, behaviour: int, strength: float) -> Any:
    """Learn from a step; return OK or the first bad sample."""
    bad = first_bad(q, step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t = table_of(q, step.obs, e, a)
            target = np.float64(step.reward[e, a])
            if not step.terminated[e, a]:
                target += gamma * policy_value(q, t, step.after[e, a], step.mask, e, a, behaviour, strength)
            learn(q, t, step.obs[e, a], step.actions[e, a], target, alpha)
    return OK
