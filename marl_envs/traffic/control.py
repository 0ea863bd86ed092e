"""Signal control as it is published for CityFlow's networks: decisions, yellow, fixed time and MaxPressure.

The convention of those networks: phase 0 of a signal is its yellow (nothing, or right turns only), phases 1, 2, ... are
green; green number a is phase a + 1. Times count as in LibSignal, whose figures are reproduced: a green's time
includes the yellow before it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_int
from marl_envs.traffic.engine.simulate import Traffic

Ints = NDArray[np.int64]
Choose = Callable[[Traffic, Ints, Ints], Ints]
"""(traffic, green [E, S], its time [E, S] in steps) -> the green that each of the S signals shall have [E, S]."""


def drive(traffic: Traffic, choose: Choose, steps: int, interval: int = 10, yellow: int = 5) -> None:
    """Run `traffic` for `steps` steps from a reset, with signals that `choose` their green every `interval` steps.

    Args:
        traffic: environments whose programs do not run.
        choose: what the signals show.
        steps: how long.
        interval: steps between decisions.
        yellow: steps of phase 0 before another green.

    Raises:
        ParameterError: the programs run, a signal has no green, or a number is out of range.
    """
    check_int("interval", interval, 1)
    check_int("yellow", yellow, 0)
    signals = list(traffic.network.signals)
    if traffic.settings.program or any(traffic.network.num_phases(j) < 2 for j in signals):
        raise ParameterError("signals must be controlled from outside, and each have phase 0 and at least one green")
    shape = traffic.num_envs, len(signals)
    green, time, wanted = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    showing = np.ones(shape, np.int64)
    for step in range(steps):
        if step % interval == 0:
            wanted = choose(traffic, green, time)
        dark = showing == 0
        change = ~dark & (wanted != green)
        green = np.where(change, wanted, green)
        time = np.where(change, 0, time)
        showing = np.where(change, 0, np.where(dark & (time >= yellow), green + 1, showing))
        time += 1
        traffic.phase[:, signals] = showing
        traffic.step()


def fixed_time(traffic: Traffic, duration: int = 30) -> Choose:
    """Return a rule that shows all greens in turn, `duration` steps each, with the yellow before it."""
    check_int("duration", duration, 1)
    greens = _num_greens(traffic)

    def choose(_: Traffic, green: Ints, time: Ints) -> Ints:
        return np.where(time < duration, green, (green + 1) % greens)

    return choose


def max_pressure(traffic: Traffic, min_green: int = 10) -> Choose:
    """Return MaxPressure: the green with the most vehicles before its lane links less those behind them.

    Source: Varaiya, Transportation Research Part C 36 (2013), as LibSignal does it: every lane link of every open road
    link counts, and all vehicles on a lane.

    Args:
        traffic: whose network the rule is for.
        min_green: steps that a green lasts at least, with the yellow before it.
    """
    weights = pressure_weights(traffic)
    greens = _num_greens(traffic)
    missing = np.arange(weights.shape[1]) >= greens[:, None]

    def choose(now: Traffic, green: Ints, time: Ints) -> Ints:
        pressure = np.einsum("sal,el->esa", weights, now.lane_counts)
        best = np.where(missing, np.iinfo(np.int64).min, pressure).argmax(axis=2)
        return np.where(time < min_green, green, best)

    return choose


def pressure_weights(traffic: Traffic) -> NDArray[np.int64]:
    """Return how often each lane counts for each green of each signal [S, A, L]; lanes behind the junction negative."""
    network = traffic.network
    greens = _num_greens(traffic)
    weights = np.zeros((len(greens), int(greens.max()), network.num_lanes), np.int64)
    for s, j in enumerate(network.signals):
        for k in range(network.first_link[j], network.first_link[j + 1]):
            road_link = network.link_movement[k] - network.first_road_link[j]
            is_open = network.green[network.first_phase[j] + 1 : network.first_phase[j + 1], road_link]
            weights[s, : greens[s], network.link_start[k]] += is_open
            weights[s, : greens[s], network.link_end[k]] -= is_open
    return weights


def _num_greens(traffic: Traffic) -> Ints:
    """Return how many greens each signal has [S]."""
    return np.array([traffic.network.num_phases(j) - 1 for j in traffic.network.signals])
