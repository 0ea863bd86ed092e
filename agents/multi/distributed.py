"""Distributed Q-learning: every agent believes that the others will do their best, and learns what it could get then.

q(s, b) := max(q(s, b), r + gamma * max q(s', .)); the policy of s changes to the action just done only when max q(s, .)
has risen. In deterministic team games q(s, b) becomes the maximum over the others' actions of the team's Q*, and the
policies fit together. Chance misleads it: luck is never forgotten.
Lauer and Riedmiller, "An algorithm for distributed reinforcement learning in cooperative multi-agent systems", ICML
2000.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.choosing import act_boltzmann, act_policy
from agents.multi.steps import Step, value_after
from agents.streams import FIRST_POLICY
from agents.tabular.kernels import OK
from marl_envs.core.jit import jit
from marl_envs.core.params import check_float
from marl_envs.core.random import seed_stream


@jit
def update_distributed(q: Any, policy: Any, owner: Any, gamma: float, step: Any) -> None:
    """Raise q [K, S, N] to the target where that is higher; policy [K, S] follows where the best of s rises."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = owner[e, a], step.obs[e, a], step.actions[e, a]
            target = np.float32(np.float64(step.reward[e, a]) + gamma * value_after(q, t, step, e, a))
            if target <= q[t, s, b]:
                continue
            best = q[t, s, 0]
            for other in range(q.shape[2]):
                best = max(best, q[t, s, other])
            q[t, s, b] = target
            if target > best:
                policy[t, s] = b


@jit
def first_below(q: Any, owner: Any, gamma: float, lowest: float, step: Any) -> Any:
    """Return the flat index of the first sample whose target is below `lowest`, else OK."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            target = np.float64(step.reward[e, a]) + gamma * value_after(q, owner[e, a], step, e, a)
            if step.alive[e, a] and target < lowest:
                return e * step.obs.shape[1] + a
    return OK


class DistributedQLearning(MultiLearner):
    """Optimistic agents with one table each, and policies that are kept until something better is found.

    Attributes:
        q: float32 [runs * A, S, N].
        policy: int64 [runs * A, S], what the greedy policy does; at first drawn.
    """

    def __init__(
        self,
        vec: Any,
        *,
        gamma: float = 0.9,
        exploration: Exploration | None = None,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: an environment that pays everybody the team's reward, and where the same actions in the same state
                have the same effect (this cannot be checked; elsewhere the values are too high).
            gamma: discount.
            exploration: rule, epsilon-greedy or Boltzmann on the values.
            initial: value of actions that were never tried; at most the lowest return, so that what is learned counts
                (far lower, Boltzmann exploration would never try them). A return below it is an error.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=1.0, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        self.initial = check_float("initial", initial, -1e30, 1e30)
        shape = (self.num_agents, self.num_observations, self.num_actions)
        self.q = self._table(*shape, value=self.initial)
        first = np.random.default_rng(seed_stream(self.seed, FIRST_POLICY))
        self.policy = first.integers(0, self.num_actions, self._table(*shape[:2], dtype=np.int64).shape)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        owner = self.owners(len(obs), self.num_agents)
        if strength is not None and self.exploration.rule == "boltzmann":
            act_boltzmann(self.q, owner, obs, mask, rng, strength, actions)
        else:
            act_policy(self.policy, self.q, owner, obs, mask, rng, strength or 0.0, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        del alpha  # a target is taken or not
        owner = self.owners(self.num_envs, self.num_agents)
        slack = 1e-6 * (1.0 + abs(self.initial))  # of rounding
        bad = first_below(self.q, owner, self.gamma, self.initial - slack, step)
        if bad != OK:
            e, a = divmod(bad, self.num_agents)
            raise ValueError(
                f"step {self._now}, environment {e}, agent {a}: reward {step.reward[e, a]} makes a return below "
                f"initial = {self.initial}: distributed Q-learning must start at or below the lowest return"
            )
        update_distributed(self.q, self.policy, owner, self.gamma, step)

    def knowledge(self) -> Arrays:
        """Return the tables and the policies."""
        return {"q": self.q, "policy": self.policy}
