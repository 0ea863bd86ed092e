"""Mazes for learners with a model (Sutton and Barto 2018, chapter 8): the Dyna maze, and mazes that change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import EpsilonGreedy
from agents.models.dyna import DynaQ, DynaQPlus
from agents.models.sweeping import PrioritizedSweeping
from benchmarks.classics.play import Player, play_episodes, play_steps
from marl_envs import gridworld_v0

COMMON = {"gamma": 0.95, "exploration": EpsilonGreedy(0.1), "separate_runs": True}


def dyna_maze(planning: int, runs: int = 30, episodes: int = 50, seed: int = 0) -> NDArray[np.float64]:
    """Return the mean steps of each episode of Dyna-Q with `planning` remembered steps, alpha 0.1 (figure 8.2)."""
    vec = gridworld_v0.vector_env(num_envs=runs, world="dyna_maze", max_cycles=1_000_000)
    learner = DynaQ(vec, planning=planning, alpha=0.1, seed=seed, **COMMON)
    steps: NDArray[np.float64] = play_episodes(learner, vec, episodes, seed).lengths.mean(axis=0)
    return steps


def first_short(steps: NDArray[np.float64], limit: float = 20.0) -> int:
    """Return the number, from 1, of the first episode of at most `limit` steps; 0 if there is none."""
    return int(np.argmax(steps <= limit)) + 1 if (steps <= limit).any() else 0


def changing_maze(
    world: str, curious: bool, planning: int, kappa: float, steps: int, runs: int = 20, seed: int = 0
) -> NDArray[np.float64]:
    """Return the mean cumulative reward after each step, [steps]; alpha 1.

    `world` is "blocking_maze" (figure 8.4: planning 10, kappa 1e-4, 3000 steps) or "shortcut_maze" (figure 8.5: 50,
    1e-3, 6000); `curious` plays Dyna-Q+ instead of Dyna-Q.
    """
    vec = gridworld_v0.vector_env(num_envs=runs, world=world, max_cycles=1_000_000)
    settings: dict[str, Any] = {"planning": planning, "alpha": 1.0, "seed": seed, **COMMON}
    learner = DynaQPlus(vec, kappa=kappa, **settings) if curious else DynaQ(vec, **settings)
    earned: NDArray[np.float64] = play_steps(learner, vec, steps, seed).mean(axis=0).cumsum()
    return earned


SHORTEST = 14  # steps through the Dyna maze


def updates_until_good(sweeping: bool, runs: int = 10, most_steps: int = 60_000, seed: int = 0) -> float:
    """Return how many values are changed until the greedy way through the Dyna maze is at most a fifth too long.

    The mean over runs, for prioritised sweeping or Dyna-Q, both with 5 remembered steps and alpha 0.5 (example 8.4);
    NaN if a run does not get there in `most_steps` steps.
    """
    vec = gridworld_v0.vector_env(num_envs=runs, world="dyna_maze", max_cycles=1_000_000)
    settings: dict[str, Any] = {"planning": 5, "alpha": 0.5, "seed": seed, **COMMON}
    learner = PrioritizedSweeping(vec, **settings) if sweeping else DynaQ(vec, **settings)
    player, rows = Player(learner, vec, seed), vec.params.make_world().rows
    needed = np.full(runs, np.nan)
    for step in range(1, most_steps + 1):
        player.step()
        for run in np.flatnonzero(np.isnan(needed)):
            if walk(learner.q[run], rows, int(1.2 * SHORTEST)):
                needed[run] = learner.updates[run] if isinstance(learner, PrioritizedSweeping) else 6 * step
        if not np.isnan(needed).any():
            break
    return float(needed.mean())


def walk(q: NDArray[np.float32], rows: tuple[str, ...], limit: int) -> int:
    """Return the steps of the greedy way from S to G, at most `limit`; 0 if it does not arrive in time."""
    width = len(rows[0])
    place = next((r, row.index("S")) for r, row in enumerate(rows) if "S" in row)
    for step in range(1, limit + 1):
        down, right = ((-1, 0), (1, 0), (0, -1), (0, 1))[int(q[place[0] * width + place[1]].argmax())]
        row, col = place[0] + down, place[1] + right
        if 0 <= row < len(rows) and 0 <= col < width and rows[row][col] != "#":
            place = (row, col)
        if rows[place[0]][place[1]] == "G":
            return step
    return 0
