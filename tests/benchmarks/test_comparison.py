"""Comparisons and profiles against scipy, closed forms, and direct resampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.statistics import (
    NOTHING,
    caution,
    compare_pairs,
    median,
    optimality_gap,
    paired_improvement,
    performance_profile,
    probability_of_improvement,
    sign_flip_p_value,
    stratified_bootstrap,
    wilson,
)

SCORES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=9)


@given(SCORES, SCORES)
def test_improvement_is_mann_whitneys_u(first: list[float], second: list[float]) -> None:
    u = stats.mannwhitneyu(first, second).statistic
    found = probability_of_improvement([first], [second], repetitions=50)
    assert found.mean == pytest.approx(u / (len(first) * len(second)))
    assert found.low - 1e-12 <= found.high
    other = probability_of_improvement([second], [first], repetitions=50)
    assert found.mean + other.mean == pytest.approx(1.0)


def test_improvement_is_a_mean_over_environments() -> None:
    found = probability_of_improvement([[1, 2], [5, 5, 5]], [[3, 4], [5, 5]])
    assert found.mean == (0.0 + 0.5) / 2
    assert (found.low, found.high, found.seeds) == (0.25, 0.25, 2)


def test_its_interval_is_that_of_resampled_runs() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.5, size=12), rng.normal(size=9)
    found = probability_of_improvement([a], [b], repetitions=4000, seed=1)
    brute = [np.mean(a[rng.integers(12, size=12)][:, None] > b[rng.integers(9, size=9)][None, :]) for _ in range(4000)]
    assert (found.low, found.high) == pytest.approx(np.quantile(brute, [0.025, 0.975]), abs=0.02)
    assert found == probability_of_improvement([a], [b], repetitions=4000, seed=1)
    assert found != probability_of_improvement([a], [b], repetitions=4000, seed=2)


def test_of_normal_scores_it_is_known() -> None:
    rng = np.random.default_rng(2)
    found = probability_of_improvement([rng.normal(1.0, size=3000)], [rng.normal(size=3000)], repetitions=20)
    assert found.mean == pytest.approx(stats.norm.cdf(1 / math.sqrt(2)), abs=0.02)


def test_pairs_see_what_independent_runs_hide() -> None:
    hard = np.random.default_rng(3).normal(0.0, 10.0, 20)  # some seeds are harder than others, for both
    assert paired_improvement([hard + 0.1], [hard]).mean == 1.0
    assert probability_of_improvement([hard + 0.1], [hard]).mean == pytest.approx(0.5, abs=0.06)
    assert paired_improvement([[1, 2, 3]], [[1, 3, 2]]).mean == 0.5
    assert paired_improvement([[1, math.nan]], [[0, 9]]) == (1.0, 1.0, 1.0, 1)


@pytest.mark.parametrize("count", [2, 5, 10])
def test_sign_flips_are_scipys_permutation_test(count: int) -> None:
    d = np.random.default_rng(count).normal(0.4, size=count)
    exact = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=10**6)
    assert sign_flip_p_value(d) == pytest.approx(exact.pvalue)


def test_sampled_sign_flips_come_near_the_t_test() -> None:
    d = np.random.default_rng(4).normal(0.3, size=60)
    assert sign_flip_p_value(d) == pytest.approx(stats.ttest_1samp(d, 0.0).pvalue, abs=0.01)
    assert sign_flip_p_value(d, seed=1) == sign_flip_p_value(d, seed=1)


def test_five_pairs_never_reach_5_percent() -> None:
    assert sign_flip_p_value([9.0, 8.0, 7.0, 9.0, 8.0]) == 2 / 2**5
    assert math.isnan(sign_flip_p_value([]))


def test_a_comparison_is_scipys_paired_t_interval() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 8))
    found = compare_pairs([*a, math.nan, 1.0], [*b, 1.0, math.nan])
    low, high = stats.ttest_rel(a, b).confidence_interval()
    assert found.difference == pytest.approx(((a - b).mean(), low, high, 8))
    wins = int((a > b).sum())
    share = stats.binomtest(wins, 8).proportion_ci(method="wilson")
    assert found.improvement == pytest.approx((wins / 8, share.low, share.high, 8))
    other = compare_pairs(b, a)
    assert (other.difference.mean, other.improvement.mean) == pytest.approx((-(a - b).mean(), 1 - wins / 8))
    assert found.p_value == sign_flip_p_value(a - b)


def test_a_share_counts_ties_half_and_is_never_sure() -> None:
    found = compare_pairs([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]).improvement
    assert found.mean == 3.5 / 4
    assert wilson(5, 5).low < 0.6 < wilson(5, 5).high == 1.0
    assert wilson(0, 0) is NOTHING


def test_profiles_are_shares() -> None:
    found = performance_profile([[0.1, 0.5, 0.9], [0.5, 0.5]], [0.0, 0.5, 0.6, 1.0])
    assert found.share == pytest.approx([1.0, (1 / 3 + 0) / 2, (1 / 3) / 2, 0.0])
    assert (found.low <= found.share).all()
    assert (found.share <= found.high).all()
    assert np.isnan(performance_profile([[]], [0.5]).share).all()


def test_the_band_is_binomial() -> None:
    scores = np.linspace(0, 1, 100)
    found = performance_profile([scores], [0.5], repetitions=5000)
    assert (found.low[0], found.high[0]) == pytest.approx((0.4, 0.6), abs=0.011)  # 95 % of binomial(100, 1/2)
    assert np.array_equal(found.high, performance_profile([scores], [0.5], repetitions=5000).high)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20))
def test_area_under_the_profile_is_the_optimality_gap(scores: list[float]) -> None:
    # 1 - mean(min(x, 1)) is the area above the profile up to 1, from the lowest score on.
    edges = np.linspace(-5, 1, 6001)
    shares = performance_profile([scores], edges, repetitions=1).share
    assert optimality_gap(scores) == pytest.approx(((1 - shares)[:-1] * np.diff(edges)).sum(), abs=0.002)


def test_median_and_gap_of_nothing() -> None:
    assert math.isnan(median([math.nan]))
    assert math.isnan(optimality_gap([]))
    assert median([3.0, 1.0, math.nan, 10.0]) == 3.0
    assert optimality_gap([0.5, 3.0]) == 0.25
    assert probability_of_improvement([[]], [[1.0]]) is NOTHING
    assert paired_improvement([[math.nan]], [[1.0]]) is NOTHING
    estimate = stratified_bootstrap([[1.0] * 3, [2.0] * 3, [9.0] * 3], statistic=median)
    assert estimate[:3] == (2.0, 2.0, 2.0)


def test_few_runs_are_said_to_be_few() -> None:
    assert caution(5) is None
    assert caution(1) == "1 run: intervals of fewer than 5 runs are rough, and too narrow"
    assert "4 runs" in str(caution(4))


def test_what_does_not_match_is_refused() -> None:
    with pytest.raises(ValueError, match="as many environments on both sides, not 1 and 2"):
        probability_of_improvement([[1.0]], [[1.0], [2.0]])
    with pytest.raises(ValueError, match="same seeds, not 1 and 2 runs"):
        compare_pairs([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="same seeds, not 2 and 1 runs"):
        paired_improvement([[1.0, 2.0]], [[1.0]])
