"""Values of options by what they look like: an observation has a row of the table for each option."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import numpy as np
from gymnasium.spaces import MultiDiscrete
from numpy.typing import NDArray

from agents.tabular.inputs import count_actions, refuse_sample
from agents.tabular.lookup import Lookup
from marl_envs.core.params import ParameterError


class Choices:
    """A table q [T, R, K]; observations are int32 [E, A, O], a row for each option, whose kind is the column.

    So options of one kind share what they learn: the value of fetching a near shelf does not depend on which of the
    open requests it is. See `Lookup` for the methods.
    """

    act_rules: ClassVar[dict[str, Any]] = {name: rule for name, rule in Lookup.act_rules.items() if name != "ucb1"}

    def __init__(self, num_rows: int, kinds: NDArray[np.int64]) -> None:
        """Read tables of `num_rows`, for options of these kinds, int64 [O]."""
        self.num_rows, self.kinds = num_rows, kinds
        self.num_actions = len(kinds)
        self.obs_shape: tuple[int, ...] = (len(kinds),)

    @classmethod
    def of(cls, vec: Any) -> Choices:
        """Return what fits an `OptionsEnv`; raise ParameterError if its observations are others."""
        space, options = vec.observation_space, count_actions(vec)
        if not isinstance(space, MultiDiscrete) or space.shape != (options,) or len(set(space.nvec.tolist())) != 1:
            raise ParameterError(
                f"learners on tables need to see what options look like, but this environment shows {space}: "
                'build the OptionsEnv with observation="options"'
            )
        return cls(int(space.nvec[0]), np.asarray(vec.option_kinds, np.int64))

    @property
    def layout(self) -> list[int]:
        """Rows of each table: of the only one."""
        return [self.num_rows]

    def initial(self, value: float) -> float:
        """Return the entry that makes every value `value`."""
        return value

    def act(self, rule: str, q: NDArray[np.float32], obs: NDArray[np.int32], *arguments: Any) -> int:
        """Write choices by a rule of exploration; return OK or the number of the first bad sample."""
        outside = ((obs < 0) | (obs >= self.num_rows)).any(axis=-1).reshape(-1)
        if outside.any():
            return int(outside.argmax())
        batch, tables = obs.shape[:2], q.shape[0]
        agent = np.arange(batch[0] * batch[1]).reshape(batch)
        table = np.zeros(batch, np.int64) if tables == 1 else (agent if tables > batch[1] else agent % batch[1])
        values = q[table[..., None], obs, self.kinds]  # a table of one row for each agent
        nowhere = np.zeros(batch, np.int32)
        bad: int = self.act_rules[rule](values.reshape(-1, 1, len(self.kinds)), nowhere, *arguments)
        return bad

    def refuse(self, index: int, num_agents: int, step: int, **arrays: Any) -> NoReturn:
        """Raise ValueError for the sample of a step at flat `index` of the [E, A] arrays, showing its values."""
        refuse_sample(index, num_agents, self.num_rows, self.num_actions, step, **arrays)
