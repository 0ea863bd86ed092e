"""Credit: Shapley values by all orders and of games whose values are known; signs and sums."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError
from marl_envs.metrics import counterfactual_advantage, difference_rewards, factoredness, shapley
from marl_envs.metrics.credit import Worth

WORTHS = st.integers(1, 4).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.floats(-10, 10), min_size=2**n, max_size=2**n))
)


def table(values: list[float]) -> Worth:
    return lambda members: values[sum(1 << i for i in members)]


@given(WORTHS)
def test_exact_values_are_means_over_all_orders(game: tuple[int, list[float]]) -> None:
    n, values = game
    worth = table(values)
    brute = np.zeros(n)
    for order in permutations(range(n)):
        for k, i in enumerate(order):
            brute[i] += worth(frozenset(order[: k + 1])) - worth(frozenset(order[:k]))
    found = shapley(n, worth)
    assert found.values == pytest.approx(brute / math.factorial(n), abs=1e-9)
    assert found.sum_check == pytest.approx(0.0, abs=1e-9)


@given(WORTHS, st.integers(1, 4), st.integers(0, 5))
def test_sampled_values_sum_up_whatever_the_sample(game: tuple[int, list[float]], pairs: int, seed: int) -> None:
    n, values = game
    found = shapley(n, table(values), permutations=2 * pairs, seed=seed)
    assert found.sum_check == pytest.approx(0.0, abs=1e-9)
    assert found.values.sum() == pytest.approx(values[-1] - values[0], abs=1e-9)


def test_gloves() -> None:
    # Agents 0 and 1 have a left glove, agent 2 a right one; a pair is worth 1.
    found = shapley(3, lambda members: float(2 in members and len(members) > 1))
    assert found.values == pytest.approx([1 / 6, 1 / 6, 2 / 3])


def test_an_order_and_its_reverse_are_exact_for_pairs() -> None:
    # v(S) = number of pairs in S plus what each brings alone: antithetic orders have no variance.
    alone = [1.0, 5.0, -2.0, 0.0, 3.0]
    found = shapley(5, lambda s: sum(alone[i] for i in s) + math.comb(len(s), 2), permutations=4)
    assert found.values == pytest.approx([x + 2.0 for x in alone])
    assert found.errors == pytest.approx(np.zeros(5), abs=1e-9)


def test_sampling_comes_near_with_the_error_it_says() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=2**6).tolist()
    exact = shapley(6, table(values)).values
    found = shapley(6, table(values), permutations=2000, seed=1)
    assert (np.abs(found.values - exact) <= 4 * found.errors).all()
    assert (found.errors < 0.1).all()
    assert np.isnan(shapley(6, table(values), permutations=2).errors).all()


def test_a_set_is_asked_for_once_and_noise_shows_in_the_check() -> None:
    asked: list[frozenset[int]] = []
    shapley(4, lambda s: asked.append(s) or float(len(s)), permutations=50)  # type: ignore[func-returns-value]
    assert len(asked) == len(set(asked)) <= 16


def test_difference_rewards() -> None:
    assert difference_rewards(10.0, [7.0, 10.0, 12.0]).tolist() == [3.0, 0.0, -2.0]


def test_difference_rewards_are_factored_and_a_selfish_one_is_not() -> None:
    rng = np.random.default_rng(1)
    teams = rng.normal(size=20)
    assert factoredness(teams - 3.0, teams) == 1.0  # what is taken off does not depend on the agent's own action
    assert factoredness(-teams, teams) == 0.0
    assert math.isnan(factoredness([1.0, 1.0], [1.0, 2.0]))


def test_counterfactual_advantages_have_mean_0() -> None:
    q, policy = [3.0, -1.0, 7.0], [0.5, 0.3, 0.2]
    found = [counterfactual_advantage(q, policy, b) for b in range(3)]
    assert np.dot(policy, found) == pytest.approx(0.0)
    assert found[2] - found[0] == pytest.approx(4.0)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ParameterError, match="permutations must be even"):
        shapley(3, lambda s: 0.0, permutations=3)
    with pytest.raises(ParameterError, match="agents must be an integer from 1 to 16 where exact"):
        shapley(17, lambda s: 0.0)
    with pytest.raises(ParameterError, match="same length"):
        factoredness([1.0], [1.0, 2.0])
    with pytest.raises(ParameterError, match="action must be an integer from 0 to 2"):
        counterfactual_advantage([1.0, 2.0, 3.0], [1.0, 0.0, 0.0], 3)
