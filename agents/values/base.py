"""What value learners on tables share beyond Q-learning: the step as one NamedTuple, and their own behaviour."""

from __future__ import annotations

from typing import Any, ClassVar

from agents.tabular.qlearning import TabularQLearning
from agents.values.kernels import GREEDY_MIXED, SOFTMAX, Step, make_step
from marl_envs.core.params import ParameterError

_BEHAVIOURS = {"epsilon_greedy": GREEDY_MIXED, "optimistic": GREEDY_MIXED, "boltzmann": SOFTMAX}


class ValueLearner(TabularQLearning):
    """A learner on tables that sees whole steps. Constructor, masks and checkpoints are those of Q-learning.

    It learns from each agent's own reward or, in an environment built with `reward="team"`, from the team's.
    """

    needs_team_reward = None
    needs_policy: ClassVar[bool] = False
    """Whether targets depend on the probabilities of the behaviour, which UCB1 does not have."""

    def __init__(self, vec: Any, **settings: Any) -> None:
        """Make a learner for `vec`; the settings are those of `TabularQLearning`.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        super().__init__(vec, **settings)
        rule = self.exploration.rule
        if self.needs_policy and rule not in _BEHAVIOURS:
            raise ParameterError(
                f"{type(self).__name__} needs exploration of known probabilities ({', '.join(_BEHAVIOURS)}), not {rule}"
            )

    @property
    def behaviour(self) -> tuple[int, float]:
        """What the learner does at this point of the training, for kernels: kind and strength."""
        return _BEHAVIOURS[self.exploration.rule], self.exploration.strength(self.progress)

    def _learn(self, alpha: float, *batch: Any) -> int:
        return self._improve(alpha, make_step(*batch))

    def _improve(self, alpha: float, step: Step) -> int:
        """Learn from a step; return OK or the flat index of the first bad sample, with nothing learned."""
        raise NotImplementedError
