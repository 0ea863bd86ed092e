"""SMDP Q-learning: an option is learned when it is over, from all that it earned.

Q(s, o) += alpha * (R + gamma^k * max over o' of Q(s', o') - Q(s, o)), with R the discounted reward of its k steps. What
the end of an episode breaks off is learned with the steps there were. Bradtke and Duff 1995; Sutton et al. 1999.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.options.base import NONE, OptionLearner, Running, best_start, first_bad_step, stops_here
from agents.tabular.kernels import OK, table_of
from agents.values.kernels import Step, learn
from marl_envs.core.jit import jit


class SMDPQLearning(OptionLearner):
    """Learns an option once it is over. With actions as the only options it is Q-learning."""

    def _improve(self, alpha: float, step: Step) -> int:
        actions, starts, stops = self.options.parts()
        bad: int = update_smdp(self.q, self.memory, actions, starts, stops, step, self.rng, alpha, self.gamma)
        return bad


@jit
def update_smdp(
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
    """Gather the reward of a step and learn the options that are over; return OK or the first bad sample."""
    bad = first_bad_step(q.shape[1], step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            o = running.option[e, a]
            if not step.alive[e, a]:
                running.option[e, a] = NONE  # chosen for nothing
            if running.option[e, a] == NONE:
                continue
            t, after = table_of(q, step.obs, e, a), step.after[e, a]
            running.gathered[e, a] += running.discount[e, a] * np.float64(step.reward[e, a])
            running.discount[e, a] *= gamma
            if stops_here(o, step, e, a, actions, stops, rng):
                target = running.gathered[e, a]
                if not step.terminated[e, a]:
                    target += running.discount[e, a] * best_start(q, t, after, actions, starts, step.mask, e, a)
                learn(q, t, running.origin[e, a], o, target, alpha)
                running.option[e, a] = NONE
    return OK
