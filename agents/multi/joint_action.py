"""Joint-action learner (JAL): each agent values joint actions, and expects of the others what they have done before.

Q_i(s, b) += alpha * (r + gamma * max EV_i(s', .) - Q_i(s, b)) for the joint action b that all agents saw;
EV_i(s, b_i) = sum over the others' actions of Q_i(s, b) * the product of how often each of them did its part in s.
Claus and Boutilier, "The dynamics of reinforcement learning in cooperative multiagent systems", AAAI 1998.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.central import joint_number
from agents.multi.steps import Step
from agents.schedules import Schedule
from marl_envs.core.jit import jit
from marl_envs.core.params import check_float


@jit(inline=True)
def expected(q: Any, seen: Any, prior: float, t: Any, s: Any, a: Any, b: Any) -> Any:
    """Return EV of action `b` of agent `a`: the mean of q [K, S, N^A] over what others do, by seen [K, S, A, N]."""
    agents, choices = seen.shape[2], seen.shape[3]
    value, weight = 0.0, 0.0
    for joint in range(q.shape[2]):
        rest, chance = joint, 1.0
        for other in range(agents - 1, -1, -1):
            digit = rest % choices
            rest //= choices
            if other != a:
                chance *= prior + np.float64(seen[t, s, other, digit])
            elif digit != b:
                chance = 0.0
        value += chance * np.float64(q[t, s, joint])
        weight += chance
    return value / weight


@jit
def expect_all(q: Any, seen: Any, prior: float, owner: Any, obs: Any, values: Any) -> None:
    """Write EV of every action into values float32 [E, A, N]."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            for b in range(values.shape[2]):
                values[e, a, b] = np.float32(expected(q, seen, prior, owner[e, a], obs[e, a], a, b))


@jit
def update_joint_action(
    q: Any, seen: Any, prior: float, owner: Any, alpha: float, gamma: float, joint: Any, step: Any
) -> None:
    """Move q [K, S, N^A] of joint actions joint [E, 1], and count who did what, for every agent that was alive."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s = owner[e, a], step.obs[e, a]
            target = np.float64(step.reward[e, a])
            if not step.terminated[e, a] and gamma > 0.0:
                best = -np.inf
                for b in range(seen.shape[3]):
                    if step.after_mask[e, a, b] != 0:
                        best = max(best, expected(q, seen, prior, t, step.after[e, a], a, b))
                target += gamma * best
            old = np.float64(q[t, s, joint[e, 0]])
            q[t, s, joint[e, 0]] = np.float32(old + alpha * (target - old))
            for other in range(seen.shape[2]):
                seen[t, s, other, step.actions[e, other]] += 1


class JointActionLearner(MultiLearner):
    """Agents that see each other's actions and each model what the others do; own or team reward.

    Attributes:
        q: values of joint actions, float32 [runs * A, S, N^A], the first agent's action counting most.
        seen: int64 [runs * A, S, A, N], how often this agent saw whom do what in s.
    """

    needs_team_reward = False

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        gamma: float = 0.9,
        exploration: Exploration | None = None,
        prior: float = 1.0,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: an environment with a small number of joint actions.
            alpha: learning rate.
            gamma: discount.
            exploration: rule, epsilon-greedy or Boltzmann on the expected values.
            prior: how often every action counts as seen before the first step, above 0.
            initial: value of joint actions that were never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, an environment that does not fit, or too large a table.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        self.prior = check_float("prior", prior, 1e-9, 1e9)
        self.initial = check_float("initial", initial, -1e30, 1e30)
        table = (self.num_agents, self.num_observations)
        self.q = self._table(*table, self.num_actions**self.num_agents, value=self.initial)
        self.seen = self._table(*table, self.num_agents, self.num_actions, dtype=np.int64)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        values = np.empty((*obs.shape, self.num_actions), np.float32)
        expect_all(self.q, self.seen, self.prior, self.owners(len(obs), self.num_agents), obs, values)
        rows = np.arange(obs.size, dtype=np.int32).reshape(obs.shape)  # a table of one state for everybody
        values = values.reshape(obs.size, 1, -1)
        self._choose_by(values, rows, np.zeros_like(obs), mask, rng, strength, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        owner, joint = self.owners(self.num_envs, self.num_agents), joint_number(step.actions, self.num_actions)
        update_joint_action(self.q, self.seen, self.prior, owner, alpha, self.gamma, joint, step)

    def knowledge(self) -> Arrays:
        """Return the values and the counts."""
        return {"q": self.q, "seen": self.seen}
