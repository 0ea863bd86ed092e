"""What learners over options share: an option is chosen, followed until it stops, and then another one."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.options.options import Options, as_options
from agents.tabular.inputs import expect, table_sizes
from agents.tabular.kernels import OK
from agents.tabular.policy import GreedyTable
from agents.values.base import ValueLearner
from agents.values.kernels import Step
from marl_envs.core.jit import jit
from marl_envs.core.params import check_choice
from marl_envs.core.random import draw_unit

NONE = -1
RULES = ("epsilon_greedy", "boltzmann", "optimistic")


class Running(NamedTuple):
    """The options that agents follow."""

    option: Annotated[NDArray[np.int64], "E A"]  # NONE: the next one is still to be chosen
    origin: Annotated[NDArray[np.int32], "E A"]  # where it was started
    gathered: Annotated[NDArray[np.float64], "E A"]  # discounted reward since then
    discount: Annotated[NDArray[np.float64], "E A"]  # gamma to the power of the steps since then


class OptionLearner(ValueLearner):
    """Values q [T, S, O] of options; see `SMDPQLearning` and `IntraOptionQLearning` for how they are learned.

    `greedy()` chooses the best option anew in every step, which is never worse than following it (Sutton et al. 1999,
    theorem 2).
    """

    def __init__(self, vec: Any, *, options: Options | dict[str, Any], **settings: Any) -> None:
        """Make a learner for `vec` that chooses among `options`; the other settings are those of Q-learning.

        Raises:
            ParameterError: a value that is not allowed, options that do not fit, exploration by UCB1.
        """
        self.options = as_options(options, *table_sizes(vec))
        super().__init__(vec, **settings)
        check_choice("the rule of exploration among options", self.exploration.rule, RULES)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "options": self.options.to_config()}

    @property
    def columns(self) -> int:
        """Columns of the table: options."""
        return len(self.options)

    def _make_memory(self) -> Running:
        batch = (self.num_envs, self.num_agents)
        return Running(np.full(batch, NONE), np.zeros(batch, np.int32), np.zeros(batch), np.ones(batch))

    def act(
        self, obs: NDArray[np.int32], mask: NDArray[np.int8] | None = None, explore: bool = True
    ) -> NDArray[np.int64]:
        """Return actions int64 [E, A], of the options that agents follow; `explore=False` asks for the best ones.

        Raises:
            ValueError: wrong shapes or dtypes, an observation outside the table, or nothing that may be started.
        """
        obs = expect("obs", obs, self._obs_shape, np.int32)
        mask = self._all_allowed if mask is None else expect("mask", mask, self._mask_shape, np.int8)
        outside = np.flatnonzero((obs < 0) | (obs >= self.q.shape[1]))
        if len(outside):
            self._reader.refuse(int(outside[0]), self.num_agents, self._step, obs=obs, mask=mask)
        chosen = np.empty(obs.shape, np.int64)
        available, strength = self.options.available(obs, mask), self.exploration.strength(self.progress)
        rule = (self.exploration.rule, strength) if explore else ("epsilon_greedy", 0.0)
        going = self.memory.option != NONE
        available[going & explore] = 1  # nothing is chosen there
        bad = self._reader.act(rule[0], self.q, obs, available, self.rng, rule[1], chosen)
        if bad != OK:
            self._reader.refuse(bad, self.num_agents, self._step, obs=obs, mask=mask)
        if explore:
            self._start(~going, chosen, obs)
            chosen = self.memory.option
        return self.options.actions[chosen, obs]

    def _start(self, new: NDArray[np.bool_], chosen: NDArray[np.int64], obs: NDArray[np.int32]) -> None:
        running = self.memory
        running.option[new], running.origin[new] = chosen[new], obs[new]
        running.gathered[new], running.discount[new] = 0.0, 1.0

    def greedy(self) -> Any:
        """Return the policy of the best option in every step, a `GreedyOptions`; it has random streams of its own."""
        return GreedyOptions(self.q, self.options)


class GreedyOptions:
    """Plays the first action of the best option that may be started, anew in every step; learns nothing."""

    def __init__(self, q: NDArray[np.float32], options: Options) -> None:
        """Use the table `q` [T, S, O] of `options`."""
        self._table, self._options = GreedyTable(q), options

    def reset(self, seed: int) -> None:
        """Restart the streams that break ties."""
        self._table.reset(seed)

    def act(self, vec: Any, obs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for the last observations of the VectorEnv `vec`, obeying its masks."""
        return self.choose(np.asarray(obs, np.int32), vec.action_mask)

    def choose(self, obs: NDArray[Any], mask: NDArray[np.int8] | None) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for observations [E, A] and mask int8 [E, A, N] (None: all allowed)."""
        if mask is None:
            mask = np.ones((*obs.shape, int(self._options.actions.max()) + 1), np.int8)
        chosen = self._table.choose(obs, self._options.available(obs, mask))
        return self._options.actions[chosen, obs]


@jit(inner=True)
def first_bad_step(num_obs: int, step: Step) -> Any:
    """Return the flat index of the first number outside its space, reward that is not finite or empty mask."""
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            allowed = 0
            for b in range(step.mask.shape[2]):
                allowed |= step.mask[e, a, b]
            good = 0 <= step.obs[e, a] < num_obs and 0 <= step.after[e, a] < num_obs
            good &= 0 <= step.actions[e, a] < step.mask.shape[2]
            if not good or allowed == 0 or not np.isfinite(step.reward[e, a]):
                return e * step.obs.shape[1] + a
    return OK


@jit(inner=True)
def best_start(q: Any, t: int, s: int, actions: Any, starts: Any, mask: Any, e: int, a: int) -> Any:
    """Return the highest value of an option that may be started in `s`, float64; -inf if there is none."""
    best = -np.inf
    for o in range(q.shape[2]):
        if starts[o, s] != 0 and mask[e, a, actions[o, s]] != 0:
            best = max(best, np.float64(q[t, s, o]))
    return best


@jit(inner=True)
def stops_here(o: int, step: Step, e: int, a: int, actions: Any, stops: Any, rng: Any) -> Any:
    """Return whether option `o` is over after a step: by itself, with the episode, or because it cannot go on."""
    after = step.after[e, a]
    if step.ended[e] or step.terminated[e, a] or actions[o, after] < 0 or step.mask[e, a, actions[o, after]] == 0:
        return True
    stop = stops[o, after]
    return stop == 1.0 or (stop > 0.0 and draw_unit(rng, e) < stop)
