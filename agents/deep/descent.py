"""Descent on a loss: first weights, the optimiser and what a checkpoint holds of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from agents.checkpoint import Arrays


class LossError(ArithmeticError):
    """A loss is no finite number: training stops, with the networks as they were before that batch."""


@contextmanager
def first_weights(seed: int) -> Iterator[None]:
    """Draw torch's random numbers from `seed`, and leave its own stream as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def adam(learned: nn.Module) -> torch.optim.Adam:
    """Return the optimiser of `learned`, whose state is there from the start, for checkpoints."""
    optimiser = torch.optim.Adam(learned.parameters(), lr=1e-3)  # the rate of every step is set by `descend`
    for weight in learned.parameters():
        optimiser.state[weight] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }
    return optimiser


def descend(loss: Tensor, learned: nn.Module, optimiser: torch.optim.Adam, rate: float, clip: float) -> None:
    """Move `learned` one step of size `rate` down the gradient of `loss`, of norm at most `clip`."""
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(learned.parameters(), clip)
    optimiser.param_groups[0]["lr"] = rate
    optimiser.step()


def weights_of(module: nn.Module, prefix: str) -> Arrays:
    """Return the weights by their names after `prefix`; on the CPU these are the live arrays."""
    return {f"{prefix}.{name}": weight.detach().cpu().numpy() for name, weight in module.named_parameters()}


@torch.no_grad()
def put_weights(module: nn.Module, prefix: str, arrays: Arrays) -> None:
    """Take over the weights that `weights_of` returned."""
    for name, weight in module.named_parameters():
        weight.copy_(torch.from_numpy(np.ascontiguousarray(arrays[f"{prefix}.{name}"])))


def moments_of(learned: nn.Module, optimiser: torch.optim.Adam) -> Arrays:
    """Return the optimiser's state by the weights' names; on the CPU these are the live arrays."""
    return {
        f"adam.{name}.{part}": value.detach().cpu().numpy()
        for name, weight in learned.named_parameters()
        for part, value in optimiser.state[weight].items()
    }


@torch.no_grad()
def put_moments(learned: nn.Module, optimiser: torch.optim.Adam, arrays: Arrays) -> None:
    """Take over the state that `moments_of` returned."""
    for name, weight in learned.named_parameters():
        for part, value in optimiser.state[weight].items():
            value.copy_(torch.from_numpy(arrays[f"adam.{name}.{part}"]))
