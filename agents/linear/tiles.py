"""Values as sums: an observation is one row of each of K tables, and a value is the sum of K weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np
from gymnasium.spaces import MultiDiscrete
from numpy.typing import NDArray

from agents.linear.kernels import act_boltzmann, act_epsilon_greedy, update_q
from agents.tabular.inputs import count_actions, show_sample
from marl_envs.core.params import ParameterError


class Tiles:
    """K tables one below the other in q [T, R, N]; observations are int32 [E, A, K], see `Lookup` for the methods."""

    act_rules: ClassVar[dict[str, Any]] = {
        "epsilon_greedy": act_epsilon_greedy,
        "boltzmann": act_boltzmann,
        "optimistic": act_epsilon_greedy,
    }

    def __init__(self, sizes: Sequence[int], num_actions: int) -> None:
        """Prepare tables of these numbers of rows."""
        self.sizes = np.array(sizes, np.int64)
        self.first = np.cumsum(self.sizes) - self.sizes
        self.num_actions = num_actions
        self.obs_shape: tuple[int, ...] = (len(self.sizes),)
        self._values = np.zeros((1, 1, num_actions), np.float32)

    @classmethod
    def of(cls, vec: Any) -> Tiles:
        """Return what fits an environment; raise ParameterError if its observations are not K numbers from 0."""
        space = vec.observation_space
        if not isinstance(space, MultiDiscrete) or space.nvec.ndim != 1 or np.any(space.start):
            raise ParameterError(
                f"a sum of tables needs MultiDiscrete observations from 0, but this environment has {space}: "
                'build it with observation="tiles"'
            )
        return cls(space.nvec.tolist(), count_actions(vec))

    @property
    def layout(self) -> list[int]:
        """Rows of each table."""
        rows: list[int] = self.sizes.tolist()
        return rows

    def initial(self, value: float) -> float:
        """Return the weight that makes every value `value`."""
        return value / len(self.sizes)

    def act(self, rule: str, q: NDArray[np.float32], *arguments: Any) -> int:
        """Write actions by a rule of exploration; return OK or the number of the first bad sample."""
        bad: int = self.act_rules[rule](q, self.first, self.sizes, self._values, *arguments)
        return bad

    def update(self, q: NDArray[np.float32], *arguments: Any) -> int:
        """Learn from a step of the batch; return OK or the number of the first bad sample."""
        bad: int = update_q(q, self.first, self.sizes, self._values, *arguments)
        return bad

    def refuse(self, index: int, num_agents: int, step: int, **arrays: Any) -> NoReturn:
        """Raise ValueError for the sample of a step at flat `index` of the [E, A] arrays, showing its values."""
        limits = ", ".join(f"[0, {size})" for size in self.layout)
        raise ValueError(
            f"{show_sample(index, num_agents, step, **arrays)}; observations must be in {limits}, actions in "
            f"[0, {self.num_actions}), rewards finite numbers, and every mask must allow an action"
        )
