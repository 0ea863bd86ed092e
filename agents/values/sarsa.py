"""SARSA: learns from the action that is really taken next, so a step later, when that is known.

Q(s, b) += alpha * (r + gamma * Q(s', b') - Q(s, b)); b' is chosen before, as in the book. A step that terminates is
learned at once, with target r. At a time limit nothing is done in s' any more: the mean over the behaviour there
stands in for b'. Rummery and Niranjan 1994; Sutton and Barto 2018, 6.4.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import OK, table_of
from agents.values.base import ValueLearner
from agents.values.kernels import Step, first_bad, learn, policy_value
from marl_envs.core.jit import jit

NOTHING = -1


class Pending(NamedTuple):
    """Steps whose next action is not known yet."""

    pending_obs: Annotated[NDArray[np.int32], "E A"]  # NOTHING: none
    pending_action: Annotated[NDArray[np.int64], "E A"]
    pending_reward: Annotated[NDArray[np.float32], "E A"]


class Sarsa(ValueLearner):
    """Learns the value of its own behaviour, exploration included. Steps must come one after the other."""

    needs_policy = True

    def _make_memory(self) -> Pending:
        batch = (self.num_envs, self.num_agents)
        return Pending(np.full(batch, NOTHING, np.int32), np.zeros(batch, np.int64), np.zeros(batch, np.float32))

    def _improve(self, alpha: float, step: Step) -> int:
        bad: int = update_sarsa(self.q, self.memory, step, alpha, self.gamma, *self.behaviour)
        return bad


@jit
def update_sarsa(q: Any, wait: Pending, step: Step, alpha: float, gamma: float, behaviour: int, strength: float) -> Any:
    """Learn the step before this one and, if the episode ended, this one; return OK or the first bad sample."""
    bad = first_bad(q, step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t = table_of(q, step.obs, e, a)
            s, b, reward = step.obs[e, a], step.actions[e, a], np.float64(step.reward[e, a])
            if wait.pending_obs[e, a] != NOTHING:
                target = np.float64(wait.pending_reward[e, a]) + gamma * np.float64(q[t, s, b])
                learn(q, t, wait.pending_obs[e, a], wait.pending_action[e, a], target, alpha)
                wait.pending_obs[e, a] = NOTHING
            if step.terminated[e, a]:
                learn(q, t, s, b, reward, alpha)
            elif step.ended[e]:
                value = policy_value(q, t, step.after[e, a], step.mask, e, a, behaviour, strength)
                learn(q, t, s, b, reward + gamma * value, alpha)
            else:
                wait.pending_obs[e, a] = s
                wait.pending_action[e, a] = b
                wait.pending_reward[e, a] = step.reward[e, a]
    return OK
