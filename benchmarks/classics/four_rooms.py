"""Four rooms with hallway options: planning with exact models, and learning (Sutton, Precup and Singh 1999, section 2).

As there, the goal's value is fixed at 1 and no step pays anything, so that passing the goal in the middle of an option
earns nothing: an option has to stop there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import EpsilonGreedy
from agents.options.base import OptionLearner
from agents.options.options import Options, hallway_options, primitive_options
from benchmarks.classics.play import play_episodes
from marl_envs import gridworld_v0
from marl_envs.small.grid.worlds import HALLWAYS, WORLDS

ROWS, SLIP, GAMMA, ACTIONS = WORLDS["four_rooms"].rows, 1 / 3, 0.9, 4
HALLWAY_GOAL, ROOM_GOAL = (7, 9), (9, 9)


@lru_cache  # the ways to the hallways are found by planning
def options_of(kind: str) -> Options:
    """Return the options of a kind: "primitive", "hallways" or "both"."""
    states = len(ROWS) * len(ROWS[0])
    actions, ways = primitive_options(states, ACTIONS), hallway_options(ROWS, HALLWAYS, SLIP)
    return {"primitive": actions, "hallways": ways, "both": ways + actions}[kind]


def transitions(slip: float) -> NDArray[np.float64]:
    """Return the probabilities [N, S, S] of moving; walls hold what would enter them."""
    free = np.array([[letter != "#" for letter in row] for row in ROWS])
    width, size = free.shape[1], free.size
    moves = np.zeros((ACTIONS, size, size))
    for row, col in np.argwhere(free).tolist():
        for b, (down, right) in enumerate(((-1, 0), (1, 0), (0, -1), (0, 1))):
            after = (row + down, col + right) if free[row + down, col + right] else (row, col)
            moves[b, row * width + col, after[0] * width + after[1]] = 1.0
    return (1 - slip) * moves + slip / 3 * (moves.sum(axis=0) - moves)


def option_models(options: Options, slip: float) -> NDArray[np.float64]:
    """Return discounted chances [O, S, S] of stopping in s' when started in s: sum over k of gamma^k P(s', k)."""
    moves, size = transitions(slip), options.actions.shape[1]
    models = np.zeros((len(options), size, size))
    for o, (actions, stops) in enumerate(zip(options.actions, options.stops, strict=True)):
        step = GAMMA * np.where((actions >= 0)[:, None], moves[np.maximum(actions, 0), np.arange(size)], 0.0)
        models[o] = np.linalg.solve(np.eye(size) - step * (1 - stops), step * stops)
    return models


@lru_cache
def _models(kind: str, slip: float) -> NDArray[np.float64]:
    return option_models(options_of(kind), slip)


def sweeps(kind: str, goal: tuple[int, int], slip: float = SLIP, most: int = 1000) -> tuple[int, int]:
    """Return how many sweeps of synchronous value iteration it takes until all states are above 0, and to settle.

    They have settled when they change by less than 1e-6; -1 if that never comes.
    """
    options, models = options_of(kind), _models(kind, slip)
    place = goal[0] * len(ROWS[0]) + goal[1]
    inside = np.array([letter != "#" for row in ROWS for letter in row])
    values = np.zeros(len(inside))
    values[place] = 1.0
    positive = -1
    for sweep in range(1, most + 1):
        backups = np.where(options.starts != 0, models @ values, -np.inf)[:, inside]
        new = np.zeros_like(values)
        new[inside] = backups.max(axis=0)
        new[place] = 1.0
        positive = sweep if positive < 0 and (new[inside] > 0).all() else positive
        if np.abs(new - values).max() < 1e-6:
            return positive, sweep
        values = new
    return positive, -1


def learn(
    cls: type[OptionLearner],
    kind: str,
    goal: tuple[int, int] = HALLWAY_GOAL,
    runs: int = 30,
    episodes: int = 100,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the mean steps of each episode of a learner with options of a kind; alpha 0.25, epsilon 0.1."""
    start: Any = (1, 1)
    vec = gridworld_v0.vector_env(num_envs=runs, world="four_rooms", start=start, goal=goal, max_cycles=100_000)
    settings: dict[str, Any] = {"alpha": 0.25, "gamma": GAMMA, "exploration": EpsilonGreedy(0.1), "seed": seed}
    learner = cls(vec, options=options_of(kind), separate_runs=True, **settings)
    steps: NDArray[np.float64] = play_episodes(learner, vec, episodes, seed).lengths.mean(axis=0)
    return steps
