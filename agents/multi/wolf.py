"""Policy hill climbing (PHC) and WoLF-PHC: mixed policies that move toward the best action, fast only when losing.

Q(s, b) += alpha * (r + gamma * max Q(s', .) - Q(s, b)); the average policy moves toward the policy pi by 1 / visits of
s; then every action but the best gives up min(pi(b), delta / (N - 1)), and the best one gets it. WoLF takes delta_win
where sum pi Q > sum average Q, else delta_lose; PHC has one delta.
Bowling and Veloso, "Multiagent learning using a variable learning rate", Artificial Intelligence 136, 2002.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.steps import Step, value_after
from agents.schedules import Schedule, as_schedule, first_above
from agents.tabular.kernels import best_allowed, random_allowed
from marl_envs.core.jit import jit
from marl_envs.core.params import ParameterError, check_choice, check_float
from marl_envs.core.random import draw_unit


@jit(inline=True)
def winning(q: Any, policy: Any, average: Any, t: Any, s: Any) -> Any:
    """Return whether the policy is worth more than the average policy, by the values of now."""
    gain = 0.0
    for b in range(q.shape[2]):
        gain += (policy[t, s, b] - average[t, s, b]) * np.float64(q[t, s, b])
    return gain > 0.0


@jit
def update_wolf(
    q: Any,
    policy: Any,
    average: Any,
    visits: Any,
    owner: Any,
    alpha: float,
    gamma: float,
    win: float,
    lose: float,
    rng: Any,
    step: Any,
) -> None:
    """Update q float32 and the policies float64 [K, S, N] and visits [K, S] of every agent that was alive."""
    actions = q.shape[2]
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = owner[e, a], step.obs[e, a], step.actions[e, a]
            target = np.float64(step.reward[e, a]) + gamma * value_after(q, t, step, e, a)
            old = np.float64(q[t, s, b])
            q[t, s, b] = np.float32(old + alpha * (target - old))
            visits[t, s] += 1
            for c in range(actions):
                average[t, s, c] += (policy[t, s, c] - average[t, s, c]) / visits[t, s]
            best = best_allowed(q, t, s, step.mask, e, a, rng)
            most = (win if winning(q, policy, average, t, s) else lose) / max(actions - 1, 1)
            for c in range(actions):
                if c != best:
                    given = min(policy[t, s, c], most)
                    policy[t, s, c] -= given
                    policy[t, s, best] += given


@jit(inline=True)
def draw_by(policy: Any, t: Any, s: Any, mask: Any, e: Any, a: Any, rng: Any) -> Any:
    """Return an allowed action drawn by the policy; any of them if the policy does none of them."""
    total = 0.0
    for b in range(policy.shape[2]):
        if mask[e, a, b] != 0:
            total += policy[t, s, b]
    if total <= 0.0:
        return random_allowed(mask, e, a, rng)
    left, choice, last = draw_unit(rng, e) * total, -1, 0
    for b in range(policy.shape[2]):
        if mask[e, a, b] != 0 and policy[t, s, b] > 0.0 and choice < 0:
            left -= policy[t, s, b]
            last = b
            if left < 0.0:
                choice = b
    return choice if choice >= 0 else last  # rounding may leave a last crumb


@jit
def act_mixed(policy: Any, owner: Any, obs: Any, mask: Any, rng: Any, epsilon: float, actions: Any) -> None:
    """Write actions drawn by policy [K, S, N], or any allowed one with probability `epsilon`."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            if epsilon > 0.0 and draw_unit(rng, e) < epsilon:
                actions[e, a] = random_allowed(mask, e, a, rng)
            else:
                actions[e, a] = draw_by(policy, owner[e, a], obs[e, a], mask, e, a, rng)


class _HillClimber(MultiLearner):
    """What PHC and WoLF-PHC share: own or team reward, mixed policies.

    Attributes:
        q: float32 [runs * (A, or 1 if shared), S, N].
        policy, average: float64 of the same shape, probabilities; at first all alike.
        visits: int64 [runs * (A or 1), S].
    """

    needs_team_reward = False
    rules = ("epsilon_greedy",)

    def _set_up(self, share_table: bool, initial: float) -> None:
        check_choice("share_table", share_table, (True, False))
        self.share_table = share_table
        self.initial = check_float("initial", initial, -1e30, 1e30)
        self._groups = 1 if share_table else self.num_agents
        self.q = self._table(self._groups, self.num_observations, self.num_actions, value=self.initial)
        self.policy = np.full(self.q.shape, 1.0 / self.num_actions)
        self.average = self.policy.copy()
        self.visits = np.zeros(self.q.shape[:2], np.int64)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        act_mixed(self.policy, self.owners(len(obs), self._groups), obs, mask, rng, strength or 0.0, actions)

    def _climb(self, step: Step, alpha: float, win: float, lose: float) -> None:
        owner, tables = self.owners(self.num_envs, self._groups), (self.q, self.policy, self.average, self.visits)
        update_wolf(*tables, owner, alpha, self.gamma, win, lose, self.rng, step)

    def knowledge(self) -> Arrays:
        """Return the values, the policies and the visits."""
        return {"q": self.q, "policy": self.policy, "average": self.average, "visits": self.visits}


class PHC(_HillClimber):
    """Policy hill climbing with one rate."""

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        delta: Schedule | float = 0.01,
        gamma: float = 0.9,
        exploration: Exploration | None = None,
        share_table: bool = False,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: any environment with numbered observations and actions.
            alpha: learning rate of the values.
            delta: how far the policy moves in one step, in [0, 1].
            gamma: discount.
            exploration: epsilon-greedy: any action with probability epsilon, else one drawn by the policy.
            share_table: one table for all agents, or one each.
            initial: value of actions that were never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        self.delta = as_schedule("delta", delta, 0.0, 1.0)
        self._set_up(share_table, initial)

    def _learn(self, step: Step, alpha: float) -> None:
        delta = self.delta(self.progress)
        self._climb(step, alpha, delta, delta)


class WoLFPHC(_HillClimber):
    """Win or learn fast: policy hill climbing with a low rate when winning and a high one when losing."""

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        delta_win: Schedule | float = 0.003,
        delta_lose: Schedule | float = 0.006,
        gamma: float = 0.9,
        exploration: Exploration | None = None,
        share_table: bool = False,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `PHC` for what is not listed.

        Args:
            vec: any environment with numbered observations and actions.
            alpha: learning rate of the values.
            delta_win: how far the policy moves in one step where it is better than the average policy, in [0, 1].
            delta_lose: and where it is not; at least delta_win.
            gamma: discount.
            exploration: epsilon-greedy: any action with probability epsilon, else one drawn by the policy.
            share_table: one table for all agents, or one each.
            initial: value of actions that were never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        self.delta_win = as_schedule("delta_win", delta_win, 0.0, 1.0)
        self.delta_lose = as_schedule("delta_lose", delta_lose, 0.0, 1.0)
        above = first_above(self.delta_win, self.delta_lose)
        if above is not None:
            raise ParameterError(
                f"delta_win must be at most delta_lose = {delta_lose!r}, not {delta_win!r}: at progress {above:g} of "
                f"the training it is {self.delta_win(above):g}, delta_lose {self.delta_lose(above):g}"
            )
        self._set_up(share_table, initial)

    def _learn(self, step: Step, alpha: float) -> None:
        self._climb(step, alpha, self.delta_win(self.progress), self.delta_lose(self.progress))
