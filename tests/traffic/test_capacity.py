"""What queues before a signal do: the saturation flow of the reference's law, and Webster's delay.

Source: Webster, "Traffic signal settings", Road Research Technical Paper 39 (1958).
"""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from marl_envs.core.jit import ENABLED
from marl_envs.traffic.arrivals import Stream, build_arrivals, draw
from marl_envs.traffic.demand import Kind
from marl_envs.traffic.engine import simulate
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import CREATED, FINISHED
from marl_envs.traffic.generate import junction
from tests.traffic.discharge import discharge, saturation_flow

pytestmark = pytest.mark.skipif(not ENABLED, reason="too slow without compilation")

# The vehicle of CityFlow's data sets
CAR = Kind(5.0, 2.0, 2.0, 4.5, 2.0, 4.5, 2.5, 11.111, 2.0)
CYCLE, GREEN = 60, 32  # [s]
GREEN_PHASE, RED_PHASE = 1, 0  # of the junction: the straight ways of west and east; right turns only
ROUTE = ("W-J", "J-E")


@pytest.mark.parametrize("parity", [True, False])
@pytest.mark.parametrize("dt", [0.25, 1.0])
def test_saturation_flow_of_the_references_law(dt, parity):
    passed = discharge(CAR, "krauss", dt, parity=parity)
    assert saturation_flow(passed) == pytest.approx(1458.0, rel=0.02)


def run(rate: float, seeds: int, seconds: int, *, signal: bool) -> Traffic:
    """Return what Poisson arrivals of `rate` [veh/h] have come to behind a fixed-time signal, or always green."""
    network = junction()
    arrivals = build_arrivals(network, [Stream(ROUTE, rate, CAR)], "one approach")
    sets = [draw(arrivals, seed, 1.0, seconds) for seed in range(seeds)]
    drawn = iter(sets)
    with patch.object(simulate, "expand", lambda *_: next(drawn)):
        traffic = Traffic([arrivals.demand] * seeds, seconds, seeds)
    for _ in range(seconds // CYCLE):
        run_cycle(traffic, signal)
    traffic.set_phase(network.signals[0], GREEN_PHASE)
    traffic.step(400)
    return traffic


def run_cycle(traffic: Traffic, signal: bool) -> None:
    traffic.set_phase(traffic.network.signals[0], GREEN_PHASE)
    traffic.step(GREEN)
    traffic.set_phase(traffic.network.signals[0], RED_PHASE if signal else GREEN_PHASE)
    traffic.step(CYCLE - GREEN)


def capacity() -> float:
    """Return how many vehicles pass in a cycle if there is always a queue."""
    network = junction()
    arrivals = build_arrivals(network, [Stream(ROUTE, 1700.0, CAR)], "a queue")
    with patch.object(simulate, "expand", lambda *_: draw(arrivals, 0, 1.0, 50 * CYCLE)):
        traffic = Traffic(arrivals.demand, 50 * CYCLE)
    finished = []
    for _ in range(50):
        run_cycle(traffic, True)
        finished.append(int(traffic.state.tally[0, FINISHED]))
    return (finished[-1] - finished[10]) / (len(finished) - 11)


def webster(q: float, per_cycle: float, saturation: float) -> float:
    """Return Webster's mean delay [s].

    Args:
        q: arrivals [veh/s].
        per_cycle: vehicles that can pass in a cycle.
        saturation: saturation flow [veh/s].
    """
    share = per_cycle / saturation / CYCLE  # effective green over cycle
    x = q * CYCLE / per_cycle
    uniform = CYCLE * (1 - share) ** 2 / (2 * (1 - share * x))
    return uniform + x**2 / (2 * q * (1 - x)) - 0.65 * (CYCLE / q**2) ** (1 / 3) * x ** (2 + 5 * share)


def test_the_formula():
    """A worked example: cycle 60 s, half of it green, saturation flow 1,800 vehicles an hour, 0.8 of it used."""
    assert webster(0.2, 15.0, 0.5) == pytest.approx(17.8, abs=0.05)


def test_delay_is_websters():
    """Of an isolated approach with Poisson arrivals; what the same vehicles need without red is taken off.

    The effective green is not assumed: it is what passes in a cycle from a queue, over the saturation flow.
    """
    saturation = saturation_flow(discharge(CAR, "krauss", 1.0)) / 3600
    per_cycle = capacity()
    assert abs(per_cycle / saturation - GREEN) < 3.0  # start-up loss less those who pass at the end
    for x in (0.4, 0.6, 0.75, 0.85):
        q = x * per_cycle / CYCLE
        with_signal, without = (run(3600 * q, 24, 3600, signal=signal) for signal in (True, False))
        assert (with_signal.state.tally[:, FINISHED] == with_signal.state.tally[:, CREATED]).all()
        weights = with_signal.state.tally[:, CREATED]
        delay = with_signal.average_travel_time() - without.average_travel_time()
        mean = float(np.average(delay, weights=weights))
        assert mean == pytest.approx(webster(q, per_cycle, saturation), rel=0.10), x
