"""Reptile on sines (Nichol, Achiam and Schulman 2018): how well 32 steps on 10 points fit a new one."""

from __future__ import annotations

from typing import Any

import torch

from agents.deep.reptile import Reptile, Sines, sine_errors, sine_network


def errors(seed: int, rounds: int = 1500, tasks: int = 10, steps: int = 32) -> tuple[float, float]:
    """Return the mean squared errors after `steps` from the meta-learned start and from the first weights."""
    generator = torch.Generator().manual_seed(1000 + seed)

    def draw(number: int) -> Any:
        family = Sines(number, generator)
        return lambda: family.sample(10)

    learner = Reptile(sine_network(seed), inner_rate=0.02, outer_rate=1.0, inner_steps=10)
    scratch = sine_errors(learner, steps, 5000 + seed)[-1]
    learner.train(draw, rounds, tasks)
    return sine_errors(learner, steps, 5000 + seed)[-1], scratch
