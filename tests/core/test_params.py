"""Parameters: what is not allowed is refused with its name, its value and what is allowed."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError, build, check_choice, check_float, check_int


@dataclass(frozen=True, kw_only=True)
class Lamp:
    watts: int = 40
    colour: str = "white"

    def __post_init__(self) -> None:
        check_int("watts", self.watts, 1, 100, "(the socket allows no more)")
        check_choice("colour", self.colour, ("white", "red"))


def test_build_fills_the_parameters():
    assert build(Lamp, {"watts": 60}) == Lamp(watts=60)
    assert build(Lamp, {}) == Lamp()


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match="unknown parameter 'watt'; allowed are watts, colour"):
        build(Lamp, {"colour": "green", "watt": 60})


def test_a_bad_value_is_refused_with_the_reason():
    with pytest.raises(ParameterError, match=r"watts must be an integer from 1 to 100 \(the socket allows.*, not 101"):
        build(Lamp, {"watts": 101})
    with pytest.raises(ParameterError, match="colour must be one of 'white', 'red', not 'green'"):
        build(Lamp, {"colour": "green"})


def test_a_parameter_error_is_a_value_error():
    assert issubclass(ParameterError, ValueError)


@given(st.integers(-(2**70), 2**70), st.integers(-50, 50), st.integers(0, 100))
def test_integers_are_taken_in_their_range_only(value, low, size):
    if low <= value <= low + size:
        assert check_int("n", value, low, low + size) == value
    else:
        with pytest.raises(ParameterError, match=f"n must be an integer from {low} to {low + size}, not {value}"):
            check_int("n", value, low, low + size)


@pytest.mark.parametrize("value", [np.int8(5), np.uint64(5), np.int64(5), 5])
def test_integers_of_every_type_become_int(value):
    assert type(check_int("n", value, 0)) is int
    assert check_int("n", value, 5, 5) == 5


@pytest.mark.parametrize("value", [True, np.True_, 5.0, "5", None, [5], np.array(5), float("nan")])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(ParameterError, match="n must be an integer at least 0, not"):
        check_int("n", value, 0)


@given(st.floats())
def test_numbers_are_taken_in_their_range_only(value):
    if 0.0 <= value <= 1.0:
        assert check_float("x", value, 0.0, 1.0) == value
    else:
        with pytest.raises(ParameterError, match=r"x must be a number from 0\.0 to 1\.0, not"):
            check_float("x", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [1, np.int32(1), np.float32(1), np.float64(1), 1.0])
def test_numbers_of_every_type_become_float(value):
    assert type(check_float("x", value, 0, 2)) is float


@pytest.mark.parametrize("value", [True, "1", None, [1.0], 1j, float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ParameterError, match="x must be a number from"):
        check_float("x", value, 0, 2)


@pytest.mark.parametrize("value", [1, 0, 1.0, "True", None, np.True_])
def test_a_flag_is_true_or_false_and_nothing_that_looks_like_it(value):
    with pytest.raises(ParameterError, match="flag must be one of True, False, not"):
        check_choice("flag", value, (True, False))


def test_none_and_names_can_be_choices():
    for value in ("info", None):
        check_choice("mask", value, ("info", None))
    with pytest.raises(ParameterError, match="mask must be one of 'info', None, not ''"):
        check_choice("mask", "", ("info", None))
