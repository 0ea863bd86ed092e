"""How fast learners learn: the update of a step of the batched climbing game, one figure a learner.

python -m benchmarks.speed.learners
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.measure import Block, Case, measure, prepare

ENVS, SECONDS, REPEATS = 4096, 0.2, 5


def _learners() -> dict[str, Callable[[Any], Any]]:
    from agents import multi

    return {
        "central Q": multi.CentralQLearning,
        "coordination graph": lambda vec: multi.CoordinationGraphQLearning(vec, edges=[(0, 1)]),
        "distributed Q": lambda vec: multi.DistributedQLearning(vec, initial=-30.0),
        "FMQ": multi.FMQ,
        "hysteretic Q": multi.HystereticQLearning,
        "joint-action learner": multi.JointActionLearner,
        "lenient Q": multi.LenientQLearning,
        "PHC": multi.PHC,
        "recursive FMQ": multi.RecursiveFMQ,
        "VDN": multi.VDN,
        "WoLF-PHC": multi.WoLFPHC,
    }


def updates(make: Callable[[Any], Any], kernel_alone: bool, num_envs: int = ENVS) -> Block:
    """Return updates of a learner by random play of climbing; unit: agents' updates (joint learners do A at once).

    `kernel_alone` leaves out the checks of what the learner is given.
    """
    from marl_envs import matrix_v0

    vec = matrix_v0.vector_env(num_envs=num_envs, game="climbing")
    learner = make(vec)
    obs, info = vec.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 3, (num_envs, vec.num_agents))
    alive = info["alive"].copy()
    after, reward, terminated, _, info = vec.step(actions)
    step = (obs.copy(), actions, reward.copy(), after.copy(), info["final_obs"], info["ended"], terminated, alive)
    masks = (info["action_mask"], info["final_action_mask"])
    checked = learner.step_of(*step, *masks)

    def block() -> int:
        if kernel_alone:
            learner._learn(checked, 0.1)
        else:
            learner.update(*step, *masks)
        return actions.size

    return block


def cases() -> list[Case]:
    """Return the kernel's and the whole update's case of every learner."""

    def case(name: str, make: Callable[[Any], Any], alone: bool) -> Case:
        kind = "kernel" if alone else "update"
        return Case(f"{name}, {kind}", lambda: updates(make, alone), group=kind, compared=False)

    return [case(name, make, alone) for name, make in _learners().items() for alone in (True, False)]


def main() -> None:
    """Print millions of updates per CPU-second."""
    argparse.ArgumentParser(prog="python -m benchmarks.speed.learners", description=__doc__).parse_args()
    found = cases()
    measure(found, prepare(found), SECONDS, REPEATS, lambda: None)
    print(f"{'million updates per CPU-second':32} {'kernel':>8} {'checked':>8}")
    for kernel, whole in zip(found[::2], found[1::2], strict=True):
        print(f"{kernel.name.rpartition(',')[0]:32} {kernel.median / 1e6:8.1f} {whole.median / 1e6:8.1f}")


if __name__ == "__main__":
    main()
