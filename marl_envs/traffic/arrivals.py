"""Vehicles that come at given rates: at random (Poisson) or evenly, with rates that change over time.

Routes are found once; trips for one more episode are then drawn from a seed without building anything anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.traffic.demand import Demand, FlowPlan, Kind, Trips, build_demand
from marl_envs.traffic.network import Network, Reals

# The vehicle of CityFlow's data sets, with a top speed (60 km/h) that leaves the limits to the roads
CAR = Kind(
    max_acceleration=2.0,
    usual_acceleration=2.0,
    usual_deceleration=4.5,
    min_gap=2.5,
    headway=2.0,
)


@dataclass(frozen=True)
class Profile:
    """How rates change: from times[k] to times[k + 1] they are multiplied by factors[k], else by 0."""

    times: tuple[float, ...]
    """Rising, one more than factors [s]; the last may be infinity."""
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no profile.

        Raises:
            ParameterError: says what is allowed.
        """
        if not self.factors or len(self.times) != len(self.factors) + 1:
            raise ParameterError(
                f"a profile needs at least one factor and one more time, not {len(self.factors)} and {len(self.times)}"
            )
        for k, factor in enumerate(self.factors):
            check_float(f"profile: factor {k}", factor, 0.0, 1e6)
        for k, time in enumerate(self.times):
            check_float(f"profile: time {k}", time, 0.0, math.inf if k == len(self.factors) else 1e9)
            if k and time <= self.times[k - 1]:
                raise ParameterError(f"profile: times must rise, but time {k} is {time!r} after {self.times[k - 1]!r}")


CONSTANT = Profile((0.0, math.inf), (1.0,))
# An hour with a peak in its third quarter; its mean is 1. Then it goes on as it began.
PEAK = Profile((0.0, 900.0, 1800.0, 2700.0, 3600.0, math.inf), (0.6, 1.0, 1.5, 0.9, 0.6))


@dataclass(frozen=True)
class Stream:
    """Vehicles of one kind on one route."""

    route: tuple[str, ...]
    """Roads to pass; gaps are filled with the shortest way."""
    rate: float
    """Where the profile's factor is 1 [veh/h]."""
    kind: Kind = CAR
    profile: Profile = CONSTANT


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Streams on a network, routed. F streams, B pieces of time in which all rates are constant."""

    demand: Demand
    """Flow f has the kind and the route of stream f; its interval is that of the highest rate."""
    times: Reals
    """[B + 1] where the pieces begin, and the last one's end [s]."""
    rate: Reals
    """[F, B] [veh/s]"""


def build_arrivals(network: Network, streams: Sequence[Stream], name: str) -> Arrivals:
    """Return the arrivals of `streams`; those with a rate of 0 are left out.

    Args:
        network: where they drive.
        streams: any number.
        name: where they come from: messages begin with it.

    Raises:
        ParameterError: names the stream and the reason: a rate below 0 or not finite, or whatever `build_demand`
            refuses, such as no streams, an unknown road, or roads that are not connected.
    """
    for f, stream in enumerate(streams):
        check_float(f"{name}: stream {f}: rate", stream.rate, 0.0, 1e6)
    streams = [stream for stream in streams if stream.rate * max(stream.profile.factors) > 0.0]
    times = np.array(sorted({time for stream in streams for time in stream.profile.times}))
    rate = np.array([_rates(stream, times) for stream in streams]).reshape(len(streams), max(len(times) - 1, 0))
    plans = [
        FlowPlan(
            stream.kind,
            stream.route,
            interval=1.0 / float(rate[f].max()),
            start=stream.profile.times[0],
            end=None if stream.profile.times[-1] == math.inf else stream.profile.times[-1],
        )
        for f, stream in enumerate(streams)
    ]
    return Arrivals(build_demand(network, plans, name), times, rate)


def _rates(stream: Stream, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a stream's rate in each piece between `times` [veh/s]."""
    own = np.array(stream.profile.times)
    factors = np.array([0.0, *stream.profile.factors, 0.0])
    return stream.rate / 3600.0 * factors[np.searchsorted(own, times[:-1], side="right")]


def _pieces(arrivals: Arrivals, until: float) -> tuple[Reals, Reals]:
    """Return where each piece begins and how long it lasts before `until` [s]."""
    times = np.minimum(arrivals.times, until)
    return times[:-1], np.diff(times)


def expected(arrivals: Arrivals, until: float) -> float:
    """Return how many vehicles come before `until` [s] on average."""
    return float((arrivals.rate * _pieces(arrivals, until)[1]).sum())


def draw(arrivals: Arrivals, seed: int, dt: float, steps: int) -> Trips:
    """Return trips of Poisson arrivals in the first `steps` steps of `dt` seconds: the same for the same seed.

    Each vehicle is created in the first step that begins at or after its time.
    """
    rng = np.random.default_rng(check_int("seed", seed, 0, 2**63 - 1))
    begin, lasts = _pieces(arrivals, steps * dt)
    count = rng.poisson(arrivals.rate * lasts)  # [F, B]
    flow, piece = np.divmod(np.repeat(np.arange(count.size), count.ravel()), len(lasts))
    return _trips(flow, begin[piece] + rng.random(len(flow)) * lasts[piece], dt, steps)


def space(arrivals: Arrivals, dt: float, steps: int) -> Trips:
    """Return trips that come evenly: of each stream one whenever its rate has added up to one more vehicle.

    The streams' sums are laid end to end, and a vehicle comes at each half: so their numbers add up, too.
    """
    begin, lasts = _pieces(arrivals, steps * dt)
    flows, when, laid = [], [], 0.0
    for f, rate in enumerate(arrivals.rate):
        total = np.concatenate(([0.0], np.cumsum(rate * lasts)))
        wanted = np.arange((0.5 - laid) % 1.0, total[-1], 1.0)
        laid += float(total[-1])
        piece = np.searchsorted(total, wanted, side="right") - 1
        when.append(begin[piece] + (wanted - total[piece]) / rate[piece])
        flows.append(np.full(len(wanted), f))
    return _trips(np.concatenate(flows), np.concatenate(when), dt, steps)


def _trips(flow: NDArray[np.int64], when: NDArray[np.float64], dt: float, steps: int) -> Trips:
    """Return trips in the order of their creation."""
    step = np.ceil(when / dt - 1e-9).astype(np.int64)
    inside = step < steps
    order = np.lexsort((when[inside], flow[inside], step[inside]))
    step, flow = step[inside][order], flow[inside][order]
    by_flow = np.argsort(flow, kind="stable")  # within a flow they are still by time
    first = np.searchsorted(flow[by_flow], flow[by_flow])
    number = np.empty(len(flow), np.int32)
    number[by_flow] = np.arange(len(flow)) - first
    return Trips(step.astype(np.int32), flow.astype(np.int32), number)
