"""The task that every example trains, and the same measure of what was learned, so that libraries compare.

Two robots on a 5x5 floor bring requested shelves to the goals. An observation is a vector that says, among other
things, where to go ("goal"); a potential shapes the reward. What is measured is not the reward but deliveries per
episode of 200 steps, in episodes that training never sees, with the most probable (or most valued) actions.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import marl_envs

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
PARAMETERS: dict[str, Any] = {"shaping": 0.5, "max_cycles": 200}
AGENTS = ["robot_0", "robot_1"]
OBSERVATION_LENGTH, NUM_ACTIONS = 119, 5
EPISODES = 100
EVALUATION_SEED = 1_000_000

# act(observations float32 [E, A, D], masks int8 [E, A, N]) -> integers [E, A]
Act = Callable[[NDArray[np.float32], NDArray[np.int8]], Any]


def parallel_env(**overrides: Any) -> Any:
    """Return the task as PettingZoo's ParallelEnv."""
    return marl_envs.make(ID, **{**PARAMETERS, **overrides})


def vector_env(num_envs: int, **overrides: Any) -> Any:
    """Return `num_envs` copies of the task as one VectorEnv."""
    return marl_envs.make_vec(ID, num_envs, **{**PARAMETERS, **overrides})


def deliveries(act: Act, episodes: int = EPISODES, seed: int = EVALUATION_SEED) -> NDArray[np.float64]:
    """Return the deliveries of each of `episodes` episodes, played side by side."""
    vec = vector_env(episodes)
    obs, info = vec.reset(seed=seed)
    ended = False
    while not ended:
        actions = np.asarray(act(obs, info["action_mask"])).reshape(episodes, len(AGENTS))
        obs, _, _, _, info = vec.step(actions)
        ended = bool(info["ended"].all())
    counts: NDArray[np.float64] = info["metrics"]["deliveries"].copy()
    return counts


def random_bound(episodes: int = 2000, seed: int = EVALUATION_SEED + 1) -> float:
    """Return what 95 % of the episodes of a robot team that acts at random stay at or below [deliveries]."""
    rng = np.random.default_rng(seed)

    def act(obs: NDArray[np.float32], masks: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.argmax(rng.random(masks.shape) * masks, axis=-1)

    return float(np.quantile(deliveries(act, episodes, seed), 0.95))


def parser(steps: int | None) -> argparse.ArgumentParser:
    """Return the command line that all examples share; `steps` is the default length of training [agent-steps]."""
    common = argparse.ArgumentParser()
    common.add_argument("--seed", type=int, default=0)
    common.add_argument("--steps", type=int, default=steps, help="agent-steps to train for")
    common.add_argument("--out", type=Path, help="append the result to this file, a line of JSON")
    return common


def arguments(steps: int) -> argparse.Namespace:
    """Read the command line of an example without options of its own."""
    return parser(steps).parse_args()


def _seconds() -> tuple[float, float]:
    """Return wall and CPU time [s]; the CPU's includes ended child processes."""
    return time.perf_counter(), sum(os.times()[:4])


class Curve:
    """The learning curve of one run. Time spent in `point` does not count as training."""

    def __init__(self, name: str, chosen: argparse.Namespace) -> None:
        """Start the clock; `name` says library and algorithm."""
        self.name, self._chosen = name, chosen
        self.points: list[tuple[int, float]] = []
        self.wall = self.cpu = 0.0  # [s] of training so far
        print(f"{name}, seed {chosen.seed}: deliveries in 200 steps, mean of {EPISODES} episodes", flush=True)
        self._started = _seconds()

    def point(self, agent_steps: int, act: Act) -> None:
        """Evaluate after `agent_steps` of training and print a line."""
        now = _seconds()
        self.wall, self.cpu = self.wall + now[0] - self._started[0], self.cpu + now[1] - self._started[1]
        self.points.append((agent_steps, float(deliveries(act).mean())))
        print(f"{agent_steps:>10,} agent-steps {self.wall:6.1f} s {self.points[-1][1]:7.2f}", flush=True)
        self._started = _seconds()

    def finish(self, **measured: float) -> None:
        """Print what came out, and append it to the file of `--out`, with whatever else was `measured`."""
        steps, last = self.points[-1]
        result = {
            "name": self.name,
            "seed": self._chosen.seed,
            "agent_steps": steps,
            "wall_s": round(self.wall, 1),
            "cpu_s": round(self.cpu, 1),
            "agent_steps_per_s": round(steps / max(self.wall, 0.01)),
            "agent_steps_per_cpu_s": round(steps / max(self.cpu, 0.01)),  # os.times counts in hundredths
            "deliveries": last,
            "random_95": random_bound(),
            "curve": self.points,
            **measured,
        }
        result["rises"] = last > float(result["random_95"])
        word = "rises" if result["rises"] else "DOES NOT RISE"
        print(f"{word}: {last:.2f} against {result['random_95']:.2f} (95 % of random episodes)", flush=True)
        print(f"{result['agent_steps_per_s']:,} agent-steps/s in training", flush=True)
        if self._chosen.out:
            self._chosen.out.parent.mkdir(parents=True, exist_ok=True)
            with self._chosen.out.open("a") as file:
                file.write(json.dumps(result) + "\n")
