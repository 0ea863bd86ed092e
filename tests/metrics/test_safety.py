"""Garwood's interval against scipy's chi-squared quantiles, and its coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marl_envs.core.params import ParameterError
from marl_envs.metrics import garwood, rule_of_three, safety_rate


@pytest.mark.parametrize("events", [0, 1, 2, 5, 17, 100, 1234, 1_000_000])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_garwood_is_half_of_chi_squared_quantiles(events: int, confidence: float) -> None:
    tail = (1 - confidence) / 2
    low = stats.chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * events + 2) / 2
    assert garwood(events, confidence) == pytest.approx((low, high), rel=1e-9)


def test_the_interval_covers_at_least_as_often_as_it_says() -> None:
    for mean in (0.5, 3.0, 20.0):
        counts = np.arange(100)
        hits = [low <= mean <= high for low, high in map(garwood, counts.tolist())]
        assert stats.poisson.pmf(counts, mean)[hits].sum() >= 0.95  # exact intervals are conservative


def test_rates_scale_with_what_they_are_for() -> None:
    rate = safety_rate(3, 6000, per=1000)
    low, high = garwood(3)
    assert rate == pytest.approx((3, 6000, 0.5, low / 6, high / 6))
    assert all(math.isnan(x) for x in safety_rate(0, 0)[2:])


def test_rule_of_three() -> None:
    assert rule_of_three(1000) == pytest.approx(3 / 1000, rel=0.002)
    assert rule_of_three(1) == pytest.approx(-math.log(0.05))
    # one-sided: as high as the two-sided interval at 90 %
    assert rule_of_three(7) == pytest.approx(garwood(0, 0.9)[1] / 7)


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ParameterError, match="events must be a number from 0"):
        garwood(-1)
    with pytest.raises(ParameterError, match="confidence must be between 0 and 1"):
        garwood(1, 1.0)
    with pytest.raises(ParameterError, match="of must be a number"):
        safety_rate(1, -1)
    with pytest.raises(ParameterError, match="of must be a number above 0"):
        rule_of_three(0)
