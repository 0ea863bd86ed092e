"""Values from a table: an observation is the number of a row."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from agents.tabular.inputs import refuse_sample, table_sizes
from agents.tabular.kernels import act_boltzmann, act_epsilon_greedy, act_ucb1, update_q


class Lookup:
    """A table q [T, S, N]; observations are int32 [E, A]. How a learner reads and writes its values."""

    act_rules: ClassVar[dict[str, Any]] = {
        "epsilon_greedy": act_epsilon_greedy,
        "boltzmann": act_boltzmann,
        "optimistic": act_epsilon_greedy,
        "ucb1": act_ucb1,
    }
    obs_shape: tuple[int, ...] = ()  # of one agent's observation

    def __init__(self, num_observations: int, num_actions: int) -> None:
        """Read tables of this size."""
        self.num_observations, self.num_actions = num_observations, num_actions

    @classmethod
    def of(cls, vec: Any) -> Lookup:
        """Return what fits an environment; raise ParameterError if its observations are not numbers from 0."""
        return cls(*table_sizes(vec))

    @property
    def layout(self) -> list[int]:
        """Rows of each table: of the only one."""
        return [self.num_observations]

    def initial(self, value: float) -> float:
        """Return the entry that makes every value `value`."""
        return value

    def act(self, rule: str, q: NDArray[np.float32], *arguments: Any) -> int:
        """Write actions by a rule of exploration; return OK or the number of the first bad sample."""
        bad: int = self.act_rules[rule](q, *arguments)
        return bad

    def update(self, q: NDArray[np.float32], *arguments: Any) -> int:
        """Learn from a step of the batch; return OK or the number of the first bad sample."""
        bad: int = update_q(q, *arguments)
        return bad

    def refuse(self, index: int, num_agents: int, step: int, **arrays: Any) -> NoReturn:
        """Raise ValueError for the sample of a step at flat `index` of the [E, A] arrays, showing its values."""
        refuse_sample(index, num_agents, self.num_observations, self.num_actions, step, **arrays)
