"""Who earned what: difference rewards, their factoredness, counterfactual advantages, Shapley values."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from marl_envs.core.params import ParameterError, check_int
from marl_envs.metrics.checks import Floats, finite, probabilities

Worth = Callable[[frozenset[int]], float]
MOST_EXACT = 16  # agents of which all 2^n coalitions are still asked for


def difference_rewards(team: float, without: Any) -> Floats:
    """Return D_i = G(z) - G(z_-i + c_i): what the team gets less for want of agent i, [A].

    Unit: that of `team`. Range: any; below 0 where agent i is in the way. Name the default c_i (absent, frozen, random)
    wherever it is shown, since it decides what is measured.

    Args:
        team: result of all agents.
        without: [A] the result with agent i replaced by the default.

    Source: Wolpert and Tumer (2002).
    """
    return team - finite("without", without, 1)


def factoredness(differences: Any, teams: Any) -> float:
    """Return how often a change of D_i and the change of G have the same sign, of the pairs in which both change.

    Unit: 1. Range: 0 to 1 (who improves D_i improves G); NaN without such pairs.

    Args:
        differences: [K] D_i of K joint actions that differ in agent i alone.
        teams: [K] G of these.

    Source: Agogino and Tumer (2008).
    """
    d, g = finite("differences", differences, 1), finite("teams", teams, 1)
    if d.shape != g.shape:
        raise ParameterError(f"differences and teams must have the same length, not {d.size} and {g.size}")
    first, second = np.triu_indices(d.size, 1)
    signs = np.sign(d[first] - d[second]) * np.sign(g[first] - g[second])
    counted = signs[signs != 0]
    return float((counted > 0).mean()) if counted.size else float("nan")


def counterfactual_advantage(values: Any, policy: Any, action: int) -> float:
    """Return A_i = Q(s, a) - sum_b pi_i(b | s) Q(s, (a_-i, b)).

    Unit: that of `values`. Range: any; its mean under pi_i is 0.

    Args:
        values: [N] Q(s, (a_-i, b)) for each action b of agent i, the others as they acted.
        policy: [N] agent i's probabilities.
        action: what agent i did.

    Source: COMA, Foerster et al. (2018).
    """
    q, p = finite("values", values, 1), probabilities("policy", policy, 1)
    if q.shape != p.shape:
        raise ParameterError(f"values and policy must have the same length, not {q.size} and {p.size}")
    return float(q[check_int("action", action, 0, q.size - 1)] - p @ q)


class Shapley(NamedTuple):
    """Shapley values [A], their standard errors (0 where exact), and how far their sum is from v(N) - v(empty)."""

    values: Floats
    errors: Floats
    sum_check: float


def shapley(agents: int, worth: Worth, permutations: int | None = None, seed: int = 0) -> Shapley:
    """Return each agent's mean contribution to `worth` over all orders in which the team may come together.

    Unit: that of `worth`. Range: any. The values sum to v(N) - v(empty), exactly for every single order and so for any
    sample of them: `sum_check` holds the difference, which is rounding, unless `worth` is not a function of its set.

    Args:
        agents: n.
        worth: set of agents -> what it gets, agents outside replaced by a default (absent, frozen, random), to be
            named wherever values are shown. Called once a set.
        permutations: orders sampled, an even number, each followed by its reverse (antithetic); None: exact, by all
            2^n sets, for at most 16 agents.
        seed: of the orders.

    Source: Shapley (1953); antithetic orders: Mitchell, Cooper, Frank and Holmes (JMLR 23, 2022).
    """
    check_int("agents", agents, 1)
    known: dict[frozenset[int], float] = {}

    def v(members: frozenset[int]) -> float:
        if members not in known:
            known[members] = float(worth(members))
        return known[members]

    if permutations is None:
        values, errors = _exact(check_int("agents", agents, 1, MOST_EXACT, "where exact"), v), np.zeros(agents)
    else:
        check_int("permutations", permutations, 2)
        if permutations % 2:
            raise ParameterError(f"permutations must be even, as each order comes with its reverse, not {permutations}")
        values, errors = _sampled(agents, v, permutations // 2, seed)
    whole = v(frozenset(range(agents))) - v(frozenset())
    return Shapley(values, errors, float(values.sum() - whole))


def _exact(agents: int, v: Worth) -> Floats:
    values = np.zeros(agents)
    for i in range(agents):
        others = [j for j in range(agents) if j != i]
        for size in range(agents):
            weight = 1 / (agents * math.comb(agents - 1, size))
            sets = map(frozenset, combinations(others, size))
            values[i] += weight * sum(v(members | {i}) - v(members) for members in sets)
    return values


def _sampled(agents: int, v: Worth, pairs: int, seed: int) -> tuple[Floats, Floats]:
    """Return means over pairs of an order and its reverse, and the standard errors of these means (NaN of one pair)."""
    rng = np.random.default_rng(seed)
    found = np.zeros((pairs, agents))
    for k in range(pairs):
        order = rng.permutation(agents).tolist()
        for one in (order, order[::-1]):
            members: frozenset[int] = frozenset()
            for i in one:
                found[k, i] += (v(members | {i}) - v(members)) / 2
                members |= {i}
    errors = found.std(axis=0, ddof=1) / math.sqrt(pairs) if pairs > 1 else np.full(agents, np.nan)
    return found.mean(axis=0), errors
