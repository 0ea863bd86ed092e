"""Learning curves of ready-made options in the warehouse, for docs/learning.md (about seven CPU-minutes).

python -m examples.gallery_options [--out docs/images] [--seeds 5]

Deliveries of greedy play in 500 steps, as a share of PIBT's in the same episodes, over agent-steps of training; the
learned ways took three million before that.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

from agents import (
    EpsilonGreedy,
    IndependentQLearning,
    IntraOptionQLearning,
    Linear,
    OptionsEnv,
    ShelfOptions,
    SMDPQLearning,
    WorkerEnv,
    evaluate,
    train,
)
from examples.gallery_learning import STYLE
from marl_envs import warehouse_v0
from marl_envs.warehouse.pibt import PIBTPolicy
from marl_envs.warehouse.planner import GreedyPolicy

matplotlib.use("agg")
from matplotlib import pyplot as plt

ROBOTS = (2, 4)
MOVE_STEPS, WORKER_STEPS, MANAGER_STEPS = 4_000_000, 3_000_000, 500_000  # [agent-steps]
JUDGE_SEED, EPISODES = 10_000, 32
Curve = tuple[list[int], list[float]]  # agent-steps, deliveries


def floor(robots: int, num_envs: int = 64, **parameters: Any) -> Any:
    """Return a batch of RWARE's tiny floor."""
    return warehouse_v0.vector_env(num_envs=num_envs, layout="tiny", num_robots=robots, **parameters)


def curve(learner: Any, vec: Any, judge: Any, steps: int, seed: int) -> Curve:
    """Train and return mean deliveries at eleven moments."""
    asked = {"eval_every": steps // 10, "eval_env": judge, "eval_episodes": EPISODES, "eval_seed": JUDGE_SEED}
    history = train(learner, vec, steps, seed=seed, progress=False, **asked)
    return [one.steps for one in history.evaluations], [one.mean("deliveries") for one in history.evaluations]


def moves(robots: int, seed: int) -> Curve:
    """Learn single moves by Q-learning; who fetches what is assigned by the environment."""
    shown: dict[str, Any] = {"observation": "tabular", "shaping": 0.5}
    vec = floor(robots, **shown)
    learner = IndependentQLearning(vec, seed=seed)
    return curve(learner, vec, floor(robots, EPISODES, **shown), MOVE_STEPS, seed)


def manager(cls: Any, robots: int, seed: int, worker: NDArray[np.float32] | None = None) -> Curve:
    """Learn which option to follow."""
    vec, judge = (
        OptionsEnv(floor(robots, num_envs), ShelfOptions(floor(robots, 1), worker=worker))
        for num_envs in (64, EPISODES)
    )
    rule = EpsilonGreedy(Linear(0.3, 0.0, until=0.8))
    learner = cls(vec, alpha=Linear(0.1, 0.005), gamma=0.95, exploration=rule, seed=seed)
    return curve(learner, vec, judge, MANAGER_STEPS, seed)


def worker_of(robots: int, seed: int) -> NDArray[np.float32]:
    """Learn the moves below all options at once, from random options."""
    vec = WorkerEnv(OptionsEnv(floor(robots), ShelfOptions(floor(robots, 1))))
    rule = EpsilonGreedy(Linear(0.3, 0.02, until=0.8))
    learner = IndependentQLearning(vec, alpha=Linear(0.3, 0.02), gamma=0.95, exploration=rule, seed=seed)
    train(learner, vec, WORKER_STEPS, seed=seed, progress=False)
    return learner.q


def planned(policy: Any, robots: int) -> float:
    """Return the mean deliveries of a planner, in the episodes that judge learners."""
    played = evaluate(policy, floor(robots, EPISODES), EPISODES, JUDGE_SEED)
    return sum(one["deliveries"] for one in played) / EPISODES


def compare(robots: int, seeds: int) -> dict[str, list[Curve]]:
    """Return the curves of each way to learn, one a seed."""
    found: dict[str, list[Curve]] = {}
    for seed in range(seeds):
        worker = worker_of(robots, seed)
        curves = {
            "single moves": moves(robots, seed),
            "SMDP, planner's ways": manager(SMDPQLearning, robots, seed),
            "intra-option, planner's ways": manager(IntraOptionQLearning, robots, seed),
            "SMDP, learned ways": manager(SMDPQLearning, robots, seed, worker),
            "intra-option, learned ways": manager(IntraOptionQLearning, robots, seed, worker),
        }
        for name, one in curves.items():
            found.setdefault(name, []).append(one)
    return found


STYLES = {
    "single moves": ("#8a8f98", "-"),
    "SMDP, planner's ways": ("#2b6cb0", "-"),
    "intra-option, planner's ways": ("#2b6cb0", ":"),
    "SMDP, learned ways": ("#d9822b", "-"),
    "intra-option, learned ways": ("#d9822b", ":"),
}


def draw(axes: Any, robots: int, seeds: int) -> None:
    """Draw the mean over seeds, and print where each curve ends."""
    best, greedy = (planned(policy, robots) for policy in (PIBTPolicy(), GreedyPolicy(sidestep=0.5)))
    print(f"{robots} robots  greedy planner, the same ways: {100 * greedy / best:.1f} % of PIBT's {best:.1f}")
    for name, curves in compare(robots, seeds).items():
        steps, values = curves[0][0], np.array([one[1] for one in curves]) / best * 100
        color, line = STYLES[name]
        shown = np.maximum(steps, 20_000)  # the first evaluation, before any step, at the left border
        axes.plot(shown, values.mean(axis=0), line, color=color, label=name)
        axes.fill_between(shown, values.min(axis=0), values.max(axis=0), color=color, alpha=0.12, linewidth=0)
        for k in (0, 1, -1):  # before any step options are chosen at random
            at = f"{values[:, k].mean():5.1f} ({values[:, k].min():.1f} to {values[:, k].max():.1f})"
            print(f"{robots} robots  {name:29} after {steps[k]:9,}: {at} % of PIBT's")
    axes.set(xscale="log", xlim=(20_000, MOVE_STEPS), ylim=(0, 103), title=f"{robots} robots", xlabel="agent-steps")


def main() -> None:
    """Train and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the picture")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each kind")
    chosen = parser.parse_args()
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(8.4, 3.8), layout="constrained", facecolor="white")
        axes = figure.subplots(1, len(ROBOTS), sharey=True)
        for one, robots in zip(axes, ROBOTS, strict=True):
            draw(one, robots, chosen.seeds)
        axes[0].set_ylabel("deliveries [% of PIBT]")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
        figure.savefig(chosen.out / "learning-warehouse-options.png", dpi=110)


if __name__ == "__main__":
    main()
