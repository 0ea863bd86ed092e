"""Jain and Gini against their sums over all pairs, closed forms, and invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError
from marl_envs.metrics import gini, jain, worst_to_mean

AMOUNTS = st.lists(st.floats(0.001, 1e6), min_size=2, max_size=12)


@given(AMOUNTS)
def test_gini_is_the_mean_difference_of_all_pairs(amounts: list[float]) -> None:
    x = np.array(amounts)
    brute = np.abs(x[:, None] - x[None, :]).sum() / (2 * x.size**2 * x.mean())
    assert gini(amounts) == pytest.approx(brute, abs=1e-9)
    assert gini(amounts, unbiased=True) == pytest.approx(brute * x.size / (x.size - 1), abs=1e-9)


@given(AMOUNTS, st.floats(0.01, 100), st.randoms(use_true_random=False))
def test_neither_unit_nor_order_matters(amounts: list[float], factor: float, random) -> None:
    other = [factor * x for x in amounts]
    random.shuffle(other)
    for metric in (jain, gini, worst_to_mean):
        assert metric(other) == pytest.approx(metric(amounts), rel=1e-6, abs=1e-9)
    n = len(amounts)
    assert 1 / n - 1e-9 <= jain(amounts) <= 1 + 1e-9
    assert -1e-9 <= gini(amounts) <= (n - 1) / n + 1e-9


def test_one_has_everything_or_all_the_same() -> None:
    assert (jain([0, 0, 8, 0]), gini([0, 0, 8, 0]), worst_to_mean([0, 0, 8, 0])) == (0.25, 0.75, 4.0)
    assert gini([0, 0, 8, 0], unbiased=True) == pytest.approx(1.0)
    assert (jain([3, 3, 3]), gini([3, 3, 3]), worst_to_mean([3, 3, 3])) == pytest.approx((1.0, 0.0, 1.0))
    assert gini([1, 2, 3, 4]) == pytest.approx(0.25)  # textbook


def test_jain_is_one_over_one_plus_the_squared_variation() -> None:
    x = np.random.default_rng(0).gamma(2.0, size=50)
    assert jain(x) == pytest.approx(1 / (1 + x.var() / x.mean() ** 2))


def test_the_unbiased_form_does_not_depend_on_the_number_of_agents() -> None:
    # The Gini coefficient of an exponential distribution is 1/2.
    rng = np.random.default_rng(1)
    few = np.mean([gini(rng.exponential(size=4), unbiased=True) for _ in range(4000)])
    biased = np.mean([gini(rng.exponential(size=4)) for _ in range(4000)])
    assert few == pytest.approx(0.5, abs=0.01)
    assert biased == pytest.approx(0.375, abs=0.01)


def test_nothing_shared_is_undefined() -> None:
    assert all(math.isnan(metric([0.0, 0.0])) for metric in (jain, gini, worst_to_mean))
    assert math.isnan(gini([5.0], unbiased=True))
    for metric in (jain, gini, worst_to_mean):
        with pytest.raises(ParameterError, match=r"amounts\[1\] must be finite and at least 0, not -1"):
            metric([1.0, -1.0])
        with pytest.raises(ParameterError, match="at least one element"):
            metric([])
