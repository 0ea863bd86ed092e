"""What the learners of this package share: checks, tables of runs, acting, and saving.

A learner adds its settings, its arrays (`knowledge`), how it chooses (`_choose`) and how it learns (`_learn`).
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents import checkpoint
from agents.exploration import EpsilonGreedy, Exploration
from agents.multi.choosing import act_boltzmann, act_epsilon_greedy
from agents.multi.policy import GreedyTeam
from agents.multi.steps import Step, first_bad_choice, first_bad_step, first_unlike, make_step
from agents.schedules import Schedule, learning_rate
from agents.streams import LEARNING
from agents.tabular import saving
from agents.tabular.inputs import expect, table_sizes
from agents.tabular.kernels import OK
from agents.tabular.trainable import Trainable
from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.core.random import seed_stream

_MOST_CELLS = 1 << 28  # of one table: 1 GiB


class MultiLearner(Trainable):
    """E environments, A agents, S observations, N actions.

    Termination ends a target (s' is worth nothing); truncation does not (s' is the final observation). Values of s' are
    over the actions that its mask allows. Agents that had already finished learn nothing. Samples of a batch are used
    one after the other, environments in order and agents in order, so results are exact.

    Attributes:
        rng: uint64 [E], one random stream an environment.
        steps, total_steps: agent-steps (environment steps x E x A) learned from, and planned.
    """

    needs_team_reward: ClassVar[bool] = True
    """Whether the environment must pay the team's reward to everybody; else any will do."""
    rules: ClassVar[tuple[str, ...]] = ("epsilon_greedy", "boltzmann")
    """Exploration that the learner can carry out."""

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float,
        gamma: float,
        exploration: Exploration | None,
        separate_runs: bool,
        seed: int,
    ) -> None:
        """Make a learner for the VectorEnv `vec` (of which it keeps only sizes and the fingerprint).

        Args:
            vec: its observations and actions are numbers from 0, the same for all agents.
            alpha: learning rate in (0, 1], a number, or a schedule that may end in 0.
            gamma: discount in [0, 1] per step.
            exploration: `EpsilonGreedy()` (.2 falling to 0 over 80 % of the training) unless given.
            separate_runs: every environment is a run of its own with its own tables, as if learners were made one by
                one; else all environments teach the same tables.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self.num_observations, self.num_actions = table_sizes(vec)
        if self.needs_team_reward:
            self._check_reward(vec.params)
        self.alpha = learning_rate(alpha)
        self.gamma = check_float("gamma", gamma, 0.0, 1.0)
        self.exploration = EpsilonGreedy() if exploration is None else exploration
        if getattr(self.exploration, "rule", None) not in self.rules:
            raise ParameterError(f"exploration must be one of {', '.join(self.rules)}, not {exploration!r}")
        check_choice("separate_runs", separate_runs, (True, False))
        self.separate_runs = separate_runs
        self.seed = check_int("seed", seed, 0, 2**63 - 1)
        self.num_envs, self.num_agents = int(vec.num_envs), int(vec.num_agents)
        self.runs = self.num_envs if self.separate_runs else 1
        self.fingerprint: dict[str, Any] = dict(vec.fingerprint)
        self.steps = 0
        self.total_steps = 0
        self.rng = np.array([seed_stream(self.seed, LEARNING + e) for e in range(self.num_envs)], np.uint64)
        self._owners: dict[tuple[int, int], NDArray[np.int32]] = {}
        self._batch = (self.num_envs, self.num_agents)
        self._all_allowed = np.ones((*self._batch, self.num_actions), np.int8)
        self._mask = self._all_allowed  # of the last `act`: what was allowed when the actions were chosen

    def _check_reward(self, params: Any) -> None:
        """Refuse an environment that does not always pay all agents the same."""
        reward = getattr(params, "reward", None)
        if reward != "team" and not getattr(params, "pays_alike", False):
            raise ParameterError(
                f'{type(self).__name__} needs an environment built with reward="team", not reward={reward!r}'
            )

    def _table(self, *shape: int, value: float = 0.0, dtype: Any = np.float32) -> NDArray[Any]:
        """Return a table full of `value`; its first axis is `runs` times what is given."""
        shape = (self.runs * shape[0], *shape[1:])
        cells = int(np.prod(np.array(shape, object)))
        if cells > _MOST_CELLS:
            raise ParameterError(
                f"{type(self).__name__} would need a table of {' x '.join(map(str, shape))} = {cells} numbers here, "
                f"more than {_MOST_CELLS}: it is for fewer agents, actions, observations or runs"
            )
        return np.full(shape, value, dtype) if value else np.zeros(shape, dtype)  # zeros cost nothing before use

    def owners(self, num_envs: int, groups: int) -> NDArray[np.int32]:
        """Return whose table is used, int32 [num_envs, A]: a run has `groups` tables, A (one each) or 1 (for all)."""
        if (num_envs, groups) not in self._owners:
            run = np.arange(num_envs) * int(self.separate_runs)
            self._owners[num_envs, groups] = (run[:, None] * groups + np.arange(self.num_agents) % groups).astype(
                np.int32
            )
        return self._owners[num_envs, groups]

    def act(
        self, obs: NDArray[np.int32], mask: NDArray[np.int8] | None = None, explore: bool = True
    ) -> NDArray[np.int64]:
        """Return actions int64 [E, A] for observations int32 [E, A] and mask int8 [E, A, N] (None: all allowed).

        Draws from `rng`, also with `explore=False` (among equals); `greedy()` gives a policy that does not.

        Raises:
            ValueError: wrong shapes or dtypes, an observation outside the table, a mask that allows nothing.
        """
        self._mask = self._all_allowed if mask is None else expect("mask", mask, self._all_allowed.shape, np.int8)
        strength = self.exploration.strength(self.progress) if explore else None
        return self.choose(expect("obs", obs, self._batch, np.int32), self._mask, self.rng, strength)

    def choose(
        self, obs: NDArray[np.int32], mask: NDArray[np.int8], rng: NDArray[np.uint64], strength: float | None
    ) -> NDArray[np.int64]:
        """Return actions int64 [E, A] of a batch of any size (with separate runs: of the learner's own).

        `strength` is that of the exploration rule; None: no exploration. Draws from `rng` uint64 [E].

        Raises:
            ValueError: as `act`.
        """
        if self.separate_runs and len(obs) != self.num_envs:
            raise ValueError(f"there are {self.num_envs} separate runs, but obs is of {len(obs)} environments")
        bad = first_bad_choice(obs, mask, self.num_observations)
        if bad != OK:
            self._refuse(bad, obs=obs, mask=mask)
        actions = np.empty(obs.shape, np.int64)
        self._choose(obs, mask, rng, strength, actions)
        return actions

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

        The arguments are those of `TabularQLearning.update`. Rules that ask what was allowed at `obs` use the mask of
        the last `act`.

        Raises:
            ValueError: as `step_of`; nothing is learned then.
        """
        after = (next_obs, final_obs, ended, terminated, alive, next_mask, final_mask)
        self._learn(self.step_of(obs, actions, reward, *after), self.alpha(self.progress))
        self.steps += self.num_envs * self.num_agents

    def step_of(self, *arguments: Any) -> Step:
        """Return the arguments of `update`, in its order and checked, as kernels take them.

        Raises:
            ValueError: wrong shapes or dtypes, a number outside its space, a reward that is not finite, rewards that
                differ in a team.
        """
        step = make_step(self._all_allowed, self._mask, *arguments)
        self._check(step)
        return step

    def _check(self, step: Step) -> None:
        """Raise ValueError for a sample that nothing can be learned from."""
        bad = first_bad_step(step, self.num_observations)
        if bad != OK:
            self._refuse(bad, obs=step.obs, action=step.actions, reward=step.reward, after=step.after)
        unlike = first_unlike(step.reward, step.alive) if self.needs_team_reward else OK
        if unlike != OK:
            e, _ = divmod(unlike, self.num_agents)
            paid = step.reward[e].tolist()
            raise ValueError(f"step {self._now}, environment {e}: a team has one reward, but its agents got {paid}")

    @property
    def _now(self) -> int:
        """Number of the step of the batch that comes next, for messages."""
        return self.steps // (self.num_envs * self.num_agents)

    def _refuse(self, index: int, **arrays: Any) -> None:
        """Raise ValueError for the sample at flat `index` of the [E, A] arrays, showing its values."""
        e, a = divmod(index, self.num_agents)
        values = ", ".join(f"{name} {np.asarray(array)[e, a].tolist()}" for name, array in arrays.items())
        raise ValueError(
            f"step {self._now}, environment {e}, agent {a}: {values}; observations must be in "
            f"[0, {self.num_observations}), actions in [0, {self.num_actions}), rewards finite numbers, and every mask "
            "must allow an action"
        )

    def _check_bounds(self, bad: int) -> None:
        """Raise ValueError for the environment in which an error was no finite number, unless `bad` is OK."""
        if bad != OK:
            raise ValueError(
                f"step {self._now}, environment {bad}: the values of {type(self).__name__} grew beyond all bounds: "
                f"a smaller gamma than {self.gamma} or a smaller alpha may keep them finite"
            )

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        """Write the actions, of checked inputs."""
        raise NotImplementedError

    def _learn(self, step: Step, alpha: float) -> None:
        """Update the tables with a checked step."""
        raise NotImplementedError

    def _choose_by(
        self, q: Any, owner: Any, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any
    ) -> None:
        """Write the actions that the exploration rule takes by the values q [K, S, N]."""
        if strength is None:
            act_epsilon_greedy(q, owner, obs, mask, rng, 0.0, actions)
        elif self.exploration.rule == "boltzmann":
            act_boltzmann(q, owner, obs, mask, rng, strength, actions)
        else:
            act_epsilon_greedy(q, owner, obs, mask, rng, strength, actions)

    def greedy(self) -> GreedyTeam:
        """Return the policy without exploration, on the learner's own tables; it has random streams of its own."""
        return GreedyTeam(self)

    def course(self) -> checkpoint.Arrays:
        """Return what else decides how the training goes on, the live arrays; it depends on the batch size."""
        return {"rng": self.rng}

    @property
    def layout(self) -> list[int]:
        """Rows of each table, as for learners that have several."""
        return [self.num_observations]

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict: the arguments that made it."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name not in ("self", "vec")]
        return {"algorithm": type(self).__name__} | {name: saving.encode(getattr(self, name)) for name in names}
