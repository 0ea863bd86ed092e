"""Statistics against scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import NOTHING, Estimate, iqm, stratified_bootstrap, t_interval


@pytest.mark.parametrize("count", [2, 3, 10, 100])
def test_t_interval_is_scipys(count: int) -> None:
    values = np.random.default_rng(count).normal(5.0, 2.0, count)
    estimate = t_interval(values)
    low, high = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    assert estimate == pytest.approx((values.mean(), low, high, count), rel=1e-9)


def test_t_interval_of_three_by_hand() -> None:
    # t(0.975, 2 degrees of freedom) = 0.95 / sqrt(2 * 0.975 * 0.025) and sd of 1, 2, 3 is 1
    half = 0.95 / math.sqrt(2 * 0.975 * 0.025) / math.sqrt(3)
    assert t_interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2.0 - half, 2.0 + half, 3))


def test_t_interval_covers_as_often_as_it_says() -> None:
    samples = np.random.default_rng(0).normal(size=(2000, 3))
    hits = np.mean([low <= 0.0 <= high for _, low, high, _ in map(t_interval, samples)])
    assert hits == pytest.approx(0.95, abs=0.015)


def test_undefined_values_are_left_out() -> None:
    assert t_interval([1.0, math.nan, 3.0]) == t_interval([1.0, 3.0])


def test_one_value_has_a_mean_but_no_interval() -> None:
    estimate = t_interval([4.0])
    assert estimate.mean == 4.0
    assert estimate.seeds == 1
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.margin)


@pytest.mark.parametrize("values", [[], [math.nan]])
def test_nothing_gives_nothing(values: list[float]) -> None:
    assert t_interval(values) is NOTHING
    assert math.isnan(iqm(values))
    assert stratified_bootstrap([values]) is NOTHING


@pytest.mark.parametrize("count", [1, 3, 4, 7, 8, 20])
def test_iqm_is_scipys_trimmed_mean(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    assert iqm(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_bootstrap_is_deterministic() -> None:
    strata = list(np.random.default_rng(0).normal(size=(2, 9)))
    assert stratified_bootstrap(strata, seed=1) == stratified_bootstrap(strata, seed=1)
    assert stratified_bootstrap(strata, seed=1) != stratified_bootstrap(strata, seed=2)


def test_bootstrap_keeps_the_strata_apart() -> None:
    # Within each stratum all values are equal, so every resample is the same; resampling over both would vary.
    assert stratified_bootstrap([[1.0] * 4, [5.0] * 4], statistic=np.mean)[:3] == (3.0, 3.0, 3.0)


def test_bootstrap_of_the_mean_has_the_known_width() -> None:
    values = np.random.default_rng(3).normal(size=400)
    estimate = stratified_bootstrap([values], statistic=np.mean, repetitions=4000)
    half = 1.96 * values.std() / 20
    assert (estimate.low, estimate.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_scaled_scales_everything_but_the_count() -> None:
    assert Estimate(1.0, 0.5, 1.5, 3).scaled(2) == Estimate(2.0, 1.0, 3.0, 3)
