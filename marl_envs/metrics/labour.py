"""Whether agents specialise: division of labour from counts of who did what."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from marl_envs.core.params import ParameterError, check_int
from marl_envs.metrics.checks import Floats, integers
from marl_envs.metrics.information import entropy, information_of


class Labour(NamedTuple):
    """Division of labour; NaN where nothing was done or, of the p-value, where there is but one episode."""

    of_tasks: float  # I(agent; task) / H(task): how much the agent says about the task
    of_agents: float  # I(agent; task) / H(agent): how much the task says about the agent
    information: float  # I(agent; task) [bits]
    null_mean: float  # of the information, under exchanged names of agents [bits]
    p_value: float
    spread: Floats  # [A] H(tasks of the agent) / log2 K: 0 specialist, 1 generalist


def division_of_labour(counts: Any, permutations: int = 200, seed: int = 0) -> Labour:
    """Return the division of labour of counts [episodes, A, K]: how often agent i did a task of type (or zone) k.

    Unit: 1 (and bits). Range: 0 (all do all) to 1 (each does its own). Agents of a few episodes differ by chance: the
    null exchanges the agents' names within every episode, so that only roles that last over episodes stand out.

    Args:
        counts: integers, at least 0.
        permutations: samples of the null.
        seed: of these.

    Source: Gorelick, Bertram, Killeen and Fewell (2004).
    """
    table = integers("counts", counts, 3)
    check_int("permutations", permutations, 1)
    if 0 in table.shape:
        raise ParameterError(f"counts must hold an episode, an agent and a task, not the shape {table.shape}")
    pooled = table.sum(axis=0)
    found = information_of(pooled)
    null = _null(table, permutations, seed)
    p_value = (1 + int((null >= found - 1e-12).sum())) / (1 + permutations) if len(table) > 1 else float("nan")
    return Labour(
        _share(found, entropy(pooled.sum(axis=0))),
        _share(found, entropy(pooled.sum(axis=1))),
        found,
        float(null.mean()),
        p_value,
        np.array([_share(entropy(row), float(np.log2(len(row)))) for row in pooled]),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _null(table: Any, permutations: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    return np.array([information_of(_renamed(table, rng)) for _ in range(permutations)])


def _renamed(table: Any, rng: np.random.Generator) -> Any:
    """Return the counts [A, K] with the agents' names exchanged in every episode."""
    order = np.argsort(rng.random(table.shape[:2]), axis=1)
    return np.take_along_axis(table, order[:, :, None], axis=1).sum(axis=0)
