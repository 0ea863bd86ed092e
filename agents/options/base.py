"""What learners over options share: an option is chosen, followed until it stops, and then another one.

Options come in two ways. Either they are a table over observations (`Options`), and the learner follows them itself;
or the environment follows them and has them for actions (`OptionsEnv`), and says in a step's info when they are over.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.options.choices import Choices
from agents.options.kernels import (
    NONE,
    Alike,
    Running,
    Sequel,
    first_bad_step,
    make_running,
    stop_by_table,
)
from agents.options.options import Options, as_options
from agents.tabular.inputs import expect, table_sizes
from agents.tabular.kernels import OK
from agents.tabular.lookup import Lookup
from agents.tabular.policy import GreedyTable
from agents.values.base import ValueLearner
from agents.values.kernels import Step
from marl_envs.core.params import ParameterError, check_choice

RULES = ("epsilon_greedy", "boltzmann", "optimistic")
LESSONS = {"option_starts": np.int8, "same_option": np.bool_, "option_stops": np.float64}  # [E, A, O] each


class OptionLearner(ValueLearner):
    """Values of options, q [T, S, O], or [T, rows, kinds] over an `OptionsEnv`; subclasses say how they are learned.

    With `Options`, `greedy()` chooses the best option anew in every step, which is never worse than following it
    (Sutton et al. 1999, theorem 2).
    """

    learns_alike: ClassVar[bool] = False
    """Whether a step also teaches options that were not followed."""

    def __init__(self, vec: Any, *, options: Options | dict[str, Any] | None = None, **settings: Any) -> None:
        """Make a learner for `vec` that chooses among `options`; the other settings are those of Q-learning.

        Args:
            vec: VectorEnv with Discrete observations, or an `OptionsEnv` that shows what options look like.
            options: the options; none for an `OptionsEnv`, which has its own.
            settings: of `TabularQLearning`.

        Raises:
            ParameterError: a value that is not allowed, options that do not fit, exploration by UCB1.
        """
        if (options is None) != hasattr(vec, "option_kinds"):
            raise ParameterError(
                "this environment has options of its own: do not give others"
                if options is not None
                else "options must be given, unless the environment is an OptionsEnv"
            )
        self.options = None if options is None else as_options(options, *table_sizes(vec))
        self.reads = Choices if self.options is None else Lookup
        super().__init__(vec, **settings)
        check_choice("the rule of exploration among options", self.exploration.rule, RULES)
        self._lessons: dict[str, NDArray[Any]] = {}

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "options": None if self.options is None else self.options.to_config()}

    @property
    def kinds(self) -> NDArray[np.int64]:
        """The column of each option, int64 [O]."""
        if self.options is None:
            kinds: NDArray[np.int64] = self._reader.kinds
            return kinds
        return np.arange(len(self.options))

    @property
    def columns(self) -> int:
        """Columns of the table: options, or kinds of options."""
        return int(self.kinds.max()) + 1

    @property
    def wants(self) -> tuple[str, ...]:
        """What `update` needs of a step's info, by name, beside what every learner gets."""
        if self.options is not None:
            return ()
        return ("option_over", *LESSONS) if self.learns_alike else ("option_over",)

    def _make_memory(self) -> Running:
        return make_running(self.num_envs, self.num_agents)

    def act(
        self, obs: NDArray[np.int32], mask: NDArray[np.int8] | None = None, explore: bool = True
    ) -> NDArray[np.int64]:
        """Return actions int64 [E, A], of the options that agents follow; `explore=False` asks for the best ones.

        Over an `OptionsEnv` these are options, and the mask says which may be chosen.

        Raises:
            ValueError: wrong shapes or dtypes, an observation outside the table, or nothing that may be started.
        """
        if self.options is None:
            return super().act(obs, mask, explore)
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

    def _start(self, new: NDArray[np.bool_], chosen: NDArray[np.int64], rows: NDArray[np.int32]) -> None:
        """Let agents follow what they chose; `rows` is where the table has it, [E, A]."""
        running = self.memory
        running.option[new], running.origin[new] = chosen[new], rows[new]
        running.gathered[new], running.discount[new] = 0.0, 1.0

    def update(self, *batch: Any, **named: Any) -> None:
        """Learn from one step of the batch, as `TabularQLearning.update`.

        Over an `OptionsEnv` it also needs of the step's info (`wants`) option_over bool [E, A] and, to learn
        intra-option, option_starts int8, same_option bool and option_stops float64, [E, A, O].

        Raises:
            ValueError: as there, or one of these is missing or has another shape; nothing is learned then.
        """
        missing = [name for name in self.wants if name not in named]
        if missing:
            raise ValueError(f"{type(self).__name__} needs {', '.join(missing)} of the step's info")
        given = {name: named.pop(name) for name in self.wants}
        self._lessons = {
            name: expect(name, value, self._mask_shape if name in LESSONS else self._batch, LESSONS.get(name, np.bool_))
            for name, value in given.items()
        }
        super().update(*batch, **named)

    def _improve(self, alpha: float, step: Step) -> int:
        rows = (*step.actions.shape, -1)
        flat = step._replace(obs=step.obs.reshape(rows), after=step.after.reshape(rows))
        bad: int = first_bad_step(self.q.shape[1], flat)
        if bad != OK:
            return bad
        self._learn_options(alpha, step, self._sequel(step) if self.options is None else self._follow_table(step))
        return OK

    def _sequel(self, step: Step) -> Sequel:
        """Return what a step led to where the environment follows the options."""
        new = self.memory.option == NONE
        first = np.take_along_axis(step.obs, step.actions[..., None], axis=-1)[..., 0]
        self._start(new, step.actions, first)
        over = self._lessons["option_over"] | step.ended[:, None] | step.terminated
        # While an option runs the mask allows it alone, but others may stop here
        return Sequel(step.after, self._lessons.get("option_starts", step.mask), over)

    def _follow_table(self, step: Step) -> Sequel:
        """Return what a step led to where the learner follows the options."""
        assert self.options is not None
        over = np.empty(step.actions.shape, bool)
        stop_by_table(self.memory.option, step, self.options.actions, self.options.stops, self.rng, over)
        return Sequel(_repeat(step.after, len(self.options)), self.options.available(step.after, step.mask), over)

    def _alike(self, step: Step) -> Alike:
        """Return what a step teaches options that were not followed."""
        if self.options is None:
            return Alike(step.obs, self._lessons["same_option"], self._lessons["option_stops"])
        same = self.options.actions.T[step.obs] == step.actions[..., None]
        return Alike(_repeat(step.obs, len(self.options)), same, self.options.stops.T[step.after])

    def _learn_options(self, alpha: float, step: Step, sequel: Sequel) -> None:
        """Learn from a checked step."""
        raise NotImplementedError

    def greedy(self) -> Any:
        """Return the policy of the best option, with random streams of its own.

        A `GreedyOptions`, which chooses in every step; over an `OptionsEnv`, where options run to their end, a
        `GreedyTable`.
        """
        return super().greedy() if self.options is None else GreedyOptions(self.q, self.options)


def _repeat(obs: NDArray[np.int32], times: int) -> NDArray[np.int32]:
    """Return observations [E, A] once for each option, [E, A, O]."""
    return np.repeat(obs[..., None], times, axis=-1)


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
