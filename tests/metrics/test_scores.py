"""Scores, prices and regret by hand and by invariants."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError
from marl_envs.metrics import normalised_score, price_of_decentralisation, regret

NUMBERS = st.floats(-1e3, 1e3)


def test_chance_is_0_and_the_planner_1() -> None:
    assert normalised_score(3.0, 3.0, 11.0) == 0.0
    assert normalised_score(11.0, 3.0, 11.0) == 1.0
    assert normalised_score(7.0, 3.0, 11.0) == 0.5
    assert normalised_score(20.0, 30.0, 10.0, better="lower") == 0.5


@given(NUMBERS, NUMBERS, st.floats(0.1, 1e3), st.floats(0.1, 10), NUMBERS)
def test_the_score_has_no_unit(value: float, random: float, span: float, factor: float, shift: float) -> None:
    score = normalised_score(value, random, random + span)
    assert normalised_score(
        factor * value + shift, factor * random + shift, factor * (random + span) + shift
    ) == pytest.approx(score, rel=1e-6, abs=1e-6)
    assert normalised_score(-value, -random, -random - span, better="lower") == pytest.approx(score)


def test_no_scale_where_the_planner_is_no_better_than_chance() -> None:
    assert math.isnan(normalised_score(1.0, 5.0, 5.0))
    assert math.isnan(normalised_score(1.0, 5.0, 6.0, better="lower"))


def test_prices() -> None:
    assert price_of_decentralisation(8.0, 10.0) == (1.25, 2.0)
    assert price_of_decentralisation(30.0, 20.0, "cost") == (1.5, 10.0)
    ratio, gap = price_of_decentralisation(-1.0, 10.0)  # different signs: a gap, but no ratio
    assert math.isnan(ratio)
    assert gap == 11.0
    with pytest.raises(ParameterError, match="kind must be one of 'reward', 'cost'"):
        price_of_decentralisation(1.0, 1.0, "other")  # type: ignore[arg-type]


def test_regret_of_a_straight_climb_is_a_triangle() -> None:
    assert regret([0, 50, 100], [0.0, 5.0, 10.0], 10.0) == 500.0
    assert regret([0, 10, 100], [10.0, 10.0, 10.0], 10.0) == 0.0
    for steps, values in (([0], [1.0]), ([0, 0], [1.0, 2.0]), ([0, 1, 2], [1.0, 2.0])):
        with pytest.raises(ParameterError, match="steps must increase"):
            regret(steps, values, 1.0)
    with pytest.raises(ParameterError, match=r"values\[1\] must be a number, not NaN"):
        regret([0, 1], [1.0, math.nan], 1.0)
