"""Domain randomisation: signals that learned in one simulation or in many, where none of them was trained.

Plain: the cross, one rate of demand, cars all alike. Randomised: the junctions and demands of `junctions`, yellow of 3
to 8 s, two laws of car following, and drivers drawn for each hour. Both take as many steps and batches.
"""

from __future__ import annotations

from typing import Any

from agents import train
from agents.together import Together
from benchmarks.deep import junctions, signals
from benchmarks.deep.families import Family, Make, beginner
from marl_envs.traffic.signals import randomise

DRIVERS = {"headway": (0.6, 1.4), "max_acceleration": (0.7, 1.5), "max_speed": (0.6, 1.0), "min_gap": (0.7, 1.5)}
SLOW = {"headway": (1.8, 1.8), "max_acceleration": (0.5, 0.5), "max_speed": (0.5, 0.5), "min_gap": (2.0, 2.0)}
YELLOWS = (3.0, 5.0, 8.0)  # [s]
SHOWN: dict[str, Any] = {"observation": "summary", "actions": "fullest"}
STEPS, ENVS, BATCHES = 69_120, 128, 4  # [agent-steps]; environments; batches of each step
TRAININGS = ("plain", "randomised")


def among(place: signals.Place, drivers: randomise.Ranges, seed: int = 0, **parameters: Any) -> Make:
    """Return what makes batches at a place with such drivers, as the network sees them."""
    return lambda envs: signals.seen(
        randomise.vector_env(
            envs,
            drivers=drivers,
            drivers_seed=seed,
            network=place.network,
            demand=place.demand,
            demand_sets=junctions.SETS,
            **SHOWN,
            **parameters,
        )
    )


def randomised() -> list[Make]:
    """Return the simulations of the randomised training."""
    laws = ("krauss", "idm")
    return [
        among(place, DRIVERS, k, yellow=YELLOWS[k % len(YELLOWS)], car_following=laws[k % len(laws)])
        for k, place in enumerate(junctions.TASKS)
    ]


HOME = signals.Place("cross", "uniform-400")
TARGETS: dict[str, Make] = {
    "slow drivers": among(signals.Place("cross", "uniform-300"), SLOW, 100),
    "yellow 9 s": junctions.maker(signals.Place("cross", "uniform-400"), yellow=9.0),
    "tee": junctions.maker(signals.UNSEEN["tee"]),
    "RiLSA": junctions.maker(signals.UNSEEN["RiLSA"]),
}
FAMILY: Family = junctions.FAMILY


def trained(kind: str, seed: int) -> Any:
    """Return a network that learned in the plain simulation or in the randomised ones."""
    makes = [junctions.maker(HOME)] if kind == "plain" else randomised()
    vec = Together([make(ENVS // len(makes)) for make in makes])
    learner = FAMILY.learner(vec, seed, FAMILY.scratch_first, train_every=1, gradient_steps=BATCHES)
    train(learner, vec, STEPS, seed=seed, progress=False)
    return learner


def adapted(start: Any, target: str, seed: int) -> Any:
    """Return a network that learned from `start` for a short while at a target."""
    vec = TARGETS[target](FAMILY.envs)
    learner = beginner(FAMILY, vec, start, seed)
    train(learner, vec, FAMILY.adapting, seed=seed, progress=False)
    return learner


def travel_time(learner: Any, target: str, seed: int, episodes: int = 8) -> float:
    """Return the mean travel time [s] of new hours at a target."""
    return FAMILY.score(learner, TARGETS[target](episodes), seed, episodes)
