"""Evaluation: play whole episodes with a fixed policy and return what the environments measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.checkpoint import differences
from agents.history import Episode
from marl_envs.core.params import ParameterError, check_int

Choose = Callable[[NDArray[Any], dict[str, Any]], NDArray[Any]]


def evaluate(policy: Any, vec: Any, episodes: int, seed: int, *, transfer: bool = False) -> list[Episode]:
    """Play `episodes` episodes in `vec`, which is reset, and return the metrics of each.

    Each row of the batch plays its share of the episodes in turn (the first rows one more), so that short episodes
    are not favoured; the result has the rows in order. With fewer episodes than rows only the first rows count.

    Args:
        policy: a learner (plays greedily and learns nothing; nothing of it changes) or a Policy: `reset(seed)` and
            `act(vec, obs) -> int64 [E, A]`.
        vec: VectorEnv.
        episodes: how many, at least 1.
        seed: of the environments, and of the policy's random choices.
        transfer: let a learner play in an environment with other parameters than the one it was made for.

    Raises:
        ParameterError: `episodes` below 1, or a learner made for another environment: says what differs.
    """
    episodes = check_int("episodes", episodes, 1)
    choose = chooser(policy, vec, seed, transfer)
    left = np.full(vec.num_envs, episodes // vec.num_envs) + (np.arange(vec.num_envs) < episodes % vec.num_envs)
    rows: list[list[Episode]] = [[] for _ in range(vec.num_envs)]
    obs, info = vec.reset(seed=seed)
    while left.any():
        obs, _, _, _, info = vec.step(choose(obs, info))
        for e in np.flatnonzero(info["_metrics"] & (left > 0)):
            rows[e].append({name: float(values[e]) for name, values in info["metrics"].items()})
            left[e] -= 1
    return [episode for row in rows for episode in row]


def chooser(policy: Any, vec: Any, seed: int, transfer: bool) -> Choose:
    """Return a function of observations and infos that gives the actions of a policy, or of a learner's greedy one.

    Raises:
        ParameterError: see `evaluate`.
    """
    if not hasattr(policy, "greedy"):
        policy.reset(seed)
        return lambda obs, info: policy.act(vec, obs)
    found = differences(policy.fingerprint, vec.fingerprint)
    if found and not transfer:
        raise ParameterError("the learner was made for another environment: " + "; ".join(found))
    table = policy.greedy()
    table.reset(seed)
    see = getattr(table, "see", None)  # of policies that remember an episode

    def choose(obs: NDArray[Any], info: dict[str, Any]) -> NDArray[Any]:
        if see is not None and "ended" in info:
            see(info["ended"], info["alive"])
        choice: NDArray[Any] = table.choose(obs, info.get("action_mask"))
        return choice

    return choose
