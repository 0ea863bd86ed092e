"""Signals with networks: beside rules and a table, and on junctions that the network never saw.

What a signal is shown has the same seven numbers at every junction: the state that the tables are made of, before it is
put into bins. So one network fits all junctions, whatever their roads, lanes and phases.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from agents import EpsilonGreedy, Evaluation, IndependentQLearning, Linear, SharedRewardQLearning, evaluate, train
from agents.deep import IndependentDQN, SharedRewardDQN
from benchmarks.deep import settings
from benchmarks.deep.view import View
from marl_envs import traffic_signals_v0
from marl_envs.traffic.signals.controllers import FixedTime, MaxPressure, Threshold

ENVS, EPISODES = 128, 32
SETS = 64  # hours of arrivals that are trained on; new episodes are drawn from four times as many
TYPICAL = np.array([20, 20, 40, 10, 10, 60, 1], np.float32)  # of the numbers of "summary" but for the phases' names
RULES: dict[str, Any] = {"threshold": Threshold, "MaxPressure": MaxPressure, "fixed time": lambda: FixedTime(25)}
LEARNERS = {"individual": IndependentDQN, "team": SharedRewardDQN}
TABLES = {"individual": IndependentQLearning, "team": SharedRewardQLearning}


class Place(NamedTuple):
    """A network of roads and what drives there."""

    network: str
    demand: str | tuple[str, ...]


class Learned(NamedTuple):
    """Where is learned, and how long [agent-steps]."""

    place: Place
    steps: int
    table_steps: int  # of the table, one environment at a time, as in the suite `signals`


LEARNED = {
    "cross": Learned(Place("cross", "uniform-500"), 128_000, 54_000),
    "grid-2x2": Learned(Place("grid-2x2", "uniform-400"), 256_000, 216_000),
}
MANY = Place("cross", tuple(f"varied-{rate}" for rate in range(150, 600, 50)))  # what is learned before
UNSEEN = {
    "cross, pairs": Place("cross", "pairs-400"),
    "tee": Place("tee", "uniform-400"),
    "RiLSA": Place("rilsa", "rilsa"),
}


def scaled(obs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return summaries [..., 9] as the network sees them, [..., 7]."""
    return obs[..., : len(TYPICAL)] / TYPICAL


def seen(vec: Any) -> View:
    """Return a batch of summaries as networks see them: numbers near 1, without what the phases are called."""
    return View(vec, scaled, Box(0.0, np.inf, TYPICAL.shape, np.float32))


def batch(place: Place, envs: int = ENVS, sets: int = SETS, **parameters: Any) -> Any:
    """Return a batch of environments: an hour each, decisions every 10 s."""
    return traffic_signals_v0.vector_env(
        num_envs=envs, network=place.network, demand=place.demand, demand_sets=sets, **parameters
    )


def world(place: Place, reward: str = "individual", envs: int = ENVS, sets: int = SETS) -> Any:
    """Return a batch as the network sees it: stay, or change to the fullest other phase."""
    return seen(batch(place, envs, sets, reward=reward, observation="summary", actions="fullest"))


def network(vec: Any, seed: int, first: float = 0.2) -> Any:
    """Return a learner for `vec` that tries something else with probability `first` at first."""
    return LEARNERS[vec.params.reward](
        vec,
        exploration=EpsilonGreedy(Linear(first, 0.01, until=0.6)),
        replay=100_000,
        seed=seed,
        **settings.MANY,
    )


def travel_time(policy: Any, vec: Any, seed: int, episodes: int = EPISODES) -> float:
    """Return the mean travel time [s] of new episodes, those who never arrive included."""
    return Evaluation(0, evaluate(policy, vec, episodes, 1000 + seed, transfer=True)).mean("travel_time")


def judge(place: Place, **parameters: Any) -> Any:
    """Return what new episodes are played in."""
    return batch(place, EPISODES, 4 * SETS, **parameters)


def ruled(name: str, place: Place) -> float:
    """Return the mean travel time of a rule."""
    return travel_time(RULES[name](), judge(place), 0)


def tabulated(place: Place, reward: str, seed: int, steps: int) -> float:
    """Return that of the table of the suite `signals`, which is trained in one environment, as there."""
    shown: dict[str, Any] = {"observation": "tabular", "actions": "fullest", "reward": reward}
    vec = batch(place, 1, **shown)
    learner = TABLES[reward](
        vec,
        alpha=Linear(0.1, 0.001, until=0.8),
        gamma=0.95,
        exploration=EpsilonGreedy(Linear(0.1, 0.01, until=0.6)),
        seed=seed,
    )
    train(learner, vec, steps, seed=seed, progress=False)
    return travel_time(learner, judge(place, **shown), seed)


def learned(place: Place, reward: str, seed: int, steps: int) -> Any:
    """Return a network that learned at `place` for `steps` agent-steps."""
    vec = world(place, reward)
    learner = network(vec, seed)
    train(learner, vec, steps, seed=seed, progress=False)
    return learner


def elsewhere(learner: Any, place: Place, seed: int) -> float:
    """Return the mean travel time of a learner at a place with as many signals, seen before or not."""
    return travel_time(learner, world(place, envs=EPISODES, sets=4 * SETS), seed)
