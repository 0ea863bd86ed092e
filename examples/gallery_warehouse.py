"""A deadlock of the greedy planner, found by the metric, and PIBT dissolving it, as two GIFs.

python -m examples.gallery_warehouse [--out docs/images]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs import warehouse_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.render import record
from marl_envs.warehouse.pibt import PIBTPolicy
from marl_envs.warehouse.planner import GreedyPolicy

FLOOR: dict[str, Any] = {"layout": "5x8", "num_robots": 4, "request_queue_size": 4, "max_cycles": 200}
SEEDS, STEPS, SWITCH = 40, 80, 50  # episodes searched; steps shown; step from which PIBT plans


def find_deadlock() -> int:
    """Return the seed of the episode whose greedy team stands still first, all robots of it.

    Raises:
        RuntimeError: no episode has such a deadlock.
    """
    first, vec = {}, warehouse_v0.vector_env(1, **FLOOR)
    for seed in range(SEEDS):
        obs, _ = vec.reset(seed=seed)
        policy = GreedyPolicy()
        for _ in range(STEPS):
            obs, *_ = vec.step(policy.act(vec, obs))
        metrics = vec.metrics()
        if metrics["standstill_largest"][0] == FLOOR["num_robots"] and metrics["deliveries"][0] > 2:
            first[seed] = float(metrics["standstill_first"][0])
    if not first:
        raise RuntimeError(f"no team stood still in {SEEDS} episodes")
    return min(first, key=lambda seed: (first[seed], seed))


class Rescue:
    """The greedy planner, and from step SWITCH on PIBT."""

    def __init__(self) -> None:
        self._first, self._then = GreedyPolicy(), PIBTPolicy()

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._first.reset(seed)
        self._then.reset(seed)

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [1, A]."""
        return (self._first if vec.arrays.step[0] < SWITCH else self._then).act(vec, obs)


def main() -> None:
    """Find the deadlock, and write both episodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the two GIFs")
    out = parser.parse_args().out
    seed = find_deadlock()
    for name, policy in (("deadlock-greedy", GreedyPolicy()), ("deadlock-dissolved", Rescue())):
        env = warehouse_v0.parallel_env(**FLOOR)
        path = out / f"{name}.gif"
        record(env, policy, path, seed=seed, steps=STEPS, size=(320, 240))
        found = env.metrics()
        standing = "never" if np.isnan(found["standstill_first"]) else f"from step {found['standstill_first']:.0f}"
        print(f"{path}: seed {seed}, {found['deliveries']:.0f} deliveries in {STEPS} steps, standstill {standing}")


if __name__ == "__main__":
    main()
