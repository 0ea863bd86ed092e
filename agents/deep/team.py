"""The networks of a team: one for all agents, who are told apart by a number, or one each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn
from torch.nn import functional

from agents.deep.body import Body, Head
from agents.tabular.inputs import count_actions
from marl_envs.core.params import ParameterError


class Sizes:
    """What a network has to know of an environment: one agent's observations (shape, type, numbers D) and N actions."""

    def __init__(self, vec: Any) -> None:
        """Read the spaces of `vec`.

        Raises:
            ParameterError: actions that are not Discrete from 0, or observations that are neither that nor a Box.
        """
        space = vec.observation_space
        self.num_agents, self.num_actions = int(vec.num_agents), count_actions(vec)
        if isinstance(space, Discrete) and space.start == 0:
            self.obs_shape: tuple[int, ...] = ()
            self.dtype, self.numbers, self.one_hot = np.dtype(np.int32), int(space.n), True
        elif isinstance(space, Box) and space.shape:
            self.obs_shape, self.one_hot = tuple(space.shape), False
            self.dtype, self.numbers = np.dtype(space.dtype), int(np.prod(space.shape))
        else:
            raise ParameterError(f"a network needs observations that are Discrete from 0 or a Box, but this is {space}")


class Team(nn.Module):
    """Values of all agents' actions. B samples, T steps, A agents, N actions, S numbers of memory."""

    def __init__(self, sizes: Sizes, body: Body, dueling: bool, share: bool) -> None:
        super().__init__()
        self.one_hot, self.numbers, self.agents = sizes.one_hot, sizes.numbers, sizes.num_agents
        self.obs_axes = len(sizes.obs_shape)
        self.told_apart = share and self.agents > 1
        inputs = self.numbers + (self.agents if self.told_apart else 0)
        nets = [body.build(inputs) for _ in range(1 if share else self.agents)]
        self.bodies = nn.ModuleList(nets)
        self.heads = nn.ModuleList(Head(net.features, sizes.num_actions, dueling) for net in nets)
        self.memory_size = int(nets[0].memory_size)

    def inputs(self, obs: Tensor) -> Tensor:
        """Return observations [B, T, A, ...] as numbers [B, T, A, D], with the agent's number one-hot if shared."""
        if self.one_hot:
            shown = functional.one_hot(obs.long(), self.numbers).float()
        else:
            shown = obs.float().flatten(3) if self.obs_axes > 1 else obs.float()
        if not self.told_apart:
            return shown
        names = torch.eye(self.agents, device=obs.device).expand(*shown.shape[:2], -1, -1)
        return torch.cat([shown, names], -1)

    def forward(self, obs: Tensor, memory: Tensor, fresh: Tensor) -> tuple[Tensor, Tensor]:
        """Return values [B, T, A, N] and memories [B, T, A, S].

        Args:
            obs: observations [B, T, A, ...].
            memory: before the first step [B, A, S].
            fresh: bool [B, T, A], where an episode begins.
        """
        shown = self.inputs(obs)
        parts = len(self.bodies)
        values, memories = [], []
        for p, (body, head) in enumerate(zip(self.bodies, self.heads, strict=True)):
            mine = slice(None) if parts == 1 else slice(p, p + 1)
            rows = (_rows(shown[:, :, mine]), memory[:, mine].flatten(0, 1), _rows(fresh[:, :, mine]))
            features, after = body(*rows)
            shape = (shown.shape[0], self.agents if parts == 1 else 1, shown.shape[1])
            values.append(head(features).unflatten(0, shape[:2]).transpose(1, 2))
            memories.append(after.reshape(*shape, self.memory_size).transpose(1, 2))
        return torch.cat(values, 2), torch.cat(memories, 2)


def _rows(array: Tensor) -> Tensor:
    """Return [B, T, A, ...] as [B * A, T, ...]."""
    return array.transpose(1, 2).flatten(0, 1)
