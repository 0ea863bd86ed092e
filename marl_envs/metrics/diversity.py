"""How differently agents of a team behave on what they see: System Neural Diversity, and disagreement."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.metrics.checks import Floats, integers, probabilities


def total_variation(first: Any, second: Any) -> Floats:
    """Return half the summed absolute difference of probabilities [..., N], for each row.

    Unit: 1. Range: 0 (the same) to 1 (nothing in common). It is Wasserstein's distance under the 0/1 ground metric,
    which is the one that fits actions without an order.
    """
    distance: Floats = np.abs(np.asarray(first, np.float64) - np.asarray(second, np.float64)).sum(axis=-1) / 2
    return distance


def policy_distances(policies: Any) -> Floats:
    """Return the mean total variation of every pair of agents, [A, A].

    Args:
        policies: [A, M, N] each agent's probabilities of N actions on the same M observations, which should come from
            joint play of all of them.

    Raises:
        ParameterError: other axes, or rows that do not sum to 1.
    """
    p = probabilities("policies", policies, 3)
    return np.array([[total_variation(one, other).mean() for other in p] for one in p])


def diversity(policies: Any) -> float:
    """Return System Neural Diversity: the mean over pairs of agents of their mean total variation.

    Unit: 1. Range: 0 (one policy for all, as of a shared table) to 1 (no action in common anywhere); NaN for one agent.
    Of greedy policies it is the disagreement rate. It means something only where all agents see in the same frame.

    Args:
        policies: [A, M, N], see `policy_distances`.

    Source: SND, Bettini, Shankar and Prorok (JMLR 26, 2025), with total variation for discrete actions.
    """
    distances = policy_distances(policies)
    pairs = np.triu_indices(len(distances), 1)
    return float(distances[pairs].mean()) if len(pairs[0]) else float("nan")


def disagreement(actions: Any) -> float:
    """Return the share of observations on which two agents choose differently, mean over pairs.

    Unit: 1. Range: 0 to 1; NaN for one agent or no observation.

    Args:
        actions: integers [A, M], each agent's choice on the same M observations.
    """
    chosen = integers("actions", actions, 2)
    if len(chosen) < 2 or not chosen.shape[1]:
        return float("nan")
    pairs = np.triu_indices(len(chosen), 1)
    return float((chosen[pairs[0]] != chosen[pairs[1]]).mean())


def mean_policy_change(before: Any, after: Any) -> float:
    """Return the mean total variation between consecutive policies of the others: how fast the target moves.

    Unit: 1. Range: 0 (they stand still) to 1.

    Args:
        before: [A, M, N] probabilities of the others on M observations at one evaluation.
        after: the same at the next.

    Source: after the moving-target problem, Bowling and Veloso (2002).
    """
    first, second = probabilities("before", before, 3), probabilities("after", after, 3)
    if first.shape != second.shape:
        raise ParameterError(f"before and after must have the same shape, not {first.shape} and {second.shape}")
    return float(total_variation(first, second).mean())
