"""SMDP Q-learning: an option is learned when it is over, from all that it earned.

Q(s, o) += alpha * (R + gamma^k * max over o' of Q(s', o') - Q(s, o)), with R the discounted reward of its k steps. What
the end of an episode breaks off is learned with the steps there were. Bradtke and Duff 1995; Sutton et al. 1999.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.options.base import OptionLearner
from agents.options.kernels import NONE, Running, Sequel, best_start
from agents.tabular.kernels import table_of
from agents.values.kernels import Step, learn
from marl_envs.core.jit import jit


class SMDPQLearning(OptionLearner):
    """Learns an option once it is over. With actions as the only options it is Q-learning."""

    def _learn_options(self, alpha: float, step: Step, sequel: Sequel) -> None:
        update_smdp(self.q, self.kinds, self.memory, sequel, step, alpha, self.gamma)


@jit
def update_smdp(q: Any, kinds: Any, running: Running, sequel: Sequel, step: Step, alpha: float, gamma: float) -> None:
    """Gather the reward of a checked step and learn the options that are over."""
    for e in range(step.reward.shape[0]):
        for a in range(step.reward.shape[1]):
            o = running.option[e, a]
            if not step.alive[e, a]:
                running.option[e, a] = NONE  # chosen for nothing
            if running.option[e, a] == NONE:
                continue
            running.gathered[e, a] += running.discount[e, a] * np.float64(step.reward[e, a])
            running.discount[e, a] *= gamma
            if sequel.over[e, a]:
                t, target = table_of(q, step.reward, e, a), running.gathered[e, a]
                if not step.terminated[e, a]:
                    target += running.discount[e, a] * best_start(q, t, kinds, sequel, e, a)
                learn(q, t, running.origin[e, a], kinds[o], target, alpha)
                running.option[e, a] = NONE
