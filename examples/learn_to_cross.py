"""Cars learn to cross without signals; prints a row of the table in docs/intersection.md.

    python -m examples.learn_to_cross --vehicles 4
    python -m examples.learn_to_cross --vehicles 8 --within 7 --steps 50000000
    python -m examples.learn_to_cross --flow 600 --vehicles 8 --steps 50000000

One table for all cars, each paid for its own delay and crashes. What is printed is measured greedily, in episodes that
training never saw.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import numpy as np

from agents import IndependentQLearning, evaluate, train
from marl_envs import intersection_v0

TABLE: dict[str, Any] = {"layout": "cross", "observation": "tabular", "mask_unsafe": True}
ONCE = 120  # decisions, enough for all to cross
FLOW = 600  # decisions: 300 s
TRAINED, EVALUATED = 64, 512  # environments


def task(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the environment."""
    if chosen.flow:
        arrivals = {"arrivals": "flow", "flow": chosen.flow, "max_cycles": FLOW}
    else:
        arrivals = {"within": chosen.within, "max_cycles": ONCE}
    return {**TABLE, **arrivals, "num_vehicles": chosen.vehicles}


def learn(params: dict[str, Any], steps: int, seed: int, episodes: int) -> str:
    """Train from a seed, measure, and return what came out as a line."""
    vec = intersection_v0.vector_env(TRAINED, **params)
    learner = IndependentQLearning(vec, seed=seed)
    began = time.process_time()
    train(learner, vec, steps, seed=seed)
    took = time.process_time() - began
    played = evaluate(learner, intersection_v0.vector_env(EVALUATED, **params), episodes, seed + 1000)
    delays = np.array([one["delay"] for one in played])
    vehicles, collisions = (math.fsum(one[name] for one in played) for name in ("created", "collisions"))
    return (
        f"seed {seed}: {took:.0f} CPU-s, delay {np.nanmean(delays):.2f} s, "
        f"{collisions:.0f} collisions of {vehicles:,.0f} vehicles"
    )


def main() -> None:
    """Train and measure from each seed."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.learn_to_cross", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--vehicles", type=int, default=4)
    parser.add_argument("--within", type=float, default=6.0, help="seconds in which all set out")
    parser.add_argument("--flow", type=float, help="vehicles an hour, for 300 s, instead of one trip each")
    parser.add_argument("--steps", type=int, default=20_000_000, help="agent-steps to train for")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--episodes", type=int, default=20_000, help="episodes to measure")
    chosen = parser.parse_args()
    for seed in chosen.seeds:
        print(learn(task(chosen), chosen.steps, seed, chosen.episodes), flush=True)


if __name__ == "__main__":
    main()
