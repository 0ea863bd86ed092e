"""How fast SB3's environments step, ours and SuperSuit's: `python -m tests.interop.speed`, where both are installed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from examples import task
from examples.sb3 import through_supersuit
from marl_envs.interop import EpisodeLog
from marl_envs.interop.sb3 import VecEnv


def speed(env: Any, steps: int = 200) -> float:
    """Return agent-steps per CPU-second with random actions."""
    rows = env.num_envs
    actions = np.random.default_rng(0).integers(0, task.NUM_ACTIONS, (steps, rows))
    env.reset()
    began = time.process_time()
    for chosen in actions:
        env.step(chosen)
    return steps * rows / (time.process_time() - began)


def main() -> None:
    """Measure each way three times, by turns, and print the best of each."""
    ways = {
        "PettingZoo and SuperSuit, 32 environments": through_supersuit(EpisodeLog(), 32),
        "marl_envs.interop.sb3.VecEnv, 32 environments": VecEnv(task.vector_env(32)),
        "marl_envs.interop.sb3.VecEnv, 512 environments": VecEnv(task.vector_env(512)),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(4):  # the first compiles
        best = {name: max(best[name], speed(env)) for name, env in ways.items()}
    slowest = min(best.values())
    for name, figure in best.items():
        print(f"{name:<48} {figure:>12,.0f} agent-steps per CPU-s {figure / slowest:6.1f}x")


if __name__ == "__main__":
    main()
