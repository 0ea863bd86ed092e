"""Schedules: their values, their ranges, what they refuse, and the way through JSON."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.schedules import (
    Approach,
    Constant,
    Exponential,
    Linear,
    as_schedule,
    decaying,
    first_above,
    from_config,
    to_config,
)
from marl_envs.core.params import ParameterError

numbers = st.floats(-1e6, 1e6)
positives = st.floats(1e-6, 1e6)
parts = st.floats(0.01, 1.0)
schedules = st.one_of(
    st.builds(Constant, numbers),
    st.builds(Linear, numbers, numbers, parts),
    st.builds(Exponential, positives, positives, parts),
    st.builds(Approach, numbers, numbers, st.floats(0.0, 100.0)),
)


def test_values_at_known_points():
    assert Constant(3)(0.7) == 3.0
    line = Linear(0.2, 0.0, until=0.8)
    assert [line(p) for p in (0.0, 0.4, 0.8, 1.0)] == [0.2, 0.1, 0.0, 0.0]
    curve = Exponential(1.0, 0.01, until=0.5)
    assert curve(0.25) == pytest.approx(0.1)
    assert (curve(0.0), curve(0.5), curve(1.0)) == (1.0, 0.01, 0.01)
    toward = Approach(500.0, 1.0, rate=6.0)
    assert (toward(0.0), toward(0.5)) == (500.0, pytest.approx(499 * math.exp(-3.0) + 1))


@pytest.mark.parametrize("step", [0, 1, 700, 2000, 5000])
def test_decay_by_a_factor_a_step(step):
    assert decaying(5000.0, 0.997, 5000)(step / 5000) == pytest.approx(5000 * 0.997**step)
    assert decaying(1.0, 0.998, 5000, floor=0.01)(step / 5000) == pytest.approx(max(0.01, 0.998**step))


@given(schedules, st.floats(0.0, 1.0))
def test_values_stay_in_the_range(schedule, progress):
    low, high = schedule.range()
    assert low <= schedule(progress) <= high or math.isclose(schedule(progress), high if high else low)


@given(schedules)
def test_json_round_trip(schedule):
    assert from_config(json.loads(json.dumps(to_config(schedule)))) == schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(math.nan), "value must be a number"),
        (lambda: Constant("fast"), "value must be a number"),  # type: ignore[arg-type]
        (lambda: Linear(0.1, math.inf), "end must be a number"),
        (lambda: Linear(0.1, 0.2, until=0), "until must be above 0"),
        (lambda: Linear(0.1, 0.2, until=1.5), "until must be a number from 0.0 to 1.0"),
        (lambda: Exponential(0.0, 1.0), "start must be a number"),
        (lambda: Exponential(1.0, -1.0), "end must be a number"),
        (lambda: Approach(1.0, 0.0, -1.0), "rate must be a number"),
        (lambda: decaying(1.0, 1.0, 10), "factor must be above 0 and below 1"),
        (lambda: decaying(1.0, 0.5, 10, floor=1.0), "floor must be below start"),
        (lambda: as_schedule("alpha", 1.5, 0.0, 1.0), "alpha must be a number from 0.0 to 1.0, not 1.5"),
        (lambda: as_schedule("alpha", Linear(0.5, -0.1), 0.0, 1.0), r"alpha must stay from 0.0 to 1.0"),
        (lambda: as_schedule("alpha", None, 0.0, 1.0), "alpha must be a number"),  # type: ignore[arg-type]
        (lambda: from_config({"kind": "cosine"}), "constant, linear, exponential, approach, not 'cosine'"),
        (lambda: from_config({"kind": "linear", "start": 1.0}), "end"),
        (lambda: from_config({"kind": "constant", "value": 1.0, "until": 1.0}), "until"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


def test_a_number_becomes_a_constant():
    assert as_schedule("alpha", 1, 0.0, 1.0) == Constant(1.0)


@pytest.mark.parametrize(
    ("schedule", "most", "at"),
    [
        (Constant(0.1), Constant(0.1), None),
        (Constant(0.2), Constant(0.1), 0.0),
        (Linear(0.1, 0.003, until=0.8), Linear(0.1, 0.003, until=0.8), None),
        (Linear(0.05, 0.01), Linear(0.1, 0.02), None),
        (Constant(0.05), Linear(0.1, 0.0), 0.501),
        (Linear(0.1, 0.2, until=0.12345), Linear(0.2, 0.1999, until=0.12345), 0.12345),  # above from the bend on
        (Exponential(0.1, 0.001), Linear(0.1, 0.001), None),
        (Linear(0.1, 0.001), Exponential(0.1, 0.001), 0.001),
    ],
)
def test_first_place_above_another_schedule(schedule, most, at):
    assert first_above(schedule, most) == at
