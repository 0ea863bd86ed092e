"""Value decomposition with networks: the team's value is a sum, Qtot = sum of Q_i(o_i, b_i).

All learn from the error of the sum. The best joint action is each agent's own best. A team's value that is no such sum
is approximated: on uniformly drawn actions of a matrix game by row mean + column mean - mean.
Sunehag et al., "Value-decomposition networks for cooperative multi-agent learning", 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agents.deep.base import NetworkLearner
from agents.deep.batch import Batch
from agents.deep.targets import at_steps, n_step_returns


class DeepVDN(NetworkLearner):
    """Learns what all agents do together is worth to the team; they act apart.

    The team's reward is the mean over the agents that were alive: of an environment built with `reward="team"`, where
    all are paid alike, and of games with common payoffs, what each was paid.
    """

    def _errors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        chosen, learned = self.chosen, self.chosen.sequence
        values, memories = self._values(batch)
        alive = batch.alive.float()
        reward = (batch.reward * alive).sum(-1, keepdim=True) / alive.sum(-1, keepdim=True).clamp(min=1.0)
        finished = (batch.terminated | ~batch.alive).all(-1, keepdim=True)  # nobody is left
        returns = n_step_returns(reward, batch.ended | finished, finished, chosen.gamma, chosen.n_steps)
        last = returns.last.expand(-1, -1, self.num_agents).contiguous()
        goes_on = at_steps(batch.alive & ~batch.terminated, last).float()  # who has finished adds nothing
        after = self._values_after(batch, memories, last)
        now = self._mix(self.learned, values, alive[:, :learned], self._state(batch, "state", None))
        then = self._mix(self.target, after, goes_on, self._state(batch, "state_after", last))
        counted = batch.alive[:, :learned].any(-1, keepdim=True) & self._known(batch, returns.last)
        return returns.reward + returns.discount * then.detach() - now, counted.float()

    def _mix(self, networks: torch.nn.ModuleDict, values: Tensor, present: Tensor, state: Tensor | None) -> Tensor:
        """Return the team's value [B, L, 1] of the values [B, L, A] of the agents that are `present` (0 or 1)."""
        return (values * present).sum(-1, keepdim=True)

    def _state(self, batch: Batch, name: str, last: Tensor | None) -> Tensor | None:
        """Return what mixing depends on, before the learned steps or after the steps `last`: here nothing."""
        return None

    def _known(self, batch: Batch, last: Tensor) -> Tensor:
        """Return which samples have all that mixing needs, bool [B, L, 1]."""
        return torch.ones_like(last, dtype=torch.bool)
