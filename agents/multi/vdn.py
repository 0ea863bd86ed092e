"""Value decomposition, tabular: the team's value is a sum, Qtot = sum of Q_i(o_i, b_i), and all learn from its error.

d = r + gamma * sum max Q_i(o_i', .) - sum Q_i(o_i, b_i);  Q_i(o_i, b_i) += alpha * d for every agent.
The best joint action is each agent's own best. A game whose payoffs are no such sum is approximated (on uniformly
drawn actions by row mean + column mean - mean), so that its best joint action may be missed. Such fits may also grow
without end where gamma is near 1 (Tsitsiklis and Van Roy 1997, on approximated values): that is an error here.
Sunehag et al., "Value-decomposition networks for cooperative multi-agent learning", 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.steps import Step, value_after
from agents.schedules import Schedule
from agents.tabular.kernels import OK
from marl_envs.core.jit import jit
from marl_envs.core.params import check_choice, check_float


@jit
def update_vdn(q: Any, owner: Any, alpha: float, gamma: float, step: Any) -> Any:
    """Move the sum of q [K, S, N] over the agents that were alive toward the team's target, each by alpha * error.

    Return OK, or the first environment whose error is no finite number, which stops the update.
    """
    for e in range(step.obs.shape[0]):
        reward, error = 0.0, 0.0
        for a in range(step.obs.shape[1]):
            if step.alive[e, a]:
                reward = np.float64(step.reward[e, a])  # everybody's
                t = owner[e, a]
                error += gamma * value_after(q, t, step, e, a) - np.float64(q[t, step.obs[e, a], step.actions[e, a]])
        change = alpha * (reward + error)
        if not np.isfinite(change):
            return e
        for a in range(step.obs.shape[1]):
            if step.alive[e, a]:
                t, s, b = owner[e, a], step.obs[e, a], step.actions[e, a]
                q[t, s, b] = np.float32(np.float64(q[t, s, b]) + change)
    return OK


class VDN(MultiLearner):
    """Agents that learn shares of the team's value together and act apart.

    Attributes:
        q: the tables, float32 [runs * (A, or 1 if shared), S, N].
    """

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        gamma: float = 0.9,
        exploration: Exploration | None = None,
        share_table: bool = False,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: an environment that pays everybody the team's reward.
            alpha: learning rate; the sum moves by up to A times as much, so keep A * alpha below 2.
            gamma: discount.
            exploration: rule, epsilon-greedy or Boltzmann on an agent's own share.
            share_table: one table for all agents, or one each.
            initial: an agent's share of the value of what was never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        check_choice("share_table", share_table, (True, False))
        self.share_table = share_table
        self.initial = check_float("initial", initial, -1e30, 1e30)
        self._groups = 1 if share_table else self.num_agents
        self.q = self._table(self._groups, self.num_observations, self.num_actions, value=self.initial)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        self._choose_by(self.q, self.owners(len(obs), self._groups), obs, mask, rng, strength, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        self._check_bounds(update_vdn(self.q, self.owners(self.num_envs, self._groups), alpha, self.gamma, step))

    def knowledge(self) -> Arrays:
        """Return the tables."""
        return {"q": self.q}
