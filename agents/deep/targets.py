"""What networks learn toward, as plain functions of tensors. B windows, K steps of which L are learned, A agents."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Returns(NamedTuple):
    """Rewards of up to n steps, and where the values come from that follow them; all [B, L, A]."""

    reward: Tensor  # r_1 + g r_2 + ... + g^(m-1) r_m, m the steps until the end of the episode, at most n
    discount: Tensor  # g^m, or 0 if the last of them terminated
    last: Tensor  # int64, number of that last step in the window


def n_step_returns(reward: Tensor, over: Tensor, terminated: Tensor, gamma: float, n: int) -> Returns:
    """Add up n rewards from each step on (Sutton 1988), at most until the end.

    Nothing is expected after a termination. A truncation ends the sum, too, but the value of the final observation
    follows it: a time limit says nothing about what would have come.

    Args:
        reward: [B, K, A] with K = L + n - 1.
        over: bool [B, K, A], the agent's episode ended with this step, by termination or truncation.
        terminated: bool [B, K, A], by termination.
        gamma: discount of a step.
        n: at least 1.
    """
    length = reward.shape[1] - n + 1
    before = torch.cat([torch.zeros_like(over[:, :1]), over], 1)  # the step before was the last
    goes_on = (~before.unfold(1, n, 1)[:, :length]).float()  # [B, L, A, n]
    goes_on[..., 0] = 1.0  # what ended before the first step is not of this sum
    goes_on = goes_on.cumprod(-1)
    steps = goes_on.sum(-1)
    powers = gamma ** torch.arange(n, device=reward.device)
    last = torch.arange(length, device=reward.device)[None, :, None] + steps.long() - 1
    total = (reward.unfold(1, n, 1) * goes_on * powers).sum(-1)
    return Returns(total, gamma**steps * ~at_steps(terminated, last), last)


def best(values: Tensor, mask: Tensor | None) -> Tensor:
    """Return the allowed actions of the highest values, [...], of values and mask (nonzero: allowed) [..., N]."""
    if mask is not None:
        values = values.masked_fill(mask == 0, -torch.inf)
    return values.argmax(-1)


def value_of_best(judged: Tensor, choosing: Tensor, mask: Tensor | None) -> Tensor:
    """Return what `judged` [..., N] says of the allowed action that `choosing` likes best.

    With the learning network choosing and the target network judging this is double Q-learning (van Hasselt, Guez and
    Silver 2016); with the target network for both, plain Q-learning.
    """
    return judged.gather(-1, best(choosing, mask)[..., None]).squeeze(-1)


def huber(error: Tensor, delta: float) -> Tensor:
    """Return error ** 2 / 2 up to |error| = delta, and from there on a straight line of slope delta."""
    size = error.abs()
    return torch.where(size <= delta, 0.5 * error**2, delta * (size - 0.5 * delta))


@torch.no_grad()
def follow(target: nn.Module, online: nn.Module, tau: float) -> None:
    """Move the target network by the share `tau` toward the learning one; 1 copies it."""
    for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
        slow.lerp_(fast, tau)


def at_steps(array: Tensor, steps: Tensor) -> Tensor:
    """Return [B, L, A, ...] of an array [B, K, A, ...]: for each sample and agent the `steps` [B, L, A]."""
    batch = torch.arange(array.shape[0], device=array.device)[:, None, None]
    agents = torch.arange(array.shape[2], device=array.device)
    return array[batch, steps, agents]
