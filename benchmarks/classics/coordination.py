"""The coordination map: how often each learner of a team comes to the best joint action, by game.

The games and the first six learners are those of benchmarks.classics.matignon; the others play by the same rules. What
sees joint actions and decides together is at the top, what ignores the others at the bottom.

    python -m benchmarks.classics.coordination --out docs/images/coordination.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import EpsilonGreedy, decaying
from agents.multi import PHC, VDN, CentralQLearning, CoordinationGraphQLearning, JointActionLearner, LenientQLearning
from benchmarks.classics import matignon
from benchmarks.classics.matignon import GAMES, LEARNERS, TRIALS, Protocol, cooling

# Leniency in the order of GAMES. One value does not suit all games, as Wei and Luke (2016) found, too.
THETA = dict(zip(GAMES, (1.0, 1.0, 1e7, 1e3, 10.0), strict=True))


def _central(vec: Any, repetitions: int, seed: int) -> Any:
    return CentralQLearning(vec, gamma=0.0, exploration=cooling(repetitions), separate_runs=True, seed=seed)


def _graph(vec: Any, repetitions: int, seed: int) -> Any:
    exploration = EpsilonGreedy(decaying(1.0, 0.998, repetitions, floor=0.01))
    return CoordinationGraphQLearning(
        vec, edges=[(0, 1)], gamma=0.0, exploration=exploration, separate_runs=True, seed=seed
    )


def _joint_action(vec: Any, repetitions: int, seed: int) -> Any:
    return JointActionLearner(vec, gamma=0.0, exploration=cooling(repetitions), separate_runs=True, seed=seed)


def _vdn(vec: Any, repetitions: int, seed: int) -> Any:
    return VDN(vec, gamma=0.0, exploration=cooling(repetitions), separate_runs=True, seed=seed)


def _phc(vec: Any, repetitions: int, seed: int) -> Any:
    del repetitions
    return PHC(vec, gamma=0.0, delta=0.005, exploration=EpsilonGreedy(0.05), separate_runs=True, seed=seed)


def _lenient(theta: float) -> Protocol:
    def make(vec: Any, repetitions: int, seed: int) -> Any:
        del repetitions
        return LenientQLearning(vec, gamma=0.0, theta=theta, omega=1.0, separate_runs=True, seed=seed)

    return Protocol(make, 6000)


MORE = {
    "central Q": Protocol(_central, 4000),
    "coordination graph": Protocol(_graph, 4000, "policy"),
    "joint-action learner": Protocol(_joint_action, 4000),
    "VDN": Protocol(_vdn, 4000),
    "PHC": Protocol(_phc, 4000, "policy"),
}
ORDER = (
    *("central Q", "coordination graph", "recursive FMQ", "FMQ", "lenient Q", "hysteretic Q", "distributed Q"),
    *("VDN", "decentralised Q", "joint-action learner", "PHC", "WoLF-PHC"),
)


def protocol(name: str, game: str) -> Protocol:
    """Return how a learner of ORDER plays a game."""
    if name == "lenient Q":
        return _lenient(THETA[game])
    return LEARNERS[name] if name in LEARNERS else MORE[name]


def success(name: str, game: str, seed: int, trials: int = TRIALS) -> float:
    """Return the percentage of trials of a learner of ORDER that came to an optimal joint action."""
    return matignon.success_of(protocol(name, game), game, seed, trials)


def shares(seed: int, trials: int = TRIALS) -> NDArray[np.float64]:
    """Return the percentage of optimal joint actions, [learners of ORDER, GAMES]."""
    return np.array([[success(name, game, seed, trials) for game in GAMES] for name in ORDER])


def draw(values: NDArray[np.float64], out: Path) -> None:
    """Write the map as an SVG or PNG file, by the ending of its name."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "marl_envs", "font.family": "sans-serif", "font.size": 10}
    with plt.rc_context(style):
        figure, axes = plt.subplots(figsize=(7.2, 4.8), layout="constrained", facecolor="white")
        axes.imshow(values, cmap="Blues", vmin=0.0, vmax=125.0, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            color = "white" if value > 70 else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color)
        axes.set_xticks(range(len(GAMES)), [game.replace(" ", "\n", 1) for game in GAMES])
        axes.set_yticks(range(len(ORDER)), ORDER)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for edge in range(1, len(ORDER)):
            axes.axhline(edge - 0.5, color="white", linewidth=2)
        for edge in range(1, len(GAMES)):
            axes.axvline(edge - 0.5, color="white", linewidth=2)
        axes.spines[:].set_visible(False)
        figure.savefig(out, dpi=150, metadata={"Date": None, "Creator": None} if out.suffix == ".svg" else None)
        plt.close(figure)


def main() -> None:
    """Play everything, print the shares and write the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classics.coordination", description=__doc__)
    parser.add_argument("--out", type=Path, help="SVG or PNG file")
    parser.add_argument("--trials", type=int, default=TRIALS, help="trials in each cell")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    values = shares(chosen.seed, chosen.trials)
    for name, row in zip(ORDER, values, strict=True):
        print(f"{name:22}" + "".join(f"{value:7.1f}" for value in row))
    if chosen.out is not None:
        draw(values, chosen.out)


if __name__ == "__main__":
    main()
