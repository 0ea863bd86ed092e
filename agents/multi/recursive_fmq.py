"""Recursive FMQ: weigh what an action pays on average and at best by how often it pays its best, for one-state games.

Q(b) += alpha * (r - Q(b)); if r > best(b): best(b) := r, F(b) := 1; else F(b) moves by `alpha_frequency` toward 1 if
r = best(b) and toward 0 if not; E(b) := (1 - F(b)) * Q(b) + F(b) * best(b). The policy stays until its E is no longer
the highest; then it is drawn from the highest. Matignon, Laurent and Le Fort-Piat, "Independent reinforcement learners
in cooperative Markov games: a survey regarding coordination problems", Knowledge Engineering Review 27(1), 2012.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.choosing import act_boltzmann, act_policy
from agents.multi.fmq import require_one_state
from agents.multi.steps import Step
from agents.schedules import Schedule, as_schedule
from agents.streams import FIRST_POLICY
from agents.tabular.kernels import best_allowed, best_value
from marl_envs.core.jit import jit
from marl_envs.core.params import check_float
from marl_envs.core.random import seed_stream


@jit
def update_recursive_fmq(
    q: Any, best: Any, often: Any, value: Any, policy: Any, owner: Any, alpha: float, rate: float, rng: Any, step: Any
) -> None:
    """Update estimate, best reward, frequency and value [K, S, N] and policy [K, S] of every agent that was alive."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = owner[e, a], step.obs[e, a], step.actions[e, a]
            reward, old = step.reward[e, a], np.float64(q[t, s, b])
            new, share = old + alpha * (np.float64(reward) - old), float(often[t, s, b])
            if reward > best[t, s, b]:
                best[t, s, b] = reward
                share = 1.0
            elif reward == best[t, s, b]:
                share = (1.0 - rate) * share + rate
            else:
                share = (1.0 - rate) * share
            q[t, s, b] = np.float32(new)
            often[t, s, b] = np.float32(share)
            value[t, s, b] = np.float32((1.0 - share) * new + share * np.float64(best[t, s, b]))
            if value[t, s, policy[t, s]] != best_value(value, t, s, step.mask, e, a):
                policy[t, s] = best_allowed(value, t, s, step.mask, e, a, rng)


class RecursiveFMQ(MultiLearner):
    """Independent agents between optimism and average, by the frequency of the best reward; a policy that is kept.

    Attributes:
        q, best, often, value: estimate, best reward, its frequency and E, float32 [runs * A, 1, N].
        policy: int64 [runs * A, 1], what the greedy policy does; at first drawn.
    """

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        alpha_frequency: Schedule | float = 0.01,
        exploration: Exploration | None = None,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: a game of one state that pays everybody the same.
            alpha: learning rate of the mean reward.
            alpha_frequency: learning rate of the frequency, in [0, 1].
            exploration: rule, epsilon-greedy around the policy, or Boltzmann on E.
            initial: mean and best reward of actions that were never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=alpha, gamma=0.0, exploration=exploration, separate_runs=separate_runs, seed=seed)
        require_one_state(self)
        self.alpha_frequency = as_schedule("alpha_frequency", alpha_frequency, 0.0, 1.0)
        self.initial = check_float("initial", initial, -1e30, 1e30)
        self.q = self._table(self.num_agents, 1, self.num_actions, value=self.initial)
        self.best, self.value = self.q.copy(), self.q.copy()
        self.often = np.ones_like(self.q)
        first = np.random.default_rng(seed_stream(self.seed, FIRST_POLICY))
        self.policy = first.integers(0, self.num_actions, self.q.shape[:2])

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        owner = self.owners(len(obs), self.num_agents)
        if strength is not None and self.exploration.rule == "boltzmann":
            act_boltzmann(self.value, owner, obs, mask, rng, strength, actions)
        else:
            act_policy(self.policy, self.value, owner, obs, mask, rng, strength or 0.0, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        owner, rate = self.owners(self.num_envs, self.num_agents), self.alpha_frequency(self.progress)
        tables = (self.q, self.best, self.often, self.value, self.policy)
        update_recursive_fmq(*tables, owner, alpha, rate, self.rng, step)

    def knowledge(self) -> Arrays:
        """Return all that was estimated, and the policy."""
        return {"q": self.q, "best": self.best, "often": self.often, "value": self.value, "policy": self.policy}
