"""What we measure of vehicles at junctions, and the same of highway-env's multi-agent intersection, if it is installed.

Both play at random, resets included. Decisions do not last equally long, so a block of work also knows how many
vehicles drive on average, and for how long in a decision.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.measure import Block

FOUR: dict[str, Any] = {"layout": "cross", "num_vehicles": 4}
PLANNED = 64  # steps of random actions, sampled before and used over and over
# Towns of equal density and how many of them: a few vehicles a junction, all within 20 s, who mostly drive on
TOWNS: dict[int, tuple[str, int]] = {
    4: ("cross", 256),
    16: ("grid-2x2", 64),
    100: ("grid-5x5", 10),
    400: ("grid-10x10", 3),
}
DRIVING = (0.4, 0.4, 0.15, 0.05)  # how often the cars of a town keep their speed, accelerate, brake, brake hard


class Driven:
    """Some steps, played over and over; a call returns its work, in the unit asked for."""

    def __init__(self, step: Callable[[int], object], count: Callable[[], float], steps: int, seconds: float) -> None:
        """Count the vehicles that drive in one round, apart from what is measured.

        Args:
            step: takes the i-th step.
            count: how many vehicles drive.
            steps: of a round.
            seconds: of a step.
        """
        self._step, self.steps, self.seconds = step, steps, seconds
        self.work = 0
        counts = []
        for i in range(steps):
            step(i)
            counts.append(count())
        self.vehicles = float(np.mean(counts))

    def __call__(self) -> int:
        """Play a round."""
        for i in range(self.steps):
            self._step(i)
        return self.work


def batch(num_envs: int, shares: tuple[float, ...] | None = None, settle: int = 0, **params: Any) -> Driven:
    """Return random play of a VectorEnv; unit: agent-steps.

    Args:
        num_envs: environments.
        shares: how often each action is taken; None: all alike.
        settle: steps before anything is counted.
        params: of the environment.
    """
    from marl_envs import intersection_v0

    vec = intersection_v0.vector_env(num_envs=num_envs, **{"mask": None, **FOUR, **params})
    vec.reset(seed=0)
    rng = np.random.default_rng(0)
    actions = rng.choice(int(vec.action_space.n), (PLANNED, num_envs, vec.num_agents), p=shares)
    for i in range(settle):
        vec.step(actions[i % PLANNED])
    free = vec.arrays.num_free
    slots = num_envs * vec.arrays.free.shape[1]
    block = Driven(lambda i: vec.step(actions[i]), lambda: slots - int(free.sum()), PLANNED, _interval(vec))
    block.work = PLANNED * num_envs * vec.num_agents
    return block


def town(num_vehicles: int) -> Driven:
    """Return a batch of towns with so many vehicles, a key of TOWNS; unit: vehicle-steps of the engine."""
    layout, envs = TOWNS[num_vehicles]
    ample: dict[str, Any] = {"within": 20, "max_cycles": 120, "observation": "tabular", "mask_unsafe": True}
    block = batch(envs, DRIVING, 40, layout=layout, num_vehicles=num_vehicles, **ample)
    block.work = round(PLANNED * block.vehicles * block.seconds / 0.25)
    return block


def parallel(steps: int = 2000, **params: Any) -> Driven:
    """Return random play of the ParallelEnv; unit: agent-steps."""
    from marl_envs import intersection_v0

    env = intersection_v0.parallel_env(**FOUR, **params)
    env.reset(seed=0)
    names = env.possible_agents
    drawn = np.random.default_rng(0).integers(0, 4, (steps, len(names))).tolist()
    actions = [dict(zip(names, row, strict=True)) for row in drawn]

    def step(i: int) -> None:
        env.step(actions[i])
        if not env.agents:
            env.reset()

    arrays = env.vec.arrays
    block = Driven(step, lambda: arrays.free.shape[1] - int(arrays.num_free[0]), steps, _interval(env.vec))
    block.work = steps * len(names)
    return block


def _interval(vec: Any) -> float:
    """Return the time between two decisions [s]."""
    return float(vec.params.decision_interval)


def has_highway() -> bool:
    """Return whether highway-env can be imported."""
    return importlib.util.find_spec("highway_env") is not None


def highway(others: bool = True, steps: int = 20) -> Driven:
    """Return random play of highway-env's intersection with four agents; unit: agent-steps.

    Args:
        others: whether other vehicles drive there, as by default.
        steps: of a round.
    """
    import gymnasium
    import highway_env as registers_its_ids  # noqa: F401

    config: dict[str, Any] = {"controlled_vehicles": 4}
    if not others:
        config |= {"initial_vehicle_count": 0, "spawn_probability": 0.0}
    env: Any = gymnasium.make("intersection-multi-agent-v2", config=config).unwrapped
    env.reset(seed=0)
    actions = [tuple(row) for row in np.random.default_rng(0).integers(0, 3, (steps, 4)).tolist()]

    def step(i: int) -> None:
        _, _, done, truncated, _ = env.step(actions[i])
        if done or truncated:
            env.reset()

    block = Driven(step, lambda: len(env.road.vehicles), steps, 1.0 / env.config["policy_frequency"])
    block.work = steps * 4
    return block


def rate_of_seconds(rate: float, block: Block) -> float:
    """Return simulated vehicle-seconds a second for a rate of work a second of a `Driven` block."""
    driven: Any = block
    return rate / driven.work * driven.vehicles * driven.seconds * driven.steps
