"""Replay: the last steps of every environment, from which windows of consecutive steps are drawn.

A step holds what `NetworkLearner` puts in: observations before and after it, actions, rewards, ends, masks, memories.
Windows are drawn all alike, or in proportion to priority ** alpha (Schaul et al., "Prioritized experience replay",
2016), corrected by weights (1 / (places * probability)) ** beta, the largest of a batch being 1.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.checkpoint import Arrays
from agents.deep.sum_tree import SumTree
from marl_envs.core.params import ParameterError

Fields = dict[str, tuple[tuple[int, ...], type]]  # shape and type of one environment's part of a step
FLOOR = 1e-6  # of priorities: nothing is forgotten altogether


class Drawn(NamedTuple):
    """A batch of B windows of W steps."""

    steps: Arrays  # each [B, W, ...]
    places: NDArray[np.int64]  # [B], for `prioritise`
    weights: NDArray[np.float32]  # [B]


class Replay:
    """A ring of the last steps.

    Attributes:
        ring: the steps, each array [slots, E, ...].
        count: int64 [1], steps of the batch stored so far.
        tree: priority ** alpha of windows by where they begin, if they are prioritised.
        highest: float64 [1], the highest priority so far, which new windows get.
    """

    def __init__(
        self, fields: Fields, num_envs: int, capacity: int, window: int, alpha: float = 0.0, beta: float = 0.4
    ) -> None:
        """Allocate it.

        Args:
            fields: what a step consists of.
            num_envs: environments, E.
            capacity: steps of single environments; the ring has capacity / E slots.
            window: steps of a window, W.
            alpha: how much priorities count; 0: windows are drawn all alike.
            beta: how much of that the weights correct.

        Raises:
            ParameterError: fewer slots than a window needs, or more bytes than the machine's memory.
        """
        self.slots, self.window, self.num_envs = capacity // num_envs, window, num_envs
        if self.slots < window:
            raise ParameterError(
                f"replay must hold at least {window * num_envs} steps (windows of {window} in {num_envs} "
                f"environments), not {capacity}"
            )
        refuse_too_large(fields, self.slots * num_envs)
        self.ring: Arrays = {
            name: np.zeros((self.slots, num_envs, *shape), dtype) for name, (shape, dtype) in fields.items()
        }
        self.alpha, self.beta = alpha, beta
        self.count = np.zeros(1, np.int64)
        self.tree = SumTree(self.slots * num_envs) if alpha > 0.0 else None
        self.highest = np.ones(1)

    def __len__(self) -> int:
        """Return how many windows can be drawn."""
        return max(min(int(self.count[0]), self.slots) - self.window + 1, 0) * self.num_envs

    def clear(self) -> None:
        """Forget everything."""
        self.count[0] = 0
        self.highest[0] = 1.0
        if self.tree is not None:
            self.tree.nodes[:] = 0.0

    def add(self, **step: NDArray[np.generic]) -> None:
        """Store a step of the batch, arrays [E, ...]; the oldest makes room."""
        slot = int(self.count[0]) % self.slots
        for name, ring in self.ring.items():
            ring[slot] = step[name]
        self.count += 1
        if self.tree is None:
            return
        envs = np.arange(self.num_envs)
        self.tree[slot * self.num_envs + envs] = 0.0  # a window from here is not whole yet
        if self.count[0] >= self.window:
            first = (int(self.count[0]) - self.window) % self.slots
            self.tree[first * self.num_envs + envs] = float(self.highest[0]) ** self.alpha

    def draw(self, batch: int, rng: np.random.Generator) -> Drawn:
        """Return `batch` windows; there must be some."""
        if self.tree is None:
            oldest = max(int(self.count[0]) - self.slots, 0)
            places = (rng.integers(len(self), size=batch) + oldest * self.num_envs) % (self.slots * self.num_envs)
            weights = np.ones(batch, np.float32)
        else:
            part = self.tree.total / batch  # one from each part, so that a batch is varied
            places = self.tree.find((np.arange(batch) + rng.random(batch)) * part)
            chances = self.tree[places] / self.tree.total
            weights = ((len(self) * chances) ** -self.beta).astype(np.float32)
            weights /= weights.max()
        first, env = np.divmod(places, self.num_envs)
        slots = (first[:, None] + np.arange(self.window)) % self.slots
        steps = {name: ring[slots, env[:, None]] for name, ring in self.ring.items()}
        return Drawn(steps, places, weights)

    def prioritise(self, places: NDArray[np.int64], errors: NDArray[np.floating]) -> None:
        """Set the priorities of drawn windows to the sizes of their errors, [B]."""
        if self.tree is not None:
            priority = np.abs(errors).astype(np.float64) + FLOOR
            self.tree[places] = priority**self.alpha
            self.highest[0] = max(float(self.highest[0]), float(priority.max()))

    def arrays(self) -> Arrays:
        """Return all that is remembered, the live arrays."""
        tree = {} if self.tree is None else {"replay.tree": self.tree.nodes, "replay.highest": self.highest}
        return {f"replay.{name}": ring for name, ring in self.ring.items()} | {"replay.count": self.count} | tree


def refuse_too_large(fields: Fields, steps: int) -> None:
    """Raise ParameterError if so many steps take more bytes than the machine's memory has."""
    step = sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in fields.values())
    memory = machine_memory()
    if memory is not None and step * steps > memory:
        raise ParameterError(
            f"replay of {steps} steps takes {step * steps:,} bytes ({step:,} a step), but this machine has "
            f"{memory:,}: at most {memory // step} steps"
        )


def machine_memory() -> int | None:
    """Return the bytes of the machine's memory, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
