"""A body that adds up what it saw: leaky sums of each input, and layers that read them.

A diagonal linear recurrence, h_t = a h_(t-1) + b x_t, with decays a that are learned and begin near 1: a multiplication
and a sum for each step of a sequence, all layers are after it and see all steps at once, and what was seen a hundred
steps ago still has a gradient. Orvieto et al., "Resurrecting recurrent neural networks for long sequences", 2023 (there
of mixed inputs, with complex decays); here each input is summed by itself, so that counts need not be disentangled
first. Sums grow, so layers see sign(h) ln(1 + |h|) (Hafner et al., "Mastering diverse domains through world models",
2023), in which ratios of counts are differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from marl_envs.core.params import ParameterError, check_float, check_int


@dataclass(frozen=True)
class Traces:
    """Leaky sums of each of the D inputs, one for each of `lengths`, and `hidden` units over them: S = D lengths."""

    hidden: int = 64
    lengths: tuple[float, ...] = (1000.0,)
    """Steps after which 1/e of an input is left, at first."""
    name: ClassVar[str] = "traces"

    def __post_init__(self) -> None:
        """Check the sizes."""
        check_int("hidden", self.hidden, 1)
        if not isinstance(self.lengths, (list, tuple)):
            raise ParameterError(f"lengths must be several numbers, such as (10.0, 1000.0), not {self.lengths!r}")
        object.__setattr__(self, "lengths", tuple(check_float("lengths", one, 0.1, 1e6) for one in self.lengths))
        if not self.lengths:
            raise ParameterError("lengths must have at least one length")

    def build(self, inputs: int) -> nn.Module:
        """Return the body for inputs of D = `inputs` numbers."""
        return Summing(inputs, self.hidden, self.lengths)


class Summing(nn.Module):
    """The body of a `Traces`. Features are the sums, squashed, and the hidden units, so that heads see both."""

    def __init__(self, inputs: int, hidden: int, lengths: tuple[float, ...]) -> None:
        super().__init__()
        self.memory_size = inputs * len(lengths)
        self.features = self.memory_size + hidden
        self.gain = nn.Parameter(torch.ones(self.memory_size))  # how much of an input is added
        self.pace = nn.Parameter(-torch.tensor(lengths).log()[:, None].repeat(1, inputs))  # ln(-ln a)
        self.think = nn.Linear(self.memory_size, hidden)

    def forward(self, inputs: Tensor, memory: Tensor, fresh: Tensor) -> tuple[Tensor, Tensor]:
        """Return features [R, T, H] and the sums [R, T, S] after each step; arguments as of all bodies."""
        given = inputs.repeat(1, 1, self.pace.shape[0]) * self.gain
        kept = torch.exp(-torch.exp(self.pace)).flatten() * ~fresh[..., None]
        sums = unrolled(kept, given, memory)
        squashed = sums.sign() * sums.abs().log1p()
        return torch.cat([squashed, functional.relu(self.think(squashed))], -1), sums


def unrolled(kept: Tensor, given: Tensor, start: Tensor) -> Tensor:
    """Return h_t = kept_t h_(t-1) + given_t for t = 0..T-1, all [R, T, S], with h_(-1) = `start` [R, S].

    Step by step: on a CPU that is many times as fast as a scan of log2(T) rounds, which goes over everything each time.
    """
    total, found = start, []
    for keep, new in zip(kept.unbind(1), given.unbind(1), strict=True):
        total = keep * total + new
        found.append(total)
    return torch.stack(found, 1)
