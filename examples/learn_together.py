"""Cars and signals that learn in one environment: draws docs/images/traffic-both.png.

    python -m examples.learn_together [--out docs/images/traffic-both.png] [--seeds 3]

Four cases at one junction: fixed lights and the engine's drivers; signals that learn among the engine's drivers; cars
that learn under fixed lights; both learn. Learners are independent Q-learners with one table a kind (all cars share
one, all signals another). Everything is measured greedily, in episodes that training never saw; intervals are over
seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

from agents import IndependentQLearning
from benchmarks.statistics import Estimate, t_interval
from examples.gallery_learning import STYLE
from marl_envs import traffic_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.both.policies import Together
from marl_envs.traffic.both.views import KINDS, KindView
from marl_envs.traffic.signals.controllers import FixedTime
from marl_envs.traffic.vehicles.policies import EngineDriver

matplotlib.use("agg")
from matplotlib import pyplot as plt

TASK: dict[str, Any] = {
    "layout": "cross",
    "num_vehicles": 12,
    "observation": "tabular",
    "mask_unsafe": True,
    "signal_actions": "next",  # with two phases, the other one
    "signal_weights": {"vehicles": 0.2},
    "max_cycles": 300,  # whole decisions of the signals
}
CASES = {
    "nobody": (),
    "signals": ("signals",),
    "cars": ("vehicles",),
    "both": ("vehicles", "signals"),
}
SHOWN = {
    "delay": "mean delay [s]",
    "collisions_per_1000": "collisions per 1000 vehicles",
    "red_light_per_1000": "red lights passed per 1000 vehicles",
}
TRAINED, EVALUATED = 64, 128  # environments
GREEN = 15.0  # of the fixed lights [s]

Measured = dict[str, float]


def references() -> tuple[Any, Any]:
    """Return what acts where nobody learns, by kind."""
    return EngineDriver(), FixedTime(GREEN)


class Pupils:
    """One kind of agent that learns: at all decisions, or at every `stride`-th, when it has something to decide."""

    def __init__(self, vec: VectorEnv, kind: str, steps: int, seed: int) -> None:
        """Plan a training of so many steps of the batch."""
        self.view = KindView(vec, kind)
        self.stride = vec.params.every if kind == "signals" else 1
        self.learner = IndependentQLearning(self.view, seed=seed)
        self.learner.begin(steps // self.stride * vec.num_envs * self.view.num_agents)
        self.obs = np.zeros((vec.num_envs, self.view.num_agents), np.int32)
        self.actions = self.obs.astype(np.int64)

    def act(self, step: int, obs: NDArray[Any], mask: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return their actions; between their own decisions any allowed one."""
        own = self.view.masks(mask)
        if step % self.stride:
            return own.argmax(axis=2)
        self.obs = self.view.seen(obs).copy()
        self.actions = self.learner.act(self.obs, own)
        return self.actions

    def update(self, step: int, alive: NDArray[np.bool_], result: tuple[Any, ...]) -> None:
        """Learn from what has come of their last decision, once it is over."""
        if (step + 1) % self.stride:
            return
        view, (obs, reward, terminated, _, info) = self.view, result
        self.learner.update(
            self.obs,
            self.actions,
            reward[:, view.rows],
            view.seen(obs),
            view.seen(info["final_obs"]),
            info["ended"],
            terminated[:, view.rows],
            alive[:, view.rows],
            view.masks(info["action_mask"]),
            view.masks(info["final_action_mask"]),
        )


def train(kinds: tuple[str, ...], params: dict[str, Any], steps: int, seed: int) -> dict[str, Any]:
    """Return a learner for each kind that learns, after `steps` decisions of the batch."""
    vec = traffic_v0.vector_env(TRAINED, **params)
    pupils = [Pupils(vec, kind, steps, seed) for kind in kinds]
    others = Together(*references())
    obs, info = vec.reset(seed=seed)
    for step in range(steps):
        mask, alive = info["action_mask"], info["alive"]
        actions = others.act(vec, obs) if len(kinds) < len(KINDS) else np.zeros((TRAINED, vec.num_agents), np.int64)
        for pupil in pupils:
            actions[:, pupil.view.rows] = pupil.act(step, obs, mask)
        result = vec.step(actions)
        obs, info = result[0], result[-1]
        for pupil in pupils:
            pupil.update(step, alive, result)
    return {kind: pupil.learner for kind, pupil in zip(kinds, pupils, strict=True)}


def measure(learners: dict[str, Any], params: dict[str, Any], seed: int) -> Measured:
    """Return metrics, means over episodes in which nobody explores."""
    vec = traffic_v0.vector_env(EVALUATED, **params)
    played = [
        learners[kind].greedy() if kind in learners else other for kind, other in zip(KINDS, references(), strict=True)
    ]
    together = Together(*played)
    together.reset(seed)
    obs, _ = vec.reset(seed=seed)
    info: dict[str, Any] = {}
    for _ in range(vec.max_cycles):
        obs, *_, info = vec.step(together.act(vec, obs))
    created = info["metrics"]["created"].sum()
    means = {name: float(np.nanmean(info["metrics"][name])) for name in SHOWN}
    for name in ("collisions", "red_light"):
        means[f"{name}_per_1000"] = 1000.0 * float(info["metrics"][name].sum() / created)
    return means


def study(params: dict[str, Any], steps: int, seeds: int) -> dict[str, dict[str, Estimate]]:
    """Return case -> metric -> estimate over seeds, and print them."""
    found = {}
    for case, kinds in CASES.items():
        runs = []
        for seed in range(seeds):
            learners = train(kinds, params, steps, seed) if kinds else {}
            runs.append(measure(learners, params, seed + 1000))
        found[case] = {name: t_interval([run[name] for run in runs]) for name in SHOWN}
        values = ", ".join(f"{name} {e.mean:.3g} ± {e.margin:.2g}" for name, e in found[case].items())
        print(f"{case} learn: {values}", flush=True)
    return found


def draw(found: dict[str, dict[str, Estimate]], figure: Any) -> None:
    """Draw a panel for each metric, a bar for each case."""
    for axes, (name, title) in zip(figure.subplots(1, len(SHOWN)), SHOWN.items(), strict=True):
        estimates = [found[case][name] for case in CASES]
        means = [e.mean for e in estimates]
        below = [e.mean - max(0.0, e.low) for e in estimates]
        above = [e.high - e.mean for e in estimates]
        colors = ["#a0aec0", "#d9822b", "#2b6cb0", "#2f855a"]
        axes.bar(list(CASES), means, yerr=[below, above], color=colors, capsize=3)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylim(bottom=0)
    figure.supxlabel("who learns", fontsize=10)


def main() -> None:
    """Train, measure and draw."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.learn_together", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/images/traffic-both.png"))
    parser.add_argument("--flow", type=float, default=900.0, help="vehicles an hour")
    parser.add_argument("--steps", type=int, default=6000, help="decisions of each training, in 64 environments")
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    found = study({**TASK, "flow": chosen.flow}, chosen.steps, chosen.seeds)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(10.5, 3.2), layout="constrained")
        draw(found, figure)
        figure.savefig(chosen.out, dpi=110)


if __name__ == "__main__":
    main()
