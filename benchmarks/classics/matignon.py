"""How often learners agree on the best joint action: Table 1 of Matignon, Laurent and Le Fort-Piat, reproduced.

"Independent reinforcement learners in cooperative Markov games: a survey regarding coordination problems", Knowledge
Engineering Review 27(1), 2012. Five games of one state and two agents; a trial counts as a success if its last joint
action is optimal. The paper leaves open how learners explored: docs/learners-multi.md says what is assumed here.

    python -m benchmarks.classics.matignon
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import Approach, Boltzmann, EpsilonGreedy, IndependentQLearning, decaying
from agents.multi import FMQ, DistributedQLearning, HystereticQLearning, RecursiveFMQ, WoLFPHC
from marl_envs import matrix_v0

TRIALS = 500  # as published

GAMES: dict[str, dict[str, Any]] = {
    "penalty k=0": {"game": "penalty", "penalty": 0.0},
    "penalty k=-100": {"game": "penalty", "penalty": -100.0},
    "climbing": {"game": "climbing"},
    "partially stochastic": {"game": "climbing_partial"},
    "fully stochastic": {"game": "climbing_full"},
}


@dataclass(frozen=True)
class Protocol:
    """How a learner is made, how long it plays, and what of it is scored."""

    make: Callable[[Any, int, int], Any]  # (environments, repetitions, seed): a learner of separate runs
    repetitions: int
    scored: str = "action"  # "action": the last joint action; "policy": what it would do without exploring


def cooling(repetitions: int) -> Boltzmann:
    """Return Boltzmann exploration at 5000 * .997**t in repetition t."""
    return Boltzmann(decaying(5000.0, 0.997, repetitions))


def _decentralised(vec: Any, repetitions: int, seed: int) -> Any:
    """Independent Q-learning: alpha = .1."""
    return IndependentQLearning(
        vec,
        alpha=0.1,
        gamma=0.0,
        exploration=cooling(repetitions),
        share_table=False,
        separate_runs=True,
        seed=seed,
    )


def _distributed(vec: Any, repetitions: int, seed: int) -> Any:
    """Distributed Q-learning, from the lowest reward."""
    lowest = float(vec.simulation.settings.payoff.min())
    return DistributedQLearning(
        vec, gamma=0.0, initial=lowest, exploration=cooling(repetitions), separate_runs=True, seed=seed
    )


def _wolf(vec: Any, repetitions: int, seed: int) -> Any:
    """WoLF-PHC: alpha = .1, delta_win = .003, delta_lose = .006."""
    del repetitions
    return WoLFPHC(vec, gamma=0.0, exploration=EpsilonGreedy(0.05), separate_runs=True, seed=seed)


def _hysteretic(vec: Any, repetitions: int, seed: int) -> Any:
    """Hysteretic Q-learning: alpha = .1, beta = .01."""
    return HystereticQLearning(vec, gamma=0.0, exploration=cooling(repetitions), separate_runs=True, seed=seed)


def _recursive_fmq(vec: Any, repetitions: int, seed: int) -> Any:
    """Recursive FMQ: alpha = .1, alpha_frequency = .01."""
    del repetitions
    return RecursiveFMQ(vec, exploration=EpsilonGreedy(0.1), separate_runs=True, seed=seed)


def _fmq(vec: Any, repetitions: int, seed: int) -> Any:
    """FMQ: alpha = .9, c = 10, temperature 499 exp(-.006 t) + 1 (Kapetanakis and Kudenko 2002)."""
    exploration = Boltzmann(Approach(500.0, 1.0, rate=0.006 * repetitions))
    return FMQ(vec, exploration=exploration, separate_runs=True, seed=seed)


LEARNERS: dict[str, Protocol] = {
    "decentralised Q": Protocol(_decentralised, 4000),
    "distributed Q": Protocol(_distributed, 4000, "policy"),
    "WoLF-PHC": Protocol(_wolf, 4000, "policy"),
    "hysteretic Q": Protocol(_hysteretic, 4000),
    "recursive FMQ": Protocol(_recursive_fmq, 5000, "policy"),
    "FMQ": Protocol(_fmq, 1000),
}

PUBLISHED: dict[str, tuple[float | None, ...]] = {  # % in the order of GAMES; None: not given
    "decentralised Q": (100, 97, 16, None, None),
    "distributed Q": (100, 100, 100, 7, None),
    "WoLF-PHC": (100, 0, 0, None, None),
    "hysteretic Q": (100, 100, 100, 82, 0),
    "recursive FMQ": (100, 100, 100, 100, 58),
    "FMQ": (None, None, None, None, None),  # not in the table
}

BANDS: dict[str, tuple[tuple[float, float] | None, ...]] = {  # % that a correct learner stays in, whatever the seed
    "decentralised Q": ((99, 100), (92, 100), (8, 22), None, None),
    "distributed Q": ((100, 100), (100, 100), (100, 100), (0, 10), None),
    "WoLF-PHC": ((99, 100), (0, 3), (0, 3), None, None),
    "hysteretic Q": ((99, 100), (99, 100), (99, 100), (70, 90), (0, 3)),
    "recursive FMQ": ((99, 100), (98, 100), (97, 100), (92, 100), (50, 76)),
    "FMQ": (None, (90, 100), (95, 100), (96, 100), (5, 40)),
}


def play(learner: Any, vec: Any, repetitions: int, scored: str, seed: int) -> NDArray[np.int64]:
    """Let the learner play `repetitions` rounds of a game of one state; return each trial's joint action, [E, A]."""
    learner.begin(repetitions * vec.num_envs * vec.num_agents)
    obs, info = vec.reset(seed=seed)
    actions = np.zeros(0, np.int64)
    for _ in range(repetitions):
        mask, alive = info["action_mask"], info["alive"]
        actions = learner.act(obs, mask)
        after, reward, terminated, _, info = vec.step(actions)
        masks = {"next_mask": info["action_mask"], "final_mask": info["final_action_mask"]}
        learner.update(obs, actions, reward, after, info["final_obs"], info["ended"], terminated, alive, **masks)
        obs = after
    if scored == "action":
        return actions
    greedy = learner.greedy()
    greedy.reset(seed)
    chosen: NDArray[np.int64] = greedy.choose(obs, info["action_mask"])
    return chosen


def joint_actions(protocol: Protocol, game: str, seed: int, trials: int = TRIALS) -> NDArray[np.int64]:
    """Return the joint action [trials, 2] that each trial of a learner in a game came to."""
    vec = matrix_v0.vector_env(num_envs=trials, **GAMES[game])
    learner = protocol.make(vec, protocol.repetitions, seed)
    return play(learner, vec, protocol.repetitions, protocol.scored, seed)


def optimal(game: str) -> NDArray[np.bool_]:
    """Return which joint actions [3, 3] of a game have the highest expected payoff."""
    expected = matrix_v0.parallel_env(**GAMES[game]).vec.params.make_game().expected[0, ..., 0]
    best: NDArray[np.bool_] = expected >= expected.max() - 1e-9
    return best


def success_of(protocol: Protocol, game: str, seed: int, trials: int = TRIALS) -> float:
    """Return the percentage of trials that came to an optimal joint action."""
    chosen = joint_actions(protocol, game, seed, trials)
    return float(100 * optimal(game)[chosen[:, 0], chosen[:, 1]].mean())


def success(name: str, game: str, seed: int, trials: int = TRIALS) -> float:
    """Return the percentage of a learner of LEARNERS."""
    return success_of(LEARNERS[name], game, seed, trials)


def margin(published: float, ours: float, samples: tuple[int, int]) -> float:
    """Return by how much two percentages of `samples` trials may differ by chance: 3 standard errors, and rounding."""
    share = (published + ours) / 200
    return float(300 * np.sqrt(share * (1 - share) * (1 / samples[0] + 1 / samples[1]))) + 0.5


def verdict(published: float | None, ours: float, band: tuple[float, float] | None, samples: tuple[int, int]) -> str:
    """Say how ours compares: "equal" within 3 standard errors of `samples` (theirs, ours), "in the band", "outside"."""
    inside = band is not None and band[0] <= ours <= band[1]
    if band is not None and not inside:
        return "outside"
    if published is None:
        return "-"
    if abs(ours - published) <= margin(published, ours, samples):
        return "equal"
    return "in the band" if inside else "outside"


def table(seed: int, trials: int = TRIALS) -> list[tuple[str, str, float | None, float, str]]:
    """Return (learner, game, published %, our %, verdict) for every cell."""
    rows = []
    for name in LEARNERS:
        for index, game in enumerate(GAMES):
            ours, published = success(name, game, seed, trials), PUBLISHED[name][index]
            rows.append((name, game, published, ours, verdict(published, ours, BANDS[name][index], (TRIALS, trials))))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classics.matignon", description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"trials in each cell; the bands are for {TRIALS}")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.trials < 1 or chosen.seed < 0:
        parser.error("--trials must be at least 1, --seed at least 0")
    began = time.perf_counter()
    print(f"{'learner':16} {'game':22} {'published %':>11} {'ours %':>7}  verdict")
    for name, game, published, ours, word in table(chosen.seed, chosen.trials):
        print(f"{name:16} {game:22} {'-' if published is None else f'{published:.0f}':>11} {ours:7.1f}  {word}")
    print(f"{chosen.trials} trials in each cell, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
