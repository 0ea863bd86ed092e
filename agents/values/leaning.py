"""SARSA(lambda) that leans on a rule: it does something else only where its own estimates promise clearly more.

Values are learned as by `SarsaLambda`. Where the best action is sought, that which a rule would take in the state
counts `lean` more than its value. So the learner begins as the rule, tries something else now and then, and leaves it
where the difference of its values outweighs `lean`. That is a soft form of the idea of safe policy improvement with
baseline bootstrapping (Laroche, Trichelair and Tachet des Combes 2019): do as the baseline does where one knows too
little to be better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.linear.sarsa_lambda import SarsaLambda
from agents.tabular.policy import GreedyTable
from marl_envs.core.params import ParameterError, check_float


class LeaningSarsaLambda(SarsaLambda):
    """SARSA(lambda) on a table, with a preference for what a rule does. Steps must come one after the other.

    Where an episode is cut off, the last target is that of `SarsaLambda`, which does not lean.
    """

    def __init__(self, vec: Any, *, preferred: Sequence[int], lean: float, **settings: Any) -> None:
        """Make a learner for `vec`; the other settings are those of `SarsaLambda`.

        Args:
            vec: VectorEnv with Discrete observations.
            preferred: the rule's action in each state, [S].
            lean: how much more its value counts [reward], at least 0; with 0 this is `SarsaLambda`.
            settings: of `SarsaLambda`.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self.lean = check_float("lean", lean, 0.0, 1e30)
        self.preferred = tuple(preferred)
        super().__init__(vec, **settings)
        states, actions = self.q.shape[1:]
        if len(self.preferred) != states:
            raise ParameterError(f"preferred must have an action for each of {states} states, not {len(preferred)}")
        for s, action in enumerate(self.preferred):
            if type(action) is not int or not 0 <= action < actions:
                raise ParameterError(f"preferred[{s}] must be an action from 0 to {actions - 1}, not {action!r}")
        self._leaning = np.zeros((states, actions), np.float32)
        self._leaning[np.arange(states), self.preferred] = self.lean

    @property
    def choosing(self) -> NDArray[np.float32]:
        """What actions are chosen by: the table, and `lean` for the rule's actions."""
        values: NDArray[np.float32] = self.q + self._leaning
        return values

    def greedy(self) -> GreedyTable:
        """Return the greedy policy over what is known now; unlike other learners', it does not go on learning."""
        return GreedyTable(self.choosing, self._reader)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "preferred": list(self.preferred), "lean": self.lean}
