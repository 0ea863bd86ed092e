"""The games by name, as payoffs and what follows; and which joint actions of a game are optimal or an equilibrium.

Sources: Claus and Boutilier (1998) for climbing and penalty; Kapetanakis and Kudenko (2002) for their stochastic forms;
Boutilier (1999) for the coordination game; Rashid et al. (2018) for the two-step game; the others are textbook games.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

END = -1  # in `Game.follow`: the game is over
DISCOUNT = 0.9  # by which joint actions of a game with several states are called optimal
_SWEEPS = 500  # of value iteration: 0.9**500 is 1e-23
# Bits of the verdict on a joint action
OPTIMAL, EQUILIBRIUM, MISMATCH, CHOICE = 1, 2, 4, 8


class Game(NamedTuple):
    """S states, A agents, N_a actions of agent a; a matrix game has one state."""

    payoff: NDArray[np.float64]  # [S, N_1, ..., N_A, A] what each agent gets
    alternative: NDArray[np.float64]  # the same shape; each of both is paid with probability 1/2, by one coin for all
    follow: NDArray[np.int32]  # [S, N_1, ..., N_A] the next state, or END

    @property
    def expected(self) -> NDArray[np.float64]:
        """Expected payoffs, [S, N_1, ..., N_A, A]."""
        return (self.payoff + self.alternative) / 2


def common(payoff: Any, alternative: Any = None, follow: Any = None) -> Game:
    """Return the game in which all agents get the same.

    Args:
        payoff: [N_1, ..., N_A], or with `follow` [S, N_1, ..., N_A].
        alternative: the same shape; None: `payoff`.
        follow: next states [S, N_1, ..., N_A], END where the game is over; None: one state, one joint action.
    """
    first = np.asarray(payoff, float)
    agents = first.ndim - (follow is not None)
    spread = [
        np.repeat(np.asarray(p, float)[..., None], agents, -1)
        for p in (first, first if alternative is None else alternative)
    ]
    return _game(spread[0], spread[1], follow)


def individual(payoffs: Any, alternatives: Any = None, follow: Any = None) -> Game:
    """Return the game in which agent a gets `payoffs[a]`; the arguments are as for `common`, one array an agent."""
    first = np.moveaxis(np.asarray(payoffs, float), 0, -1)
    second = first if alternatives is None else np.moveaxis(np.asarray(alternatives, float), 0, -1)
    return _game(first, second, follow)


def _game(payoff: NDArray[np.float64], alternative: NDArray[np.float64], follow: Any) -> Game:
    if follow is None:
        return Game(payoff[None], alternative[None], np.full((1, *payoff.shape[:-1]), END, np.int32))
    return Game(payoff, alternative, np.asarray(follow, np.int32))


def boutilier(together: float, apart: float, safe: float, other: float | None = None) -> Game:
    """Return Boutilier's coordination game, rewards on arrival; it never ends.

    s1: agent 1 chooses s2 (a) or s3 (b). s2: equal actions lead to s4 (`together`), different ones to s5 (`apart`).
    s3 leads to s6 (`safe`; if `other` is given, `safe` or `other`, each with probability 1/2). s4 to s6 lead to s1.
    """
    follow = np.zeros((6, 2, 2), np.int32)
    follow[0] = [[1, 1], [2, 2]]
    follow[1] = [[3, 4], [4, 3]]
    follow[2] = 5
    payoff = np.zeros((6, 2, 2))
    payoff[1] = [[together, apart], [apart, together]]
    payoff[2] = safe
    alternative = payoff.copy()
    alternative[2] = safe if other is None else other
    return common(payoff, alternative, follow)


def _two_step() -> Game:
    """Return QMIX's two-step game: agent 1 chooses 2A (always 7) or 2B (8 if both take the second action)."""
    follow = np.full((3, 2, 2), END)
    follow[0] = [[1, 1], [2, 2]]
    return common([[[0, 0], [0, 0]], [[7, 7], [7, 7]], [[0, 1], [1, 8]]], None, follow)


def _bimatrix(rows: Any) -> Game:
    """Return a symmetric game of two agents: `rows` is what the first one gets."""
    return individual([rows, np.transpose(rows)])


_CLIMBING = [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]
_PARTIAL = [[11, -30, 0], [-30, 14, 6], [0, 0, 5]], [[11, -30, 0], [-30, 0, 6], [0, 0, 5]]
_FULL = [[10, 5, 8], [5, 14, 12], [8, 12, 10]], [[12, -65, -8], [-65, 0, 0], [-8, 0, 0]]

GAMES: dict[str, Callable[[float], Game]] = {  # of k, the penalty
    "climbing": lambda k: common(_CLIMBING),
    "climbing_partial": lambda k: common(*_PARTIAL),
    "climbing_full": lambda k: common(*_FULL),
    "penalty": lambda k: common([[10, 0, k], [0, 2, 0], [k, 0, 10]]),
    "stag_hunt": lambda k: _bimatrix([[4, 0], [3, 3]]),  # stag, hare
    "prisoners_dilemma": lambda k: _bimatrix([[3, 0], [5, 1]]),  # cooperate, defect
    "chicken": lambda k: _bimatrix([[6, 2], [7, 0]]),  # swerve, dare
    "boutilier": lambda k: boutilier(10, k, 5),
    "two_step": lambda k: _two_step(),
}


def worth(game: Game, discount: float = DISCOUNT) -> NDArray[np.float64]:
    """Return what each joint action is worth to the team, [S, N_1, ..., N_A].

    The sum of expected payoffs, and in a game of several states the discounted value of what the best joint actions
    bring afterwards.
    """
    paid: NDArray[np.float64] = game.expected.sum(axis=-1)
    if len(paid) == 1:
        return paid
    value = np.zeros(len(paid) + 1)  # the last entry is END's: worth nothing
    q = paid
    for _ in range(_SWEEPS):
        value[:-1] = q.reshape(len(q), -1).max(axis=1)
        q = paid + discount * value[game.follow]
    return q


def verdicts(game: Game) -> NDArray[np.uint8]:
    """Return what is to be said of each joint action, bits [S, N_1, ..., N_A].

    OPTIMAL: worth most to the team. EQUILIBRIUM: nobody gains by deviating alone (pure Nash; in a game of several
    states, measured by what is worth most to the team). MISMATCH: no equilibrium, though each action is part of one.
    CHOICE: the state is one where not everything is optimal.
    """
    q = worth(game)
    slack = 1e-9 * (1 + np.abs(q).max())
    best = q.max(axis=tuple(range(1, q.ndim)), keepdims=True)
    optimal = q >= best - slack
    agents = q.ndim - 1
    gains = game.expected if len(q) == 1 else np.repeat(q[..., None], agents, -1)
    equilibrium = np.ones_like(optimal)
    for a in range(agents):
        own = gains[..., a]
        equilibrium &= own >= own.max(axis=1 + a, keepdims=True) - slack
    parts = np.ones_like(optimal)
    for a in range(agents):
        others = tuple(1 + b for b in range(agents) if b != a)
        parts &= equilibrium.any(axis=others, keepdims=True)
    choice = ~optimal.all(axis=tuple(range(1, q.ndim)), keepdims=True) & np.ones_like(optimal)
    found = OPTIMAL * optimal + EQUILIBRIUM * equilibrium + MISMATCH * (parts & ~equilibrium) + CHOICE * choice
    verdict: NDArray[np.uint8] = found.astype(np.uint8)
    return verdict
