"""A batch of windows as tensors: B windows, K steps (those to learn from and to look ahead), A agents."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.checkpoint import Arrays


def refuse_infinite(step: int, name: str, array: NDArray[Any]) -> None:
    """Raise ValueError, naming the first one that is not, unless all numbers of an array are finite."""
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"step {step}: {name} must be finite numbers, but {name}{list(at)} is {array[at]}")


class Batch(NamedTuple):
    """What was seen, done and paid."""

    obs: Tensor  # [B, K, A, ...]
    action: Tensor  # int64 [B, K, A]
    reward: Tensor  # [B, K, A]
    after: Tensor  # observations after each step, the final ones where an episode ended; [B, K, A, ...]
    mask: Tensor | None  # what is allowed there, [B, K, A, N]
    over: Tensor  # bool [B, K, A], the agent's episode ended with the step
    ended: Tensor  # bool [B, K, 1], that of all
    terminated: Tensor  # bool [B, K, A]
    alive: Tensor  # bool [B, K, A], had not finished before
    fresh: Tensor  # bool [B, K, A], an episode begins
    memory: Tensor  # [B, A, S], stored before the first step of the burn-in
    before: tuple[Tensor, Tensor] | None  # obs and fresh of the burn-in, [B, burn-in, A, ...]
    extra: dict[str, Tensor]  # what else the learner stores, [B, K, ...]

    @classmethod
    def of(cls, steps: Arrays, burn_in: int, memory_size: int, device: torch.device) -> Batch:
        """Return the batch of drawn steps, arrays [B, burn-in + K, ...]."""
        found = {name: torch.from_numpy(np.ascontiguousarray(array)).to(device) for name, array in steps.items()}
        ended, obs = found.pop("ended")[..., None], found.pop("obs")
        alive, terminated = found.pop("alive"), found.pop("terminated")
        fresh = torch.zeros_like(alive)
        fresh[:, 1:] = ended[:, :-1] | ~alive[:, :-1]
        stored = found.pop("memory", None)
        memory = alive.new_zeros((*obs.shape[0:1], obs.shape[2], 0), dtype=torch.float32)
        rest = {name: array[:, burn_in:] for name, array in found.items()}
        return cls(
            obs=obs[:, burn_in:],
            action=rest.pop("action"),
            reward=rest.pop("reward"),
            after=rest.pop("after"),
            mask=rest.pop("mask", None),
            over=(ended | terminated)[:, burn_in:],
            ended=ended[:, burn_in:],
            terminated=terminated[:, burn_in:],
            alive=alive[:, burn_in:],
            fresh=fresh[:, burn_in:],
            memory=memory if stored is None else stored[:, 0],
            before=(obs[:, :burn_in], fresh[:, :burn_in]) if burn_in and memory_size else None,
            extra=rest,
        )

    def first(self, steps: int | None) -> Batch:
        """Return the batch with only the observations of its first steps."""
        return self._replace(obs=self.obs[:, :steps], fresh=self.fresh[:, :steps])

    @torch.no_grad()
    def warmed(self, team: Any) -> Tensor:
        """Return the memory [B, A, S] with which `team` begins: the stored one, made fresh by the burn-in."""
        if self.before is None:
            return self.memory
        _, memories = team(self.before[0], self.memory, self.before[1])
        warmed: Tensor = memories[:, -1]
        return warmed
