"""Selfish, altruistic and team rewards of cars at a junction: draws docs/images/intersection-altruism.png.

    python -m examples.social_dilemma [--out docs/images/intersection-altruism.png] [--seeds 5]

A flow of cars learns what is best for each, for its neighbours at the junction, for a mixture, or for all together. A
crash costs the two cars in it a number, and everybody else the time until the wrecks are gone, of which only others'
rewards tell. Everything is measured greedily, in episodes that training never saw; intervals are over seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

from agents import IndependentQLearning, SharedRewardQLearning, evaluate, train
from benchmarks.statistics import Estimate, t_interval
from examples.gallery_learning import STYLE
from marl_envs import intersection_v0

matplotlib.use("agg")
from matplotlib import pyplot as plt

TASK: dict[str, Any] = {
    "layout": "cross",
    "observation": "tabular",
    "mask_unsafe": True,
    "arrivals": "flow",
    "num_vehicles": 8,
    "max_cycles": 300,
    "clear_time": 30.0,
}
ALTRUISM = (0.0, 0.5, 1.0)
COLLISION = {10.0: "a crash costs 10 (100 s of delay)", 1.0: "a crash costs 1 (10 s of delay)"}
SHOWN = {
    "delay": "mean delay [s]",
    "collisions_per_1000": "collisions per 1000 vehicles",
    "delay_p95": "delay that 95 % do not exceed [s]",
}
TRAINED, EVALUATED = 64, 128  # environments
TEAM = 1.5  # where the team's reward stands on the axis

Measured = dict[str, float]


def learn(altruism: float | None, collision: float, flow: float, steps: int, seed: int) -> Measured:
    """Return the metrics of what one training led to, means over episodes; `altruism` None: the team's reward."""
    shared: dict[str, Any] = {"reward": "team"} if altruism is None else {"reward": "neighbours", "altruism": altruism}
    params = {**TASK, "flow": flow, "reward_weights": {"delay": 0.1, "collision": collision}, **shared}
    vec = intersection_v0.vector_env(TRAINED, **params)
    learner = (SharedRewardQLearning if altruism is None else IndependentQLearning)(vec, seed=seed)
    train(learner, vec, steps, seed=seed, progress=False)
    played = evaluate(learner, intersection_v0.vector_env(EVALUATED, **params), 2 * EVALUATED, seed + 1000)
    return {name: sum(one[name] for one in played) / len(played) for name in SHOWN}


def measure(flow: float, steps: int, seeds: int) -> dict[tuple[float, float | None], dict[str, Estimate]]:
    """Return (cost of a crash, altruism or None) -> metric -> estimate over seeds, and print them."""
    found = {}
    for collision in COLLISION:
        for altruism in (*ALTRUISM, None):
            runs = [learn(altruism, collision, flow, steps, seed) for seed in range(seeds)]
            estimates = {name: t_interval([run[name] for run in runs]) for name in SHOWN}
            found[collision, altruism] = estimates
            values = ", ".join(f"{name} {e.mean:.3g} ± {e.margin:.2g}" for name, e in estimates.items())
            print(f"crash {collision:g}, altruism {'team' if altruism is None else altruism}: {values}", flush=True)
    return found


def draw(found: dict[tuple[float, float | None], dict[str, Estimate]], figure: Any) -> None:
    """Draw a panel for each metric, against altruism; the team's reward apart on the right."""
    panels = figure.subplots(1, len(SHOWN))
    for axes, (name, title) in zip(panels, SHOWN.items(), strict=True):
        for color, (collision, label) in zip(("#2b6cb0", "#d9822b"), COLLISION.items(), strict=True):
            line = [found[collision, altruism][name] for altruism in ALTRUISM]
            low, high = ([max(0.0, e[i]) for e in line] for i in (1, 2))
            axes.fill_between(ALTRUISM, low, high, color=color, alpha=0.15, linewidth=0)
            axes.plot(ALTRUISM, [e.mean for e in line], color=color, marker="o", markersize=4, label=label)
            team = found[collision, None][name]
            below = team.mean - max(0.0, team.low)
            axes.errorbar(TEAM, team.mean, [[below], [team.high - team.mean]], color=color, marker="s", capsize=3)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel("altruism")
        axes.set_xticks([*ALTRUISM, TEAM], ["0", ".5", "1", "team"])
        axes.set_ylim(bottom=0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, fontsize=9)


def main() -> None:
    """Train, measure and draw."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.social_dilemma", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/images/intersection-altruism.png"))
    parser.add_argument("--flow", type=float, default=900.0, help="vehicles an hour")
    parser.add_argument("--steps", type=int, default=2_000_000, help="agent-steps of each training")
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    found = measure(chosen.flow, chosen.steps, chosen.seeds)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(10.5, 3.5), layout="constrained")
        draw(found, figure)
        figure.savefig(chosen.out, dpi=110)


if __name__ == "__main__":
    main()
