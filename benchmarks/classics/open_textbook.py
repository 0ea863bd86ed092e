"""A second source for learners in team games: chapter 17 of an open textbook (dasimoni/RL on GitHub).

1000 runs of 5000 repetitions, alpha = .1; a run counts if the joint policy at its end is optimal. Exploration is
epsilon = max(.01, .998**t), or for "Boltzmann" a temperature of max(.05, 20 * .997**t).

    python -m benchmarks.classics.open_textbook
"""

from __future__ import annotations

import argparse
from typing import Any

from agents import Boltzmann, EpsilonGreedy, IndependentQLearning, decaying
from agents.multi import CentralQLearning, HystereticQLearning, JointActionLearner
from benchmarks.classics.matignon import Protocol, success_of, verdict

RUNS, REPETITIONS = 1000, 5000
GAMES = ("climbing", "penalty k=-100", "partially stochastic")
_EPSILON = EpsilonGreedy(decaying(1.0, 0.998, REPETITIONS, floor=0.01))
_BOLTZMANN = Boltzmann(decaying(20.0, 0.997, REPETITIONS, floor=0.05))


def _protocol(cls: type[Any], **chosen: Any) -> Protocol:
    def make(vec: Any, repetitions: int, seed: int) -> Any:
        del repetitions
        return cls(vec, alpha=0.1, gamma=0.0, separate_runs=True, seed=seed, **chosen)

    return Protocol(make, REPETITIONS, "policy")


LEARNERS = {
    "central Q": _protocol(CentralQLearning, exploration=_EPSILON),
    "joint-action learner": _protocol(JointActionLearner, exploration=_EPSILON),
    "independent Q": _protocol(IndependentQLearning, exploration=_EPSILON, share_table=False),
    "independent Q, Boltzmann": _protocol(IndependentQLearning, exploration=_BOLTZMANN, share_table=False),
    "hysteretic Q": _protocol(HystereticQLearning, exploration=_EPSILON, beta=0.01),
}
PUBLISHED = {  # % in the order of GAMES
    "central Q": (100.0, 100.0, 100.0),
    "joint-action learner": (0.0, 0.0, 0.0),
    "independent Q": (0.0, 0.0, 0.0),
    "independent Q, Boltzmann": (13.0, 89.2, 15.2),
    "hysteretic Q": (89.1, 94.1, 61.7),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classics.open_textbook", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="runs in each cell")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{'learner':25} {'game':22} {'published %':>11} {'ours %':>7}  verdict")
    for name, protocol in LEARNERS.items():
        for game, published in zip(GAMES, PUBLISHED[name], strict=True):
            ours = success_of(protocol, game, chosen.seed, chosen.runs)
            word = verdict(published, ours, None, (RUNS, chosen.runs))
            print(f"{name:25} {game:22} {published:11.1f} {ours:7.1f}  {word}")


if __name__ == "__main__":
    main()
