"""A trained network for use elsewhere, as TorchScript: no Python of ours is needed to play it, C++ will do."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agents.deep.base import NetworkLearner


class Player(nn.Module):
    """From what was seen, remembered and allowed to actions and what to remember."""

    def __init__(self, team: Any) -> None:
        super().__init__()
        self.team = team

    def forward(self, obs: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return actions int64 [E, A] and memory [E, A, S].

        Args:
            obs: [E, A, ...].
            memory: float32 [E, A, S], what the last call returned; zeros where an episode begins.
            mask: int8 [E, A, N], nonzero: allowed.
        """
        begins = torch.zeros_like(mask[:, None, :, 0], dtype=torch.bool)
        values, after = self.team(obs[:, None], memory, begins)
        return values[:, 0].masked_fill(mask == 0, -torch.inf).argmax(-1), after[:, 0]


def export(learner: NetworkLearner, path: str | Path) -> None:
    """Write the greedy policy of `learner` to `path` (usually .pt), as the function that `Player.forward` describes.

    Any number of environments E can be played with it, on the CPU or, after `.cuda()`, there.
    """
    sizes, device = learner.sizes, learner.device
    obs = torch.from_numpy(np.zeros((2, sizes.num_agents, *sizes.obs_shape), sizes.dtype))
    memory = torch.zeros((2, sizes.num_agents, learner.team.memory_size))
    mask = torch.ones((2, sizes.num_agents, sizes.num_actions), dtype=torch.int8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of sizes that are the same in every call
        traced = torch.jit.trace(Player(learner.team), (obs.to(device), memory.to(device), mask.to(device)))
        torch.jit.save(traced, str(path))
