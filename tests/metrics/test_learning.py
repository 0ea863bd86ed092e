"""Learning curves by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.metrics import area_under_curve, policy_churn, time_to_level

STEPS = [10, 20, 30, 40, 50]
RUNS = [
    [0, 9, 9, 9, 9],  # at 20
    [9, 9, 0, 9, 9],  # never for three in a row
    [9, 0, 9, 9, 9],  # at 30: the first does not last
    [0, 0, 0, 0, 0],
]


def test_a_level_counts_when_it_is_held() -> None:
    found = time_to_level(STEPS, RUNS, 9)
    assert found.times[[0, 2]].tolist() == [20, 30]
    assert np.isnan(found.times[[1, 3]]).all()
    assert found.share == 0.5
    assert found.restricted_mean == (20 + 50 + 30 + 50) / 4
    assert time_to_level(STEPS, RUNS, 9, hold=1).times[:3].tolist() == [20, 10, 10]
    assert time_to_level(STEPS, RUNS, 9, hold=6).share == 0.0


def test_what_is_undefined_is_not_at_the_level() -> None:
    found = time_to_level(STEPS, [[9, math.nan, 9, 9, 9], [math.nan] * 5], 9)
    assert found.times[0] == 30
    assert math.isnan(found.times[1])
    assert time_to_level([1, 2], [[math.nan, 0.0]], 1, hold=1, better="lower").times.tolist() == [2.0]


def test_lower_is_better_where_it_is() -> None:
    mirrored = time_to_level(STEPS, -np.array(RUNS), -9, better="lower")
    assert mirrored.restricted_mean == time_to_level(STEPS, RUNS, 9).restricted_mean


def test_area_is_a_mean_over_time() -> None:
    assert area_under_curve([0, 100], [0.0, 10.0]) == 5.0
    assert area_under_curve([0, 10, 100], [4.0, 4.0, 4.0]) == 4.0
    # half of the time at 0, half at 6, but for the climb between
    assert area_under_curve([0, 50, 50.001, 100], [0.0, 0.0, 6.0, 6.0]) == pytest.approx(3.0, abs=1e-3)


def test_churn_counts_visited_states() -> None:
    assert policy_churn([0, 1, 2, 3], [0, 1, 0, 0]) == 0.5
    assert policy_churn([0, 1, 2, 3], [0, 1, 0, 0], np.array([True, True, True, False])) == pytest.approx(1 / 3)
    assert math.isnan(policy_churn([0], [1], np.array([False])))


def test_bad_curves_are_refused() -> None:
    with pytest.raises(ParameterError, match="as many as evaluations, 5, not 4"):
        time_to_level(STEPS[:4], RUNS, 9)
    with pytest.raises(ParameterError, match=r"values\[0, 0\] must be finite, not inf"):
        time_to_level([1], [[math.inf]], 9)
    with pytest.raises(ParameterError, match="steps must increase"):
        area_under_curve([0, 0], [1.0, 2.0])
    with pytest.raises(ParameterError, match="same length"):
        policy_churn([0, 1], [0, 1], np.ones(3, bool))
