"""Coordination graph: the team's value is a sum over pairs of agents that depend on each other.

Q(s, b) = sum over edges of q_ij(s_ij, b_i, b_j). The best joint action is found by variable elimination (exact) or
max-plus (exact on trees). All edges learn from the team's error: with d = r + gamma * Q(s', best) - Q(s, b),
q_ij += alpha / edges * d.
Guestrin, Lagoudakis and Parr, "Coordinated reinforcement learning", ICML 2002; Kok and Vlassis, JMLR 7, 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.edges import check_edges
from agents.multi.elimination import Elimination
from agents.multi.max_plus import MaxPlus
from agents.multi.steps import Step, first_unlike
from agents.schedules import Schedule
from agents.tabular.kernels import OK, random_allowed
from marl_envs.core.jit import jit
from marl_envs.core.params import check_choice, check_float, check_int
from marl_envs.core.random import draw_unit

METHODS = ("elimination", "max_plus")


@jit
def explore_apart(mask: Any, rng: Any, epsilon: float, actions: Any) -> None:
    """Replace each agent's action by any allowed one with probability `epsilon`."""
    for e in range(actions.shape[0]):
        for a in range(actions.shape[1]):
            if draw_unit(rng, e) < epsilon:
                actions[e, a] = random_allowed(mask, e, a, rng)


@jit
def update_graph(q: Any, owner: Any, alpha: float, edges: Any, states: Any, target: Any, step: Any) -> Any:
    """Move q [runs * G, S', N * N] of all edges [G, 2] by alpha / G toward target [E], where anybody was alive.

    Return OK, or the first environment whose error is no finite number, which stops the update.
    """
    count, choices = edges.shape[0], step.mask.shape[2]
    for e in range(step.obs.shape[0]):
        anybody, error = False, target[e]
        for a in range(step.obs.shape[1]):
            anybody |= step.alive[e, a]
        if not anybody:
            continue
        for g in range(count):
            pair = step.actions[e, edges[g, 0]] * choices + step.actions[e, edges[g, 1]]
            error -= np.float64(q[owner[e, 0] * count + g, states[e, g], pair])
        if not np.isfinite(error):
            return e
        for g in range(count):
            pair = step.actions[e, edges[g, 0]] * choices + step.actions[e, edges[g, 1]]
            row = owner[e, 0] * count + g
            q[row, states[e, g], pair] = np.float32(np.float64(q[row, states[e, g], pair]) + alpha / count * error)
    return OK


class CoordinationGraphQLearning(MultiLearner):
    """A team that decides together, with values of pairs of agents only.

    Unlike with the other learners, the values of s' of a whole batch are those before it.

    Attributes:
        q: float32 [runs * G, S or S^2, N * N], edge by edge; the edge's first agent counts most.
        edges: the pairs of agents.
    """

    rules = ("epsilon_greedy",)

    def __init__(
        self,
        vec: Any,
        *,
        edges: Sequence[tuple[int, int]],
        method: str = "elimination",
        rounds: int = 20,
        alpha: Schedule | float = 0.1,
        gamma: float = 0.9,
        exploration: Exploration | None = None,
        state: str = "joint",
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: an environment that pays everybody the team's reward.
            edges: pairs of agents' numbers that depend on each other.
            method: "elimination" (exact; for sparse graphs) or "max_plus" (exact on trees).
            rounds: of max-plus, at most.
            alpha: learning rate of the sum over edges.
            gamma: discount.
            exploration: epsilon-greedy, for each agent by itself.
            state: what an edge sees. "joint": both agents' observations; "common": all see the same number.
            initial: value of a pair of actions that was never tried.
            separate_runs: tables of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, an environment that does not fit, or too large a table.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        check_choice("state", state, ("joint", "common"))
        check_choice("method", method, METHODS)
        self.state, self.method, self.rounds = state, method, check_int("rounds", rounds, 1, 10**6)
        sizes = (check_edges(edges, self.num_agents), self.num_agents, self.num_actions)
        self._solver: Any = Elimination(*sizes) if method == "elimination" else MaxPlus(*sizes, rounds)
        self.edges = tuple((int(x), int(y)) for x, y in self._solver.edges)
        self.initial = check_float("initial", initial, -1e30, 1e30)
        states = self.num_observations ** (2 if state == "joint" else 1)
        self.q = self._table(len(self.edges), states, self.num_actions**2, value=self.initial)

    def _states(self, obs: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the number of what each edge sees, [E, G]."""
        first, second = (obs[:, self._solver.edges[:, side]].astype(np.int64) for side in (0, 1))
        if self.state == "joint":
            return first * self.num_observations + second
        unlike = first_unlike(obs, np.ones(obs.shape, np.bool_))
        if unlike != OK:
            e = unlike // self.num_agents
            raise ValueError(
                f'environment {e}: with state="common" all agents must see the same, not {obs[e].tolist()}'
            )
        return np.ascontiguousarray(first)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        states = self._states(obs)
        _, actions[:] = self._solver.solve(self.q, self.owners(len(obs), 1), states, mask, rng)
        if strength is not None:
            explore_apart(mask, rng, strength, actions)

    def _learn(self, step: Step, alpha: float) -> None:
        owner, states = self.owners(self.num_envs, 1), self._states(step.obs)
        rewarded = step.alive.argmax(axis=1)[:, None]  # somebody who was alive, if anybody was
        target = np.take_along_axis(step.reward, rewarded, axis=1)[:, 0].astype(np.float64)
        goes_on = (step.alive & ~step.terminated).any(axis=1)
        if goes_on.any():
            best = self._solver.solve(self.q, owner, self._states(step.after), step.after_mask, self.rng)[0]
            target += self.gamma * goes_on * best
        self._check_bounds(update_graph(self.q, owner, alpha, self._solver.edges, states, target, step))

    def knowledge(self) -> Arrays:
        """Return the tables."""
        return {"q": self.q}
