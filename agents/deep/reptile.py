"""Reptile: first weights from which a few steps of gradient descent learn a new task of a family.

Repeat: draw tasks; from the weights phi take k steps of stochastic gradient descent on each, which ends in W_task; move
phi by the share epsilon toward the mean of the W_task. With k = 1 and epsilon = 1 this is gradient descent on all tasks
at once; with larger k it also finds weights from which gradients of one task help its other data.
Nichol, Achiam and Schulman, "On first-order meta-learning algorithms", 2018.

All tasks of a batch are descended side by side: the weights of T copies of a network are tensors [T, ...].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from agents.deep.descent import LossError, first_weights
from marl_envs.core.params import check_float, check_int

Weights = dict[str, Tensor]
Sample = Callable[[torch.Generator], tuple[Tensor, Tensor]]


class Reptile:
    """A network's weights, made ready for a family of tasks of regression.

    Attributes:
        network: with the weights phi.
    """

    def __init__(
        self, network: nn.Module, *, inner_rate: float = 0.02, outer_rate: float = 0.1, inner_steps: int = 10
    ) -> None:
        """Begin with the weights of `network`.

        Args:
            network: from inputs [B, D] to outputs [B, O]; without parts that draw or count.
            inner_rate: learning rate on a task.
            outer_rate: epsilon, which falls to 0 in a straight line over the training.
            inner_steps: k.

        Raises:
            ParameterError: a value that is not allowed.
        """
        self.network = network
        self.inner_rate = check_float("inner_rate", inner_rate, 1e-12, 1e3)
        self.outer_rate = check_float("outer_rate", outer_rate, 1e-12, 1.0)
        self.inner_steps = check_int("inner_steps", inner_steps, 1)
        self._gradient = vmap(grad(self._loss))  # of each copy, on data of its own

    def _loss(self, weights: Weights, inputs: Tensor, wanted: Tensor) -> Tensor:
        found: Tensor = functional_call(self.network, weights, (inputs,))
        return ((found - wanted) ** 2).mean()

    def weights(self, tasks: int) -> Weights:
        """Return phi, `tasks` times: each [T, ...]."""
        phi = {name: weight.detach() for name, weight in self.network.named_parameters()}
        return {name: weight.expand(tasks, *weight.shape).clone() for name, weight in phi.items()}

    def adapt(self, weights: Weights, inputs: Tensor, wanted: Tensor) -> Weights:
        """Return the weights after one step of descent on inputs [T, B, D] and what is wanted there [T, B, O]."""
        gradient = self._gradient(weights, inputs, wanted)
        return {name: weight - self.inner_rate * gradient[name] for name, weight in weights.items()}

    def error(self, weights: Weights, inputs: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared error of each copy, [T]."""
        with torch.no_grad():
            errors: Tensor = vmap(self._loss)(weights, inputs, wanted)
        return errors

    @torch.no_grad()
    def train(self, draw: Callable[[int], Callable[[], tuple[Tensor, Tensor]]], rounds: int, tasks: int = 1) -> None:
        """Meta-train for `rounds`.

        Args:
            draw: of a number of tasks T gives a function that draws data for them: inputs [T, B, D], wanted [T, B, O].
            rounds: moves of phi.
            tasks: tasks of a round, T.

        Raises:
            LossError: weights that are no finite numbers; phi is as before that round.
        """
        for number in range(rounds):
            sample, moved = draw(tasks), self.weights(tasks)
            for _ in range(self.inner_steps):
                moved = self.adapt(moved, *sample())
            rate = self.outer_rate * (1.0 - number / rounds)
            ends = {name: weight.mean(0) for name, weight in moved.items()}
            if not all(bool(torch.isfinite(weight).all()) for weight in ends.values()):
                raise LossError(f"weights are not finite in round {number}, inner learning rate {self.inner_rate:g}")
            for name, weight in self.network.named_parameters():
                weight.lerp_(ends[name], rate)


class Sines:
    """The family of the paper: amplitude * sin(x + phase), x in [-5, 5], amplitude .1 to 5, phase 0 to 2 pi."""

    def __init__(self, tasks: int, generator: torch.Generator) -> None:
        """Draw `tasks` sines."""
        self.amplitude = 0.1 + 4.9 * torch.rand(tasks, 1, 1, generator=generator)
        self.phase = 2.0 * torch.pi * torch.rand(tasks, 1, 1, generator=generator)
        self._generator = generator

    def at(self, x: Tensor) -> Tensor:
        """Return the values at x [B] or [T, B, 1], as [T, B, 1]."""
        return self.amplitude * torch.sin((x[None, :, None] if x.ndim == 1 else x) + self.phase)

    def sample(self, points: int) -> tuple[Tensor, Tensor]:
        """Return x [T, points, 1], drawn alike from [-5, 5], and the values there."""
        x = 10.0 * torch.rand(len(self.phase), points, 1, generator=self._generator) - 5.0
        return x, self.at(x)


def sine_network(seed: int) -> nn.Module:
    """Return the paper's network, 1-64-64-1 with tanh, with weights drawn from `seed`."""
    with first_weights(seed):
        return nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))


def sine_errors(learner: Reptile, steps: int, seed: int, tasks: int = 200, points: int = 10) -> list[float]:
    """Return the mean error on new sines after 0, 1, ... `steps` steps of descent, all on the same `points` points."""
    family = Sines(tasks, torch.Generator().manual_seed(seed))
    x, y = family.sample(points)
    everywhere = torch.linspace(-5.0, 5.0, 50)
    grid: Any = (everywhere[None, :, None].expand(tasks, -1, -1), family.at(everywhere))
    weights, errors = learner.weights(tasks), []
    for step in range(steps + 1):
        errors.append(float(learner.error(weights, *grid).mean()))
        if step < steps:
            weights = learner.adapt(weights, x, y)
    return errors
