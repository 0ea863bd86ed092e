"""Hysteretic Q-learning: good surprises move a value faster than bad ones, which others' exploration may have caused.

d = r + gamma * max Q(s', .) - Q(s, b);  Q(s, b) += alpha * d if d >= 0, else beta * d.
With beta = alpha this is independent Q-learning; with beta = 0 and alpha = 1 it learns the values of distributed Q.
Matignon, Laurent and Le Fort-Piat, "Hysteretic Q-learning", IROS 2007.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.steps import Step, value_after
from agents.schedules import Schedule, as_schedule, first_above
from marl_envs.core.jit import jit
from marl_envs.core.params import ParameterError, check_choice, check_float


@jit
def update_hysteretic(q: Any, owner: Any, alpha: float, beta: float, gamma: float, step: Any) -> None:
    """Move q [K, S, N] by alpha toward higher targets and by beta toward lower ones, for every agent that was alive."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = owner[e, a], step.obs[e, a], step.actions[e, a]
            target = np.float64(step.reward[e, a]) + gamma * value_after(q, t, step, e, a)
            old = np.float64(q[t, s, b])
            rate = alpha if target >= old else beta
            q[t, s, b] = np.float32(old + rate * (target - old))


class HystereticQLearning(MultiLearner):
    """Each agent learns from the team's reward as if it were alone, and forgets good surprises slowly.

    Attributes:
        q: the tables, float32 [runs * (A, or 1 if shared), S, N].
    """

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        beta: Schedule | float = 0.01,
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
            alpha: rate of increase.
            beta: rate of decrease, in [0, 1]; at most alpha, or the learner would be pessimistic.
            gamma: discount.
            exploration: rule, epsilon-greedy or Boltzmann.
            share_table: one table for all agents, or one each.
            initial: value of actions that were never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        self.beta = as_schedule("beta", beta, 0.0, 1.0)
        above = first_above(self.beta, self.alpha)
        if above is not None:
            raise ParameterError(
                f"beta must be at most alpha = {self.alpha!r}, not {self.beta!r}: at progress {above:g} "
                f"of the training it is {self.beta(above):g}, alpha {self.alpha(above):g}"
            )
        check_choice("share_table", share_table, (True, False))
        self.share_table = share_table
        self.initial = check_float("initial", initial, -1e30, 1e30)
        self._groups = 1 if share_table else self.num_agents
        self.q = self._table(self._groups, self.num_observations, self.num_actions, value=self.initial)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        self._choose_by(self.q, self.owners(len(obs), self._groups), obs, mask, rng, strength, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        owner = self.owners(self.num_envs, self._groups)
        update_hysteretic(self.q, owner, alpha, self.beta(self.progress), self.gamma, step)

    def knowledge(self) -> Arrays:
        """Return the tables."""
        return {"q": self.q}
