"""Q-learning with tables, for many agents in many environments at once.

Every agent updates Q(s, b) += alpha * (r + gamma * max Q(s', .) - Q(s, b)) as if it were alone; the others are part of
its world. What differs is the reward: its own (`IndependentQLearning`) or the team's (`SharedRewardQLearning`).
Watkins 1989; Tan, "Multi-agent reinforcement learning: independent vs. cooperative agents", 1993.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents import checkpoint
from agents.exploration import EpsilonGreedy, Exploration, initial_value
from agents.schedules import Linear, Schedule, learning_rate, to_config
from agents.streams import LEARNING
from agents.tabular.inputs import expect
from agents.tabular.kernels import OK, count_tries
from agents.tabular.lookup import Lookup
from agents.tabular.policy import GreedyTable
from agents.tabular.trainable import Trainable
from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.core.random import seed_stream


class TabularQLearning(Trainable):
    """What both learners share. E environments, A agents, S observations, N actions.

    Termination ends the target (s' is worth nothing); truncation does not (s' is the final observation). The maximum
    is over the actions that the mask of s' allows. Samples of agents that had already finished are ignored. Samples
    of a batch are used one after the other, environments in order and agents in order, so results are exact.

    Other learners of the family replace `_learn`, and say with `_make_memory` and `_make_insight` what they remember.

    Attributes:
        q: the tables, float32 [T, S, N]; T = 1 if shared, else A, or E x A for separate runs. Where an observation is K
            integers, one for each of K tables (agents.linear), these lie one below the other, and S is all their rows.
        rng: uint64 [E], one random stream per environment.
        tries: int64 [T, S, N], how often each action was learned there; empty unless the exploration asks for it.
        memory: arrays about the running episodes, as a NamedTuple (here none); `begin` empties them.
        insight: arrays with what was learned besides `q`, as a NamedTuple (here none).
        steps, total_steps: agent-steps (environment steps x E x A) learned from, and planned.
    """

    needs_team_reward: ClassVar[bool | None]  # None: learns from either
    reads: Any = Lookup  # how an observation leads to values

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = Linear(0.1, 0.003, until=0.8),  # noqa: B008 - frozen
        gamma: float = 0.99,
        exploration: Exploration | None = None,
        share_table: bool = True,
        separate_runs: bool = False,
        initial: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Make a learner for the VectorEnv `vec` (of which it keeps only sizes and the fingerprint).

        Args:
            vec: built with `observation="tabular"`, and with the reward that this learner is for.
            alpha: learning rate in (0, 1], a number, or a schedule that may end in 0.
            gamma: discount in [0, 1] per step.
            exploration: `EpsilonGreedy()` (.2 falling to 0 over 80 % of the training) unless given.
            share_table: one table for all agents (they learn from each other's samples), or one each.
            separate_runs: every environment is a training of its own, with its own tables: many seeds at once. With
                several agents they need `share_table=False`.
            initial: value of actions that were never tried; with `Optimistic` exploration that says it.
            seed: of the exploration and of breaking ties.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self._reader = self.reads.of(vec)
        self.num_actions: int = self._reader.num_actions
        self._check_reward(getattr(vec.params, "reward", None))
        check_choice("share_table", share_table, (True, False))
        check_choice("separate_runs", separate_runs, (True, False))
        self.alpha = learning_rate(alpha)
        self.gamma = check_float("gamma", gamma, 0.0, 1.0)
        self.exploration = EpsilonGreedy() if exploration is None else exploration
        rules = self.reads.act_rules
        if getattr(self.exploration, "rule", None) not in rules:
            raise ParameterError(f"exploration must be one of {', '.join(rules)}, not {exploration!r}")
        self.share_table, self.separate_runs = share_table, separate_runs
        self.initial = initial_value(check_float("initial", initial, -1e30, 1e30), self.exploration)
        self.seed = check_int("seed", seed, 0, 2**63 - 1)
        self.num_envs, self.num_agents = int(vec.num_envs), int(vec.num_agents)
        if separate_runs and share_table and self.num_agents > 1:
            raise ParameterError("separate_runs with several agents needs share_table=False")
        self.fingerprint: dict[str, Any] = dict(vec.fingerprint)
        self.steps = 0
        self.total_steps = 0
        self._make_arrays()

    def _check_reward(self, reward: object) -> None:
        """Refuse the wrong kind of reward: no learner adds rewards up, only environments do."""
        name = type(self).__name__
        if self.needs_team_reward is None:
            return
        if self.needs_team_reward and reward != "team":
            raise ParameterError(f'{name} needs an environment built with reward="team", not reward={reward!r}')
        if not self.needs_team_reward and reward == "team":
            raise ParameterError(
                f'{name} learns from each agent\'s own reward, but the environment was built with reward="team": '
                "use SharedRewardQLearning"
            )

    def _make_arrays(self) -> None:
        tables = (self.num_envs if self.separate_runs else 1) * (1 if self.share_table else self.num_agents)
        shape = (tables, sum(self._reader.layout), self.columns)
        self.q: NDArray[np.float32] = np.full(shape, self._reader.initial(self.initial), np.float32)
        self.rng = np.array([seed_stream(self.seed, LEARNING + e) for e in range(self.num_envs)], np.uint64)
        self._batch = (self.num_envs, self.num_agents)
        self._obs_shape = (*self._batch, *self._reader.obs_shape)
        self._mask_shape = (*self._batch, self.num_actions)
        self._all_allowed = np.ones(self._mask_shape, np.int8)
        self.tries = np.zeros(shape if self.exploration.rule == "ucb1" else 0, np.int64)
        self.memory, self.insight = self._make_memory(), self._make_insight()

    @property
    def columns(self) -> int:
        """Columns of the table: actions."""
        return self.num_actions

    def _make_memory(self) -> Any:
        """Return new `memory` for the start of a training."""
        return ()

    def _make_insight(self) -> Any:
        """Return new `insight`."""
        return ()

    def begin(self, total_steps: int) -> None:
        """Plan a training of `total_steps` agent-steps from now on: schedules and memory start anew, tables stay."""
        super().begin(total_steps)
        empty = checkpoint.named(self._make_memory())
        for name, array in checkpoint.named(self.memory).items():
            array[...] = empty[name]

    def act(
        self, obs: NDArray[np.int32], mask: NDArray[np.int8] | None = None, explore: bool = True
    ) -> NDArray[np.int64]:
        """Return actions int64 [E, A] for observations int32 [E, A] and mask int8 [E, A, N] (None: all allowed).

        With K tables observations are [E, A, K], here and in `update`. Draws from `rng`, also with `explore=False`
        (among equals); `greedy()` gives a policy that does not.

        Raises:
            ValueError: wrong shapes or dtypes, an observation outside the table, a mask that allows nothing.
        """
        obs = expect("obs", obs, self._obs_shape, np.int32)
        mask = self._all_allowed if mask is None else expect("mask", mask, self._mask_shape, np.int8)
        actions = np.empty(self._batch, np.int64)
        rule, strength = "epsilon_greedy", 0.0
        if explore:
            rule, strength = self.exploration.rule, self.exploration.strength(self.progress)
        counts = (self.tries,) if rule == "ucb1" else ()
        bad = self._reader.act(rule, self.choosing, *counts, obs, mask, self.rng, strength, actions)
        if bad != OK:
            self._reader.refuse(bad, self.num_agents, self._step, obs=obs, mask=mask)
        return actions

    @property
    def choosing(self) -> NDArray[np.float32]:
        """What actions are chosen by: the tables."""
        return self.q

    @property
    def _step(self) -> int:
        """Steps of the batch learned from since `begin`."""
        return self.steps // (self.num_envs * self.num_agents)

    def update(
        self,
        obs: NDArray[np.int32],
        actions: NDArray[np.int64],
        reward: NDArray[np.float32],
        next_obs: NDArray[np.int32],
        final_obs: NDArray[np.int32],
        ended: NDArray[np.bool_],
        terminated: NDArray[np.bool_],
        alive: NDArray[np.bool_],
        next_mask: NDArray[np.int8] | None = None,
        final_mask: NDArray[np.int8] | None = None,
    ) -> None:
        """Learn from one step of the batch: all [E, A], `ended` [E], masks [E, A, N] (None: all allowed).

        Args:
            obs: observations before the step.
            actions: what was done.
            reward: what was paid.
            next_obs: observations after the step; where the environment ended, the new episode's (not used).
            final_obs: last observations of the episodes that ended; used only there.
            ended: environments that ended, by termination or truncation.
            terminated: agents that finished in this step.
            alive: agents that had not finished before the step; the others are ignored.
            next_mask: allowed actions at `next_obs`.
            final_mask: allowed actions at `final_obs`. With None the maximum there is over all actions, and actions
                that masks never allow count with their initial value.

        Raises:
            ValueError: wrong shapes or dtypes, a number outside its space, a reward that is not finite; nothing is
                learned then.
        """
        batch, masks, seen = self._batch, self._mask_shape, self._obs_shape
        obs = expect("obs", obs, seen, np.int32)
        actions = expect("actions", actions, batch, np.int64)
        reward = expect("reward", reward, batch, np.float32)
        next_obs = expect("next_obs", next_obs, seen, np.int32)
        final_obs = expect("final_obs", final_obs, seen, np.int32)
        ended = expect("ended", ended, batch[:1], np.bool_)
        terminated = expect("terminated", terminated, batch, np.bool_)
        alive = expect("alive", alive, batch, np.bool_)
        next_mask = self._all_allowed if next_mask is None else expect("next_mask", next_mask, masks, np.int8)
        final_mask = self._all_allowed if final_mask is None else expect("final_mask", final_mask, masks, np.int8)
        after = (next_obs, next_mask, final_obs, final_mask, ended, terminated, alive)
        bad = self._learn(self.alpha(self.progress), obs, actions, reward, *after)
        if bad != OK:
            shown = {"obs": obs, "action": actions, "reward": reward, "next_obs": next_obs, "final_obs": final_obs}
            self._reader.refuse(bad, self.num_agents, self._step, **shown)
        if self.tries.size:
            count_tries(self.tries, obs, actions, alive)
        self.steps += actions.size

    def _learn(self, alpha: float, *batch: Any) -> int:
        """Learn from a checked batch, in the order of the kernels; return OK or the number of a bad sample."""
        bad: int = self._reader.update(self.q, alpha, self.gamma, *batch)
        return bad

    @property
    def layout(self) -> list[int]:
        """Rows of each table in `q`, which has them one below the other."""
        rows: list[int] = self._reader.layout
        return rows

    def greedy(self) -> GreedyTable:
        """Return the greedy policy over the learner's own tables; it has random streams of its own."""
        return GreedyTable(self.q, self._reader)

    def knowledge(self) -> checkpoint.Arrays:
        """Return what was learned, the live arrays: the tables and `insight`."""
        return {"q": self.q, **checkpoint.named(self.insight)}

    def course(self) -> checkpoint.Arrays:
        """Return what else decides how the training goes on, the live arrays; it depends on the batch size."""
        return {"rng": self.rng, **({"tries": self.tries} if self.tries.size else {}), **checkpoint.named(self.memory)}

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {
            "algorithm": type(self).__name__,
            "alpha": to_config(self.alpha),
            "gamma": self.gamma,
            "exploration": self.exploration.to_config(),
            "share_table": self.share_table,
            "separate_runs": self.separate_runs,
            "initial": self.initial,
            "seed": self.seed,
        }


class IndependentQLearning(TabularQLearning):
    """Each agent learns from its own reward; refuses an environment built with `reward="team"`."""

    needs_team_reward = False


class SharedRewardQLearning(TabularQLearning):
    """All agents learn from the team's reward; refuses an environment that was not built with `reward="team"`."""

    needs_team_reward = True
