"""Frequency maximum Q-value heuristic (FMQ): prefer actions whose best reward comes often, for one-state games.

Q(b) += alpha * (r - Q(b));  EV(b) = Q(b) + c * (share of the times b was done that paid its best) * best reward of b.
Actions are chosen by EV. It solves the partially stochastic climbing game, not the fully stochastic one.
Kapetanakis and Kudenko, "Reinforcement learning of coordination in cooperative multi-agent systems", AAAI 2002.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.steps import Step
from agents.schedules import Schedule
from marl_envs.core.jit import jit
from marl_envs.core.params import ParameterError, check_float


def require_one_state(learner: MultiLearner) -> None:
    """Raise ParameterError unless the environment has one observation."""
    if learner.num_observations != 1:
        raise ParameterError(
            f"{type(learner).__name__} is defined for games of one state, but this environment has "
            f"{learner.num_observations} observations"
        )


@jit
def update_fmq(
    q: Any, best: Any, done: Any, paid: Any, value: Any, owner: Any, alpha: float, c: float, step: Any
) -> None:
    """Update the estimate, best reward, counts and EV, all [K, S, N], of what every agent that was alive did."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = owner[e, a], step.obs[e, a], step.actions[e, a]
            reward, old = step.reward[e, a], np.float64(q[t, s, b])
            done[t, s, b] += 1
            if reward > best[t, s, b]:
                best[t, s, b] = reward
                paid[t, s, b] = 0
            if reward == best[t, s, b]:
                paid[t, s, b] += 1
            new = old + alpha * (np.float64(reward) - old)
            q[t, s, b] = np.float32(new)
            value[t, s, b] = np.float32(new + c * (paid[t, s, b] / done[t, s, b]) * np.float64(best[t, s, b]))


class FMQ(MultiLearner):
    """Independent agents that value an action also by how often its best reward came.

    Attributes:
        q, best, value: estimate, best reward and EV, float32 [runs * A, 1, N].
        done, paid: int64 of the same shape, how often an action was done and paid its best.
    """

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.9,
        c: float = 10.0,
        exploration: Exploration | None = None,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: a game of one state that pays everybody the same.
            alpha: learning rate.
            c: weight of the heuristic, at least 0; with 0 this is independent Q-learning.
            exploration: rule, epsilon-greedy or Boltzmann on EV.
            initial: value of actions that were never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=alpha, gamma=0.0, exploration=exploration, separate_runs=separate_runs, seed=seed)
        require_one_state(self)
        self.c = check_float("c", c, 0.0, 1e9)
        self.initial = check_float("initial", initial, -1e30, 1e30)
        self.q = self._table(self.num_agents, 1, self.num_actions, value=self.initial)
        self.value = self.q.copy()
        self.best = np.full_like(self.q, -np.inf)
        self.done, self.paid = np.zeros(self.q.shape, np.int64), np.zeros(self.q.shape, np.int64)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        self._choose_by(self.value, self.owners(len(obs), self.num_agents), obs, mask, rng, strength, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        owner = self.owners(self.num_envs, self.num_agents)
        update_fmq(self.q, self.best, self.done, self.paid, self.value, owner, alpha, self.c, step)

    def knowledge(self) -> Arrays:
        """Return all that was counted and estimated."""
        return {"q": self.q, "best": self.best, "done": self.done, "paid": self.paid, "value": self.value}
