"""Deep Q-networks: each agent learns r + gamma max Q(s', .) as if it were alone.

Mnih et al., "Human-level control through deep reinforcement learning", 2015; with a GRU the DRQN of Hausknecht and
Stone (2015), with the stored memory and burn-in of Kapturowski et al. (R2D2, 2019). Options: double Q, dueling heads,
n steps, prioritised replay (`Settings`).
"""

from __future__ import annotations

from torch import Tensor

from agents.deep.base import NetworkLearner
from agents.deep.batch import Batch
from agents.deep.targets import n_step_returns


class _DQN(NetworkLearner):
    """What both learners share."""

    def _errors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        chosen = self.chosen
        values, memories = self._values(batch)
        returns = n_step_returns(batch.reward, batch.over, batch.terminated, chosen.gamma, chosen.n_steps)
        after = self._values_after(batch, memories, returns.last)
        errors = returns.reward + returns.discount * after - values
        return errors, batch.alive[:, : chosen.sequence].float()


class IndependentDQN(_DQN):
    """Each agent learns from its own reward; refuses an environment built with `reward="team"`."""

    needs_team_reward = False


class SharedRewardDQN(_DQN):
    """All agents learn from the team's reward; refuses an environment that was not built with `reward="team"`."""

    needs_team_reward = True
