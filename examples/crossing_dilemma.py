"""Careful and aggressive drivers in every mixture: is a crossing a social dilemma?

    python -m examples.crossing_dilemma [--out docs/images/intersection-dilemma.png] [--seeds 5]

After sequential social dilemmas (Leibo et al. 2017): two kinds of drivers learn, each among its own kind, and differ
only in what a crash costs them while they learn. Then all mixtures of the two play, greedily, and all are paid alike:
minus the own delay, minus a price for each crash of their own. The picture is Schelling's: what each kind gets, against
how many of the others are aggressive. Of its ends

    T  is aggressive, all others careful         R  careful, all others too
    P  is aggressive, all others too             S  careful, all others aggressive

and a social dilemma has R > P, R > S, 2 R > T + S, and greed, T > R, or fear, P > S (Macy and Flache 2002).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

from agents import IndependentQLearning, train
from benchmarks.statistics import Estimate, t_interval
from examples.gallery_learning import STYLE
from marl_envs import intersection_v0

matplotlib.use("agg")
from matplotlib import pyplot as plt

Reals = NDArray[np.float64]
Drive = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.int64]]  # labels [E, A], mask [E, A, N] -> actions [E, A]

TASK: dict[str, Any] = {
    "layout": "cross",
    "observation": "tabular",
    "mask_unsafe": True,
    "num_vehicles": 8,
    "within": 5.0,
    "max_cycles": 240,
    "clear_time": 60.0,
}
FEARED = {"careful": 10.0, "aggressive": 0.7}  # what a crash costs while they learn; a second lost costs 0.1
PRICES = (0.0, 10.0, 20.0, 30.0, 60.0, 100.0)  # of a crash, for all alike [s of delay]
SHOWN = (0.0, 20.0)  # of these, in the picture
TRAINED = 64  # environments


class Ends(NamedTuple):
    """The payoffs at the ends of Schelling's diagram [s]."""

    temptation: float  # aggressive among the careful
    reward: float  # careful among the careful
    punishment: float  # aggressive among the aggressive
    sucker: float  # careful among the aggressive

    @property
    def verdict(self) -> str:
        """The name of the dilemma, or why there is none."""
        t, r, p, s = self
        if r <= p:
            return "none: all do better if all are aggressive"
        if r <= s or 2 * r <= t + s:
            return "none: mixtures pay more than care"
        greed, fear = t > r, p > s
        return {
            (True, True): "prisoner's dilemma: greed and fear",
            (True, False): "chicken: greed",
            (False, True): "stag hunt: fear",
            (False, False): "none: nobody gains by aggression",
        }[greed, fear]


def learn(feared: float, steps: int, seed: int, **params: Any) -> Drive:
    """Return how one drives who has learned among its own kind, where a crash costs `feared`."""
    vec = intersection_v0.vector_env(TRAINED, **params, reward_weights={"delay": 0.1, "collision": feared})
    learner = IndependentQLearning(vec, seed=seed)
    train(learner, vec, steps, seed=seed, progress=False)
    return learner.greedy().choose


def play(careful: Drive, aggressive: Drive, bold: NDArray[np.bool_], seed: int, **params: Any) -> Reals:
    """Return each agent's delay [s], and 1 if it crashed, as [E, A, 2], of one episode in each environment.

    Args:
        careful: drives the others.
        aggressive: drives those who are `bold`.
        bold: [E, A].
        seed: of the environments.
        params: of the environment.
    """
    weights = {"delay": 1.0, "collision": 1.0}
    vec = intersection_v0.vector_env(len(bold), **params, reward_weights=weights)
    terms = [vec.reward_terms.index(name) for name in weights]
    sums, going = np.zeros((*bold.shape, 2)), np.ones((len(bold), 1, 1), np.bool_)
    obs, info = vec.reset(seed=seed)
    while going.any():
        actions = np.where(bold, aggressive(obs, info["action_mask"]), careful(obs, info["action_mask"]))
        obs, *_, info = vec.step(actions)
        sums -= info["reward_terms"][..., terms] * going
        going &= ~info["ended"][:, None, None]
    return sums


def mixtures(careful: Drive, aggressive: Drive, envs: int, seed: int, **params: Any) -> Reals:
    """Return mean delay [s] and crashes of a car, [2, A, 2]: by its kind and how many of the others are aggressive."""
    agents = params["num_vehicles"]
    found = np.full((2, agents, 2), np.nan)
    for number in range(agents + 1):
        order = np.random.default_rng([seed, number]).random((envs, agents)).argsort(axis=1)
        bold = order < number
        sums = play(careful, aggressive, bold, seed, **params)
        if number < agents:
            found[0, number] = sums[~bold].mean(axis=0)
        if number:
            found[1, number - 1] = sums[bold].mean(axis=0)
    return found


def payoffs(found: Reals, price: float) -> Reals:
    """Return the payoffs [..., 2, A] of `mixtures` [s], if a crash costs `price` seconds."""
    paid: Reals = -(found[..., 0] + price * found[..., 1])
    return paid


def ends(paid: Reals) -> Ends:
    """Return the four ends of payoffs [2, A]."""
    return Ends(paid[1, 0], paid[0, 0], paid[1, -1], paid[0, -1])


def measure(steps: int, envs: int, seeds: int) -> Reals:
    """Return the `mixtures` of one training of each kind from every seed, [seeds, 2, A, 2]."""
    found = []
    for seed in range(seeds):
        careful, aggressive = (learn(feared, steps, seed, **TASK) for feared in FEARED.values())
        found.append(mixtures(careful, aggressive, envs, seed + 1000, **TASK))
    return np.array(found)


def report(found: Reals) -> str:
    """Return the four payoffs for each price, with 95 % intervals over seeds, and what they make."""
    lines = []
    for price in PRICES:
        paid = payoffs(found, price)
        each = np.array([ends(one) for one in paid])  # T, R, P, S
        gaps = {"T - R": (0, 1), "P - S": (2, 3), "R - P": (1, 2)}
        values = [f"{name} {_pm(t_interval(each[:, i]))}" for i, name in enumerate("TRPS")]
        values += [f"{name} {_pm(t_interval(each[:, i] - each[:, k]))}" for name, (i, k) in gaps.items()]
        lines.append(f"crash {price:g} s: {', '.join(values)}: {ends(paid.mean(axis=0)).verdict}")
    return "\n".join(lines)


def _pm(estimate: Estimate) -> str:
    return f"{estimate.mean:.2f} ± {estimate.margin:.2f}"


def draw(found: Reals, figure: Any) -> None:
    """Draw Schelling's diagram of what `measure` returned, for two prices of a crash."""
    panels = figure.subplots(1, len(SHOWN), sharey=True)
    for axes, price in zip(panels, SHOWN, strict=True):
        paid = payoffs(found, price)
        others = np.arange(paid.shape[2])
        for kind, (name, color) in enumerate(zip(FEARED, ("#2b6cb0", "#d9822b"), strict=True)):
            line = [t_interval(paid[:, kind, n]) for n in others]
            axes.fill_between(others, [e.low for e in line], [e.high for e in line], color=color, alpha=0.15, lw=0)
            axes.plot(others, [e.mean for e in line], color=color, marker="o", markersize=4, label=name)
        for at, value, name in zip((0, 0, others[-1], others[-1]), ends(paid.mean(axis=0)), "TRPS", strict=True):
            axes.annotate(name, (at, value), (-10 if at == 0 else 10, -3), textcoords="offset points", ha="center")
        axes.set_title(f"a crash costs {price:g} s", loc="left", fontsize=10)
        axes.set_xlabel("how many of the seven others are aggressive")
        axes.margins(x=0.1)
    panels[0].set_ylabel("payoff of a car [s]")
    panels[0].legend(loc="lower left")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, play all mixtures, print and draw."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.crossing_dilemma", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/images/intersection-dilemma.png"))
    parser.add_argument("--steps", type=int, default=8_000_000, help="agent-steps of each training")
    parser.add_argument("--envs", type=int, default=512, help="episodes of each mixture")
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    found = measure(chosen.steps, chosen.envs, chosen.seeds)
    print(report(found))
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(9.0, 3.6), layout="constrained")
        draw(found, figure)
        figure.savefig(chosen.out, dpi=110)


if __name__ == "__main__":
    main()
