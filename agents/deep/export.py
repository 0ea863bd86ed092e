"""A trained network for use elsewhere, as TorchScript or ONNX: no Python of ours is needed to play it, C++ will do."""

from __future__ import annotations

import copy
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


class Forgetful(nn.Module):
    """A player without a memory, in and out."""

    def __init__(self, player: nn.Module) -> None:
        super().__init__()
        self.player = player

    def forward(self, obs: Tensor, mask: Tensor) -> Tensor:
        """Return actions int64 [E, A]."""
        actions: Tensor = self.player(obs, obs.new_zeros((*mask.shape[:2], 0), dtype=torch.float32), mask)[0]
        return actions


def example(learner: NetworkLearner) -> tuple[Tensor, Tensor, Tensor]:
    """Return arguments of `Player.forward` for two environments of `learner`."""
    sizes = learner.sizes
    obs = torch.from_numpy(np.zeros((2, sizes.num_agents, *sizes.obs_shape), sizes.dtype))
    memory = torch.zeros((2, sizes.num_agents, learner.team.memory_size))
    mask = torch.ones((2, sizes.num_agents, sizes.num_actions), dtype=torch.int8)
    return obs, memory, mask


def export(learner: NetworkLearner, path: str | Path) -> None:
    """Write the greedy policy of `learner` to `path`, as the function that `Player.forward` describes.

    A name that ends in .onnx gives ONNX (extra `onnx`), any other, usually .pt, TorchScript; both for the CPU, wherever
    it was learned. Any number of environments E can be played with it. In ONNX inputs are obs, memory and mask, outputs
    actions and memory_after; without a memory there are neither memory nor memory_after.

    Raises:
        ImportError: .onnx without the extra.
    """
    if Path(path).suffix == ".onnx":
        export_onnx(learner, path)
        return
    player = Player(copy.deepcopy(learner.team).cpu())  # the trace has its device inside
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of sizes that are the same in every call
        traced = torch.jit.trace(player, example(learner))
        torch.jit.save(traced, str(path))


def export_onnx(learner: NetworkLearner, path: str | Path) -> None:
    """Write the policy as ONNX; see `export`."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'ONNX needs the package onnx: install the extra `onnx` (pip install "marl-envs[onnx]")', name="onnx"
        ) from error
    obs, memory, mask = example(learner)
    remembers = memory.shape[-1] > 0
    player: nn.Module = Player(copy.deepcopy(learner.team).cpu())
    given, names = ((obs, memory, mask), ["obs", "memory", "mask"]) if remembers else ((obs, mask), ["obs", "mask"])
    results = ["actions", "memory_after"][: 1 + remembers]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # as above; and there is a newer exporter, which needs further packages
        torch.onnx.export(
            player if remembers else Forgetful(player),
            given,
            str(path),
            input_names=names,
            output_names=results,
            dynamic_axes={name: {0: "environments"} for name in (*names, *results)},
            dynamo=False,
        )
