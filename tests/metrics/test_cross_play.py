"""Cross-play: additive and incompatible runs, coverage of the interval over runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.metrics import cross_play, jackknife


def test_runs_that_only_get_along_with_themselves() -> None:
    found = cross_play(np.where(np.eye(5, dtype=bool), 10.0, 4.0))
    assert [part[:] for part in found[:4]] == [
        (10.0, 10.0, 10.0),
        (4.0, 4.0, 4.0),
        (6.0, 6.0, 6.0),
        (0.4, 0.4, 0.4),
    ]
    assert found.seeds == 5


def test_interchangeable_partners_have_no_gap_whatever_the_runs_are_worth() -> None:
    # J(a, b) = x_a + x_b: runs differ, but nobody plays worse with strangers.
    x = np.random.default_rng(0).normal(5.0, 2.0, 8)
    found = cross_play(x[:, None] + x[None, :])
    assert found.gap.value == pytest.approx(0.0)
    assert found.self_play.value == pytest.approx(2 * x.mean())
    assert found.gap.low <= 0.0 <= found.gap.high


def test_means_by_hand() -> None:
    found = cross_play([[8.0, 2.0], [4.0, 6.0]])
    assert (found.self_play.value, found.cross_play.value, found.gap.value) == (7.0, 3.0, 4.0)
    assert found.ratio.value == pytest.approx(3 / 7)
    assert math.isnan(cross_play([[-8.0, 2.0], [4.0, 6.0]]).ratio.value)


def test_the_interval_over_runs_covers_and_one_over_cells_does_not() -> None:
    # J(a, b) = partner effects of runs: the spread of the mean comes from 10 runs, not from 90 cells.
    covered, cells = [], []
    for k in range(150):
        rng = np.random.default_rng(k)
        x = rng.normal(size=10)
        matrix = 5.0 + x[:, None] + x[None, :] + 0.1 * rng.normal(size=(10, 10))
        interval = cross_play(matrix, repetitions=300, seed=k).cross_play
        covered.append(interval.low <= 5.0 <= interval.high)
        apart = matrix[~np.eye(10, dtype=bool)]
        cells.append(abs(apart.mean() - 5.0) <= 1.96 * apart.std() / math.sqrt(apart.size))
    assert 0.83 <= np.mean(covered) <= 0.99  # percentile intervals of 10 runs cover a little too rarely
    assert np.mean(cells) < 0.5


def test_bootstrap_is_deterministic_and_jackknife_agrees() -> None:
    rng = np.random.default_rng(1)
    matrix = 3.0 + rng.normal(size=(12, 12)) + 4.0 * np.diag(rng.random(12))
    one, other = cross_play(matrix, seed=1), cross_play(matrix, seed=1)
    assert one == other
    assert one != cross_play(matrix, seed=2)
    gap, error = jackknife(matrix)
    assert gap == pytest.approx(one.gap.value)
    assert (one.gap.high - one.gap.low) / (2 * 1.96) == pytest.approx(error, rel=0.4)


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    # With cross-play of 0 everywhere the gap is the mean of the diagonal.
    x = np.random.default_rng(2).normal(size=9)
    assert jackknife(np.diag(x)) == pytest.approx((x.mean(), x.std(ddof=1) / 3))


def test_bad_matrices_are_refused() -> None:
    for matrix in ([[1.0]], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]):
        with pytest.raises(ParameterError, match="square with at least 2 runs"):
            cross_play(matrix)
    with pytest.raises(ParameterError, match=r"matrix\[0, 1\] must be a number, not NaN"):
        cross_play([[1.0, math.nan], [1.0, 1.0]])
    with pytest.raises(ParameterError, match="square with at least 3 runs"):
        jackknife([[1.0, 2.0], [1.0, 2.0]])
    with pytest.raises(ParameterError, match="confidence"):
        cross_play([[1.0, 2.0], [1.0, 2.0]], confidence=0.0)
