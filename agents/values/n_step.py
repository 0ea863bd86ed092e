"""n-step SARSA: the target is n rewards and then the value of the action taken n steps later.

G = r_1 + gamma r_2 + ... + gamma^(n-1) r_n + gamma^n Q(s_n, b_n), known n steps later; at the end of an episode what
still waits is learned with the rewards there were. At a time limit the mean over the behaviour stands in for the next
action. With n = 1 that is SARSA, bit for bit. Sutton and Barto 2018, 7.2.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import OK, table_of
from agents.values.base import ValueLearner
from agents.values.kernels import Step, first_bad, learn, policy_value
from marl_envs.core.jit import jit
from marl_envs.core.params import check_int


class Recent(NamedTuple):
    """The last steps of the running episodes, the oldest first."""

    length: Annotated[NDArray[np.int64], "E A"]
    past_obs: Annotated[NDArray[np.int32], "E A n"]
    past_actions: Annotated[NDArray[np.int64], "E A n"]
    past_rewards: Annotated[NDArray[np.float32], "E A n"]


class NStepSarsa(ValueLearner):
    """SARSA with targets of `n` real rewards: credit goes back n steps at once. Steps must come one after the other."""

    needs_policy = True

    def __init__(self, vec: Any, *, n: int = 4, **settings: Any) -> None:
        """Make a learner for `vec` with targets of `n` rewards, 1 to 1000; the settings are those of Q-learning.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self.n = check_int("n", n, 1, 1000)
        super().__init__(vec, **settings)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "n": self.n}

    def _make_memory(self) -> Recent:
        batch = (self.num_envs, self.num_agents)
        past = (*batch, self.n)
        return Recent(np.zeros(batch, np.int64), *(np.zeros(past, t) for t in (np.int32, np.int64, np.float32)))

    def _improve(self, alpha: float, step: Step) -> int:
        bad: int = update_n_step(self.q, self.memory, step, alpha, self.gamma, *self.behaviour)
        return bad


@jit(inner=True)
def learn_oldest(q: Any, t: int, past: Recent, e: int, a: int, value: float, alpha: float, gamma: float) -> None:
    """Learn the oldest step, with what the state after the newest is worth, and forget it."""
    count = past.length[e, a]
    target = value
    for k in range(count - 1, -1, -1):
        target = np.float64(past.past_rewards[e, a, k]) + gamma * target
    learn(q, t, past.past_obs[e, a, 0], past.past_actions[e, a, 0], target, alpha)
    for k in range(1, count):
        past.past_obs[e, a, k - 1] = past.past_obs[e, a, k]
        past.past_actions[e, a, k - 1] = past.past_actions[e, a, k]
        past.past_rewards[e, a, k - 1] = past.past_rewards[e, a, k]
    past.length[e, a] = count - 1


@jit
def update_n_step(q: Any, past: Recent, step: Step, alpha: float, gamma: float, behaviour: int, strength: float) -> Any:
    """Learn what this step completes; return OK or the first bad sample."""
    bad = first_bad(q, step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = table_of(q, step.obs, e, a), step.obs[e, a], step.actions[e, a]
            if past.length[e, a] == past.past_obs.shape[2]:
                learn_oldest(q, t, past, e, a, np.float64(q[t, s, b]), alpha, gamma)
            k = past.length[e, a]
            past.past_obs[e, a, k], past.past_actions[e, a, k] = s, b
            past.past_rewards[e, a, k] = step.reward[e, a]
            past.length[e, a] = k + 1
            if step.ended[e] or step.terminated[e, a]:
                while past.length[e, a] > 0:
                    value = 0.0
                    if not step.terminated[e, a]:
                        value = policy_value(q, t, step.after[e, a], step.mask, e, a, behaviour, strength)
                    learn_oldest(q, t, past, e, a, value, alpha, gamma)
    return OK
