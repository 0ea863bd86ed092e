"""Arrivals: rates kept, Poisson's mean and variance, profiles, order."""

import math

import numpy as np
import pytest
from scipy import stats

from marl_envs.core.params import ParameterError
from marl_envs.traffic.arrivals import CONSTANT, PEAK, Arrivals, Profile, Stream, build_arrivals, draw, space
from marl_envs.traffic.demand import expand
from marl_envs.traffic.names import network_named

SEEDS = 400
HOUR = 3600


@pytest.fixture(scope="module")
def cross():
    return network_named("cross")


def made(network, *streams) -> Arrivals:
    return build_arrivals(network, [Stream(("W-J", "J-E"), *stream) for stream in streams], "test")


def test_poisson_counts_have_the_rate_as_mean_and_variance(cross):
    arrivals = made(cross, (300.0,), (60.0,))
    counts = np.array([np.bincount(draw(arrivals, seed, 1.0, HOUR).flow, minlength=2) for seed in range(SEEDS)])
    for count, rate in zip(counts.T, (300.0, 60.0), strict=True):
        assert abs(count.mean() - rate) < 4.0 * math.sqrt(rate / SEEDS)
        dispersion = ((count - rate) ** 2).sum() / rate  # chi-square with SEEDS degrees of freedom
        assert stats.chi2.ppf(1e-4, SEEDS) < dispersion < stats.chi2.ppf(1.0 - 1e-4, SEEDS)


def test_poisson_gaps_are_exponential(cross):
    steps = np.concatenate([draw(made(cross, (360.0,)), seed, 0.01, 100 * HOUR).step for seed in range(3)]) * 0.01
    gaps = np.diff(steps)
    assert stats.kstest(gaps[gaps > 0], "expon", args=(0.0, 10.0)).pvalue > 1e-3


def test_a_profile_moves_the_rate(cross):
    profile = Profile((600.0, 1200.0, 2400.0), (2.0, 0.5))
    arrivals = made(cross, (360.0, *shaped(profile)))
    steps = np.concatenate([draw(arrivals, seed, 1.0, HOUR).step for seed in range(SEEDS)])
    assert steps.min() >= 600
    assert steps.max() <= 2400
    first, second = (steps <= 1200).sum() / SEEDS, (steps > 1200).sum() / SEEDS
    assert abs(first - 120.0) < 4.0 * math.sqrt(120.0 / SEEDS)
    assert abs(second - 60.0) < 4.0 * math.sqrt(60.0 / SEEDS)


def shaped(profile):
    return (Stream(("a", "b"), 1.0).kind, profile)


def test_streams_with_profiles_of_their_own_keep_them(cross):
    early = Profile((0.0, 1000.0), (1.0,))
    late = Profile((500.0, 2000.0), (1.0,))
    trips = space(made(cross, (360.0, *shaped(early)), (720.0, *shaped(late))), 1.0, HOUR)
    assert [int((trips.flow == f).sum()) for f in (0, 1)] == [100, 300]
    assert trips.step[trips.flow == 1].min() >= 500
    assert trips.step[trips.flow == 0].max() <= 1000


def test_the_hour_with_a_peak_has_the_mean_rate(cross):
    assert len(space(made(cross, (600.0, *shaped(PEAK))), 1.0, HOUR)) == 600


def test_the_same_seed_gives_the_same_trips_and_another_others(cross):
    arrivals = made(cross, (300.0,), (200.0,))
    a, b, c = (draw(arrivals, seed, 1.0, HOUR) for seed in (5, 5, 6))
    for name in ("step", "flow", "number"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.step.tolist() != c.step.tolist()


@pytest.mark.parametrize("make", [lambda a: draw(a, 3, 0.5, 2 * HOUR), lambda a: space(a, 0.5, 2 * HOUR)])
def test_trips_are_in_the_order_of_their_creation_and_numbered(cross, make):
    trips = make(made(cross, (500.0,), (700.0,), (3.0,)))
    order = list(zip(trips.step.tolist(), trips.flow.tolist(), trips.number.tolist(), strict=True))
    assert order == sorted(order)
    assert trips.step.max() < 2 * HOUR
    for flow in range(3):
        assert trips.number[trips.flow == flow].tolist() == list(range(int((trips.flow == flow).sum())))


def test_even_arrivals_keep_every_rate_and_their_sum(cross):
    rates = [0.4, 0.3, 0.8, 10.5, 200.0, 88.0]
    trips = space(made(cross, *((rate,) for rate in rates)), 1.0, HOUR)
    assert len(trips) == sum(rates)
    assert (abs(np.bincount(trips.flow, minlength=6) - rates) < 1.0).all()


def test_even_arrivals_come_at_the_same_intervals_as_a_flow(cross):
    arrivals = made(cross, (360.0,))
    assert set(np.diff(space(arrivals, 1.0, HOUR).step)) == {10}
    assert set(np.diff(expand(arrivals.demand, 1.0, HOUR).step)) == {10}


def test_a_vehicle_is_created_in_the_first_step_at_or_after_its_time(cross):
    arrivals = made(cross, (3600.0 / 7.0,))  # at 3.5 s, 10.5 s, ...
    assert space(arrivals, 1.0, 20).step.tolist() == [4, 11, 18]
    assert space(arrivals, 0.5, 40).step.tolist() == [7, 21, 35]


def test_streams_of_rate_0_are_left_out_and_only_they(cross):
    assert len(made(cross, (0.0,), (5.0,)).demand.flow_kind) == 1
    with pytest.raises(ParameterError, match="test: there are no flows"):
        made(cross, (0.0,))


@pytest.mark.parametrize(
    ("times", "factors", "message"),
    [
        ((0.0,), (), "at least one factor"),
        ((0.0, 1.0), (1.0, 2.0), "one more time"),
        ((0.0, 5.0, 5.0), (1.0, 1.0), "times must rise"),
        ((-1.0, 5.0), (1.0,), "time 0 must be a number from 0"),
        ((0.0, 5.0), (-1.0,), "factor 0 must be a number from 0"),
        ((0.0, math.nan), (1.0,), "time 1 must be a number"),
        ((0.0, math.inf, math.inf), (1.0, 1.0), "time 1 must be a number"),
    ],
)
def test_what_is_no_profile_is_refused(times, factors, message):
    with pytest.raises(ParameterError, match=message):
        Profile(times, factors)


@pytest.mark.parametrize(
    ("route", "rate", "message"),
    [
        (("W-J", "J-E"), -1.0, "test: stream 0: rate must be a number from 0"),
        (("W-J", "J-E"), math.nan, "test: stream 0: rate must be a number from 0"),
        (("W-J", "J-X"), 1.0, "test: flow 0: there is no road 'J-X'"),
        (("J-E", "W-J"), 1.0, "not connected"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(cross, route, rate, message):
    with pytest.raises(ParameterError, match=message):
        build_arrivals(cross, [Stream(route, rate)], "test")


def test_a_constant_profile_is_the_default():
    assert Stream(("a", "b"), 1.0).profile is CONSTANT
