"""Games of one step against brute force over joint actions, and the climbing game's known traps."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError
from marl_envs.metrics import (
    action_values,
    best_response_gap,
    common,
    equilibria,
    miscoordination,
    optimism,
    price_of_anarchy,
    shadow_gap,
)
from marl_envs.small.matrix.games import EQUILIBRIUM, GAMES, MISMATCH, verdicts

CLIMBING = common([[11, -30, 0], [-30, 7, 6], [0, 0, 5]])
UNIFORM = [np.full(3, 1 / 3)] * 2


@given(st.integers(0, 1000))
def test_gaps_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = (2, 3, 2)
    payoffs = rng.normal(size=(3, *sizes))
    policy = [rng.dirichlet(np.ones(n)) for n in sizes]

    def worth(agent: int, chances: list[np.ndarray]) -> float:
        joint = product(*map(range, sizes))
        return sum(payoffs[agent][a] * math.prod(p[b] for p, b in zip(chances, a, strict=True)) for a in joint)

    for i, gap in enumerate(best_response_gap(payoffs, policy)):
        pure = [worth(i, [*policy[:i], np.eye(sizes[i])[b], *policy[i + 1 :]]) for b in range(sizes[i])]
        assert action_values(payoffs, policy, i) == pytest.approx(pure)
        assert gap == pytest.approx(max(pure) - worth(i, policy))


def test_climbing_has_wrong_equilibria() -> None:
    assert np.argwhere(equilibria(CLIMBING)).tolist() == [[0, 0], [1, 1]]
    wrong = [np.eye(3)[1]] * 2  # 7 each: nobody gains alone, but 11 is possible
    assert best_response_gap(CLIMBING, wrong).tolist() == [0.0, 0.0]
    mixed = [np.eye(3)[0], np.eye(3)[1]]
    assert best_response_gap(CLIMBING, mixed).tolist() == [7.0 + 30.0, 11.0 + 30.0]


def test_averages_shadow_the_optimum() -> None:
    # rows against uniform partners: (11 - 30) / 3, (-30 + 7 + 6) / 3, 5 / 3
    assert shadow_gap(CLIMBING, UNIFORM, [0, 0]) == pytest.approx([(5 + 19) / 3, (11 + 19) / 3])
    assert shadow_gap(CLIMBING, [np.eye(3)[0]] * 2, [0, 0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["climbing", "penalty", "stag_hunt", "prisoners_dilemma", "chicken"])
def test_equilibria_and_mismatches_are_those_that_the_environment_counts(name: str) -> None:
    game = GAMES[name](-100.0)
    payoffs = np.moveaxis(game.expected[0], -1, 0)
    verdict = verdicts(game)[0]
    assert np.array_equal(equilibria(payoffs), verdict & EQUILIBRIUM > 0)
    for joint in np.ndindex(verdict.shape):
        assert miscoordination(payoffs, [joint]) == float(verdict[joint] & MISMATCH > 0)


def test_miscoordination_is_a_share_of_runs() -> None:
    assert miscoordination(CLIMBING, [[0, 0], [0, 1], [1, 0], [2, 2]]) == 0.5


def test_prices_of_known_games() -> None:
    dilemma = np.array([[[3, 0], [5, 1]], [[3, 5], [0, 1]]])
    assert price_of_anarchy(dilemma) == (3.0, 3.0)
    assert price_of_anarchy(CLIMBING) == pytest.approx((11 / 7, 1.0))
    pennies = np.array([[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]])
    assert all(map(math.isnan, price_of_anarchy(pennies)))


def test_optimism() -> None:
    assert optimism([11.0, 11.0], [-30.0, 11.0]) == 20.5


def test_bad_games_are_refused() -> None:
    with pytest.raises(ParameterError, match="payoffs must be"):
        equilibria([[1, 2], [3, 4]])
    with pytest.raises(ParameterError, match=r"policy has \[2\] actions, payoffs \[3, 3\]"):
        best_response_gap(CLIMBING, [[0.5, 0.5]])
    with pytest.raises(ParameterError, match=r"policy\[1\]"):
        best_response_gap(CLIMBING, [[1, 0, 0], [1, 1, 0]])
    with pytest.raises(ParameterError, match="optimal must name"):
        shadow_gap(CLIMBING, UNIFORM, [0, 3])
    with pytest.raises(ParameterError, match="joint_actions must be below"):
        miscoordination(CLIMBING, [[0, 3]])
    with pytest.raises(ParameterError, match="joint_actions must be integers"):
        miscoordination(CLIMBING, [[0.5, 1.0]])
