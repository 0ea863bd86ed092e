"""QMIX: the team's value is a monotone function of the agents' values, with weights that depend on the global state.

Qtot = w2(s) . elu(W1(s) q + b1(s)) + b2(s) with W1, w2 >= 0, all given by networks of the state (hypernetworks). Since
Qtot never falls when a Q_i rises, the best joint action is still each agent's own best, and more payoffs can be
represented than by a sum.
Rashid et al., "QMIX: Monotonic value function factorisation for deep multi-agent reinforcement learning", 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from agents.checkpoint import Arrays
from agents.deep.batch import Batch
from agents.deep.replay import Fields
from agents.deep.targets import at_steps
from agents.deep.vdn import DeepVDN
from marl_envs.core.params import check_int


class Mixer(nn.Module):
    """Mixes the values of A agents by a state of D numbers."""

    def __init__(self, agents: int, state: int, embed: int, hidden: int) -> None:
        super().__init__()
        self.agents, self.embed = agents, embed

        def network(outputs: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(state, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

        self.first, self.second = network(agents * embed), network(embed)
        self.first_bias, self.second_bias = nn.Linear(state, embed), network(1)

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """Return Qtot [..., 1] of values [..., A] in states [..., D]."""
        weights = self.first(state).abs().unflatten(-1, (self.agents, self.embed))
        hidden = functional.elu((values[..., None] * weights).sum(-2) + self.first_bias(state))
        return (hidden * self.second(state).abs()).sum(-1, keepdim=True) + self.second_bias(state)


class QMIX(DeepVDN):
    """Learns a monotone mixture of the agents' values on the environment's `state()`; see `DeepVDN` for the reward.

    After the last step of an episode the environment already shows the next one's state. Where that episode was cut
    off by a time limit, the last `n_steps` steps therefore lack the state to go on from, and are not learned from.
    """

    wants = ("state",)

    def __init__(self, vec: Any, *, embed: int = 32, hypernet: int = 64, **settings: Any) -> None:
        """Make a learner.

        Args:
            vec: has `state()`.
            embed: units that are mixed.
            hypernet: hidden units of the networks that give the weights.
            settings: see `Settings`.

        Raises:
            ParameterError: as `NetworkLearner`.
        """
        self.embed, self.hypernet = check_int("embed", embed, 1), check_int("hypernet", hypernet, 1)
        self.state_size = int(vec.state_space.shape[0])
        super().__init__(vec, **settings)
        self.last_state = np.zeros((self.num_envs, self.state_size), np.float32)  # before the next step
        self.state_known = np.zeros(self.num_envs, np.bool_)

    def _make_mixer(self) -> dict[str, nn.Module]:
        return {"mixer": Mixer(self.num_agents, self.state_size, self.embed, self.hypernet)}

    def _fields(self) -> Fields:
        state: Fields = dict.fromkeys(("state", "state_after"), ((self.state_size,), np.float32))
        return {**super()._fields(), **state, "known": ((), np.bool_)}

    def begin(self, total_steps: int) -> None:
        """Plan a training; the state is not known until after its first step."""
        super().begin(total_steps)
        self.state_known[:] = False

    def _remember(self, step: dict[str, Any], named: dict[str, Any]) -> None:
        state: NDArray[np.float32] = named.pop("state")
        step |= {"state": self.last_state, "state_after": state, "known": self.state_known}
        super()._remember(step, named)
        self.last_state[:], self.state_known[:] = state, True

    def _mix(self, networks: nn.ModuleDict, values: Tensor, present: Tensor, state: Tensor | None) -> Tensor:
        mixed: Tensor = networks["mixer"](values * present, state)
        return mixed

    def _state(self, batch: Batch, name: str, last: Tensor | None) -> Tensor | None:
        state = batch.extra[name]
        if last is None:
            return state[:, : self.chosen.sequence]
        return at_steps(state[:, :, None].contiguous(), last[..., :1])[:, :, 0]

    def _known(self, batch: Batch, last: Tensor) -> Tensor:
        cut_off = batch.ended & ~(batch.terminated | ~batch.alive).all(-1, keepdim=True)
        begin: Tensor = batch.extra["known"][:, : self.chosen.sequence, None]
        return begin & ~at_steps(cut_off, last)

    def course(self) -> Arrays:
        """Return what else decides how the training goes on."""
        return {**super().course(), "last_state": self.last_state, "state_known": self.state_known}

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "embed": self.embed, "hypernet": self.hypernet}
