"""A network used without learning: the greedy policy for evaluations, recordings and play."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


@torch.no_grad()
def play(team: Any, obs: NDArray[Any], memory: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return values [E, A, N] for observations [E, A, ...], and what is remembered after them, [E, A, S]."""
    device = next(team.parameters()).device
    shown = torch.from_numpy(np.ascontiguousarray(obs)).to(device)[:, None]
    begins = torch.zeros((len(obs), 1, obs.shape[1]), dtype=torch.bool, device=device)
    values, after = team(shown, torch.from_numpy(memory).to(device), begins)
    return values[:, 0].cpu().numpy(), after[:, 0].cpu().numpy()


def masked_best(values: NDArray[np.float32], mask: NDArray[np.int8] | None) -> NDArray[np.int64]:
    """Return the allowed actions [...] with the highest values [..., N].

    Raises:
        ValueError: a mask that allows nothing.
    """
    if mask is None:
        return values.argmax(-1)
    if not mask.any(-1).all():
        e, a = np.argwhere(~mask.any(-1))[0]
        raise ValueError(f"environment {e}, agent {a}: every mask must allow an action")
    best: NDArray[np.int64] = np.where(mask != 0, values, -np.inf).argmax(-1)
    return best


def allowed_at_random(
    rng: np.random.Generator, mask: NDArray[np.int8] | None, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return an allowed action for each row of `shape` [..., N], all alike."""
    drawn = rng.random(shape)
    return masked_best(drawn.astype(np.float32), mask)


class GreedyNetwork:
    """Plays the best allowed action; remembers each row's episode if the network has a memory.

    The network is shared, not copied: the policy of a learner that goes on learning changes with it.
    """

    def __init__(self, team: Any) -> None:
        """Use the networks `team`."""
        self._team = team
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget everything. `seed` is not needed: nothing is left to chance."""
        del seed
        self._memory = np.zeros((0, 0, 0), np.float32)
        self._alive: NDArray[np.bool_] | None = None

    def see(self, ended: NDArray[np.bool_], alive: NDArray[np.bool_]) -> None:
        """Take note of which environments' episodes ended with the last step, [E], and who is there now, [E, A].

        Before each `choose`, if the network has a memory; `evaluate` does it, and `act` by itself.
        """
        if self._memory.shape[:2] == alive.shape:
            self._memory[ended] = 0.0
        self._alive = alive

    def act(self, vec: Any, obs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for the last observations of the VectorEnv `vec`, obeying its masks.

        Raises:
            ValueError: as `choose`.
        """
        if self._team.memory_size:
            self.see(vec.out.ended.astype(bool), vec.out.alive.astype(bool))
        return self.choose(obs, vec.action_mask)

    def choose(self, obs: NDArray[Any], mask: NDArray[np.int8] | None) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for observations [E, A, ...] and mask int8 [E, A, N] (None: all allowed).

        Raises:
            ValueError: a mask that allows nothing.
        """
        obs = np.asarray(obs)
        if self._memory.shape[:2] != obs.shape[:2]:
            self._memory = np.zeros((*obs.shape[:2], self._team.memory_size), np.float32)
        values, after = play(self._team, obs, self._memory)
        self._memory = after if self._alive is None else np.where(self._alive[..., None], after, np.float32(0.0))
        return masked_best(values, mask)
