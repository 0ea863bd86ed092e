"""Games of one step: what deviating alone would gain, and how independent learners go wrong in them.

A game is an array of payoffs [A, N_1, ..., N_A], what each agent gets for each joint action (`common` makes one of a
payoff that all share); a policy is one array of probabilities [N_i] an agent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.metrics.checks import Floats, finite, probabilities

_SLACK = 1e-9  # of payoffs, beyond which a deviation is an improvement


def common(payoff: Any) -> Floats:
    """Return the game [A, N_1, ..., N_A] in which each of the A agents gets `payoff` [N_1, ..., N_A]."""
    shared = np.asarray(payoff, np.float64)
    return np.repeat(shared[None], shared.ndim, axis=0)


def action_values(payoffs: Any, policy: Sequence[Any], agent: int) -> Floats:
    """Return what each action of `agent` is worth to it if the others play `policy`, [N_agent], in their unit."""
    game, chances = _checked(payoffs, policy)
    values = game[agent]
    for j in reversed(range(len(chances))):
        if j != agent:
            values = np.tensordot(values, chances[j], axes=([j], [0]))
    return np.asarray(values)


def best_response_gap(payoffs: Any, policy: Sequence[Any]) -> Floats:
    """Return for each agent what it would gain by its best response to the others, [A].

    Unit: that of the payoffs. Range: at least 0. The largest certifies an epsilon-equilibrium; all 0 with less than the
    best payoff: the team is in the wrong equilibrium.

    Raises:
        ParameterError: shapes that do not fit, or no probabilities.

    Source: epsilon-equilibria, after Nash (1951).
    """
    game, chances = _checked(payoffs, policy)
    values = [action_values(game, chances, i) for i in range(len(chances))]
    return np.array([v.max() - p @ v for v, p in zip(values, chances, strict=True)])


def equilibria(payoffs: Any) -> NDArray[np.bool_]:
    """Return which joint actions are pure Nash equilibria, bool [N_1, ..., N_A]."""
    game = _game(payoffs)
    found = np.ones(game.shape[1:], bool)
    for i, own in enumerate(game):
        found &= own >= own.max(axis=i, keepdims=True) - _SLACK
    return found


def price_of_anarchy(payoffs: Any) -> tuple[float, float]:
    """Return best total over that of the worst pure equilibrium (of anarchy), and over that of the best (of stability).

    Unit: 1. Range: at least 1; NaN without a pure equilibrium, or where a total is not above 0.

    Source: Koutsoupias and Papadimitriou (1999); of stability: Anshelevich et al. (2004).
    """
    game = _game(payoffs)
    totals, stable = game.sum(axis=0), equilibria(game)
    if not stable.any() or totals[stable].min() <= 0:
        return float("nan"), float("nan")
    best = float(totals.max())
    return best / float(totals[stable].min()), best / float(totals[stable].max())


def shadow_gap(payoffs: Any, policy: Sequence[Any], optimal: Sequence[int]) -> Floats:
    """Return for each agent how much its part of the optimal joint action is shadowed, [A].

    [max_b E Q_i(b, a_-i)] - E Q_i(a_i*, a_-i), the others drawn from `policy`: above 0, an agent that averages over
    what others explore prefers something else to the optimum (relative overgeneralisation).

    Unit: that of the payoffs. Range: at least 0.

    Source: Wiegand (2003); Wei and Luke (JMLR 17, 2016).
    """
    game, chances = _checked(payoffs, policy)
    if len(optimal) != len(chances) or any(not 0 <= a < len(p) for a, p in zip(optimal, chances, strict=True)):
        raise ParameterError(f"optimal must name an action of each of {len(chances)} agents, not {optimal!r}")
    values = [action_values(game, chances, i) for i in range(len(chances))]
    return np.array([v.max() - v[a] for v, a in zip(values, optimal, strict=True)])


def miscoordination(payoffs: Any, joint_actions: Any) -> float:
    """Return the share of joint actions that are no equilibrium although each agent's action is part of one.

    Unit: 1. Range: 0 to 1. The family matrix_v0 counts the same over the steps of an episode; this is for the greedy
    joint actions that runs end with.

    Args:
        payoffs: [A, N_1, ..., N_A].
        joint_actions: integers [R, A], one row a run.

    Source: Claus and Boutilier (1998).
    """
    game = _game(payoffs)
    stable, chosen = equilibria(game), np.asarray(joint_actions)
    sizes = np.array(game.shape[1:])
    if chosen.ndim != 2 or chosen.shape[1] != len(game) or not len(chosen) or chosen.dtype.kind not in "iu":
        raise ParameterError(f"joint_actions must be integers [runs, {len(game)}], not of shape {chosen.shape}")
    if (chosen < 0).any() or (chosen >= sizes).any():
        raise ParameterError(f"joint_actions must be below {sizes.tolist()}")
    axes = range(len(game))
    part = [np.asarray(stable.any(axis=tuple(j for j in axes if j != i))) for i in axes]
    each = np.all([part[i][chosen[:, i]] for i in axes], axis=0)
    return float((each & ~np.asarray(stable[tuple(chosen.T)])).mean())


def optimism(values: Any, returns: Any) -> float:
    """Return the mean of Q_i(a_i) - what actions really returned: how much agents expect too much.

    Unit: that of the returns. Range: any; above 0 of learners that forgive.
    """
    q, found = finite("values", values, 1), finite("returns", returns, 1)
    if q.shape != found.shape:
        raise ParameterError(f"values and returns must have the same length, not {q.size} and {found.size}")
    return float((q - found).mean())


def _game(payoffs: Any) -> Floats:
    game = np.asarray(payoffs, np.float64)
    if game.ndim < 2 or len(game) != game.ndim - 1:
        raise ParameterError(f"payoffs must be [A, N_1, ..., N_A], not of shape {game.shape}")
    return finite("payoffs", game, game.ndim)


def _checked(payoffs: Any, policy: Sequence[Any]) -> tuple[Floats, list[Floats]]:
    game = _game(payoffs)
    chances = [probabilities(f"policy[{i}]", p, 1) for i, p in enumerate(policy)]
    if tuple(map(len, chances)) != game.shape[1:]:
        raise ParameterError(f"policy has {[len(p) for p in chances]} actions, payoffs {list(game.shape[1:])}")
    return game, chances
