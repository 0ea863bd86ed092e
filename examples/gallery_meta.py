"""Pictures of learning to learn, for docs/learning.md: a sine from ten points, and a floor never seen.

python -m examples.gallery_meta [--out docs/images] [--seeds 4]     needs the extra `deep`; 2.5 CPU-minutes

The sine: eight steps of descent from random weights and from Reptile's. The floor: the experiment of
`benchmarks.deep.floors`, with its settings, the seeds from 1 on.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch

from agents.deep.reptile import Reptile, Sines, sine_network
from benchmarks.deep import families, floors
from examples.gallery_learning import STYLE

matplotlib.use("agg")
from matplotlib import pyplot as plt

STEPS, POINTS, NEW = 8, 10, 2  # of descent; that are known of a sine; the seed of the one drawn
PLACE = "RWARE's tiny"
COLOURS = {"meta-learned": "#2b6cb0", "joint": "#d9822b", "scratch": "#8a8f98"}
NAMES = {"meta-learned": "Reptile's start", "joint": "trained on all at once", "scratch": "new network"}


def sine(axis: Any, title: str, learner: Reptile) -> None:
    """Draw how `learner` fits a new sine."""
    family = Sines(1, torch.Generator().manual_seed(NEW))
    x, y = family.sample(POINTS)
    everywhere = torch.linspace(-5.0, 5.0, 101)
    weights = learner.weights(1)
    curves = [_fit(learner, weights, everywhere)]
    for _ in range(STEPS):
        weights = learner.adapt(weights, x, y)
    curves.append(_fit(learner, weights, everywhere))
    axis.plot(everywhere, family.at(everywhere)[0, :, 0], color="black", lw=1, label="the sine")
    axis.plot(x[0, :, 0], y[0, :, 0], "o", color="black", ms=4, label="what is known")
    axis.plot(everywhere, curves[0], "--", color=COLOURS["joint"], label="start")
    axis.plot(everywhere, curves[1], color=COLOURS["meta-learned"], label=f"after {STEPS} steps")
    axis.set_title(title, fontsize=10)


def _fit(learner: Reptile, weights: Any, x: torch.Tensor) -> Any:
    """Return what the network with these weights says at x [B]."""
    with torch.no_grad():
        return torch.func.functional_call(learner.network, {n: w[0] for n, w in weights.items()}, (x[:, None],))[:, 0]


def sines() -> tuple[Reptile, Reptile]:
    """Return a random start and Reptile's."""
    random = Reptile(sine_network(0), outer_rate=1.0)
    ready, generator = copy.deepcopy(random.network), torch.Generator().manual_seed(1000)

    def draw(tasks: int) -> Any:
        family = Sines(tasks, generator)
        return lambda: family.sample(POINTS)

    learned = Reptile(ready, outer_rate=1.0)
    learned.train(draw, 400, tasks=10)
    return random, learned


def floor(axis: Any, seeds: range) -> None:
    """Draw deliveries on the new floor while it is learned, mean and range of the seeds."""
    family = floors.FAMILY
    for kind in families.STARTS:
        histories = [families.course(family, PLACE, families.made_ready(family, kind, seed), seed) for seed in seeds]
        found = np.array([families.scores(family, history) for history in histories])
        steps = [one.steps for one in histories[0].evaluations]
        axis.plot(steps, found.mean(0), color=COLOURS[kind], marker="o", ms=4, label=NAMES[kind])
        axis.fill_between(steps, found.min(0), found.max(0), color=COLOURS[kind], alpha=0.15, lw=0)
    axis.axhline(floors.planned(PLACE), color="black", lw=1, ls=":", label="PIBT, a planner")
    axis.set_title(f"{PLACE} floor, seen for the first time", fontsize=10)
    axis.set_xlabel("agent-steps there")
    axis.set_ylabel("deliveries in 200 steps")
    axis.set_ylim(0)
    axis.legend(fontsize=8, loc="lower right")


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--seeds", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), width_ratios=(1, 1, 1.3), layout="constrained")
        for axis, title, learner in zip(axes, ("random start", "Reptile's start"), sines(), strict=False):
            sine(axis, title, learner)
            axis.set_ylim(-6, 6)
        axes[0].legend(fontsize=8, loc="upper right")
        floor(axes[2], range(1, 1 + given.seeds))
        figure.savefig(given.out / "learning-meta.png", dpi=110)
        plt.close(figure)


if __name__ == "__main__":
    main()
