"""Lenient multi-agent reinforcement learning, LMRL2: young agents forgive what others' exploration costs them.

Each pair has a temperature T(s, b), hot at first. With d = r + gamma * max Q(s', .) - Q(s, b):
Q(s, b) += alpha * d, but where d < 0 only with probability 1 - exp(-1 / (theta * T(s, b))): hot pairs forgive.
Then T(s, b) := delta * T(s, b), where play goes on delta * ((1 - tau) * T(s, b) + tau * mean T(s', .)).
Actions are drawn by exp(Q(s, b) / (omega * mean T(s, .))); where that mean is below `min_temperature`, the best is
taken.
Wei and Luke, "Lenient learning in independent-learner stochastic cooperative games", JMLR 17, 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.checkpoint import Arrays
from agents.multi.base import MultiLearner
from agents.multi.steps import Step, value_after
from agents.schedules import Schedule
from agents.tabular.kernels import best_allowed, boltzmann_allowed
from marl_envs.core.jit import jit
from marl_envs.core.params import ParameterError, check_choice, check_float
from marl_envs.core.random import draw_unit


@jit(inline=True)
def mean_heat(heat: Any, t: Any, s: Any) -> Any:
    """Return the mean temperature of the actions in s."""
    total = 0.0
    for b in range(heat.shape[2]):
        total += np.float64(heat[t, s, b])
    return total / heat.shape[2]


@jit
def update_lenient(
    q: Any,
    heat: Any,
    owner: Any,
    alpha: float,
    gamma: float,
    theta: float,
    delta: float,
    tau: float,
    rng: Any,
    step: Any,
) -> None:
    """Move q [K, S, N] by alpha toward targets that are higher or not forgiven, and cool heat [K, S, N]."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = owner[e, a], step.obs[e, a], step.actions[e, a]
            target = np.float64(step.reward[e, a]) + gamma * value_after(q, t, step, e, a)
            old, warm = np.float64(q[t, s, b]), np.float64(heat[t, s, b])
            if target >= old or draw_unit(rng, e) < 1.0 - np.exp(-1.0 / max(theta * warm, 1e-300)):
                q[t, s, b] = np.float32(old + alpha * (target - old))
            if not step.terminated[e, a]:
                warm = (1.0 - tau) * warm + tau * mean_heat(heat, t, step.after[e, a])
            heat[t, s, b] = np.float32(delta * warm)


@jit
def act_lenient(
    q: Any, heat: Any, owner: Any, obs: Any, mask: Any, rng: Any, omega: float, coolest: float, actions: Any
) -> None:
    """Write the actions, drawn by exp(q / (omega * mean heat)), or the best where that mean is below `coolest`."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            t, s = owner[e, a], obs[e, a]
            mean = mean_heat(heat, t, s)
            if mean < coolest:
                actions[e, a] = best_allowed(q, t, s, mask, e, a, rng)
            else:
                actions[e, a] = boltzmann_allowed(q, t, s, omega * mean, mask, e, a, rng)


class LenientQLearning(MultiLearner):
    """Each agent learns from the team's reward as if it were alone; how much it forgives and explores cools with use.

    Attributes:
        q: values, float32 [runs * (A, or 1 if shared), S, N].
        heat: temperatures, float32 of the same shape.
    """

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        gamma: float = 0.9,
        theta: float = 1.0,
        omega: float = 0.1,
        delta: float = 0.995,
        tau: float = 0.1,
        max_temperature: float = 50.0,
        min_temperature: float = 2.0,
        share_table: bool = False,
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed. Exploration is part of the rule here.

        Args:
            vec: an environment that pays everybody the team's reward.
            alpha: learning rate.
            gamma: discount.
            theta: leniency, above 0; the higher, the more is forgiven.
            omega: how random the choice is at a temperature, above 0.
            delta: what a temperature keeps each time its action is done, in (0, 1].
            tau: how much temperatures flow back from s', in [0, 1].
            max_temperature: of all pairs at first, above 0.
            min_temperature: below it in the mean of a state, the best action is taken; above 0.
            share_table: one table for all agents, or one each.
            initial: value of actions that were never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=None, separate_runs=separate_runs, seed=seed)
        self.theta = check_float("theta", theta, 1e-12, 1e12)
        self.omega = check_float("omega", omega, 1e-12, 1e12)
        self.delta = check_float("delta", delta, 1e-6, 1.0)
        self.tau = check_float("tau", tau, 0.0, 1.0)
        self.max_temperature = check_float("max_temperature", max_temperature, 1e-9, 1e9)
        self.min_temperature = check_float("min_temperature", min_temperature, 1e-9, 1e9)
        if self.min_temperature > self.max_temperature:
            raise ParameterError(
                f"min_temperature must be at most max_temperature = {max_temperature}, not {min_temperature}"
            )
        check_choice("share_table", share_table, (True, False))
        self.share_table = share_table
        self.initial = check_float("initial", initial, -1e30, 1e30)
        self._groups = 1 if share_table else self.num_agents
        self.q = self._table(self._groups, self.num_observations, self.num_actions, value=self.initial)
        self.heat = np.full_like(self.q, self.max_temperature)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        owner = self.owners(len(obs), self._groups)
        coolest = np.inf if strength is None else self.min_temperature
        act_lenient(self.q, self.heat, owner, obs, mask, rng, self.omega, coolest, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        owner, rates = self.owners(self.num_envs, self._groups), (self.theta, self.delta, self.tau)
        update_lenient(self.q, self.heat, owner, alpha, self.gamma, *rates, self.rng, step)

    def knowledge(self) -> Arrays:
        """Return the values and the temperatures."""
        return {"q": self.q, "heat": self.heat}
