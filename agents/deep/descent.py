"""Descent on a loss: the device, first weights, the optimiser and what a checkpoint holds of these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from agents.checkpoint import Arrays
from marl_envs.core.params import ParameterError


class LossError(ArithmeticError):
    """A loss is no finite number: training stops, with the networks as they were before that batch."""


def device_of(name: str | None) -> torch.device:
    """Return the device of this name; None: CUDA if there is one, else the CPU.

    Raises:
        ParameterError: torch knows no such device, or it is not here.
    """
    try:
        found = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros((), device=found)
    except (RuntimeError, AssertionError, TypeError) as error:  # torch says it in many ways
        raise ParameterError(f'device must be "cpu", or another one that is here, not {name!r}: {error}') from error
    return found


@contextmanager
def first_weights(seed: int) -> Iterator[None]:
    """Draw torch's random numbers on the CPU, where first weights are made, from `seed`; leave its stream as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed graphics cards, for good
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


def refuse_unlike(mine: Arrays, theirs: Arrays) -> None:
    """Raise ParameterError unless `theirs` has all arrays of `mine`, in the same shapes."""
    for name, array in mine.items():
        found = theirs.get(name)
        if found is None or found.shape != array.shape:
            what = "is missing" if found is None else f"has the shape {list(found.shape)}"
            raise ParameterError(f"knowledge of another shape: {name} must be {list(array.shape)}, it {what}")


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
