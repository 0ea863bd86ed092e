"""When the vehicles of SUMO's vehicles, trips and flows come."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.traffic.formats.sumo_xml import Element

_RATES = ("vehsPerHour", "perHour", "period", "number", "probability")
_EXPONENTIAL = re.compile(r"exp\(([^()]*)\)")
_JUST = 1e-6  # by how much the end of a flow, which does not belong to it, is moved forward [s]


class Window(NamedTuple):
    """The time that is looked at, on the files' clock [s]."""

    begin: float
    end: float


class Departures(NamedTuple):
    """One vehicle, or one every `interval` seconds; times since the window's begin [s]."""

    start: float
    interval: float | None
    end: float | None


def departures(element: Element, window: Window, rng: np.random.Generator) -> Iterator[Departures]:
    """Yield when the vehicles of an element come, as far as that is within the window.

    Raises:
        ParameterError: a time or a rate is missing, negative or not supported.
    """
    if element.tag == "flow":
        yield from _of_flow(element, window, rng)
    else:
        when = element.time("depart")
        if window.begin <= when <= window.end:
            yield Departures(when - window.begin, None, None)


def _of_flow(element: Element, window: Window, rng: np.random.Generator) -> Iterator[Departures]:
    begin = element.time("begin", 0.0)
    end = element.time("end", math.inf)
    if end < begin:
        raise ParameterError(f"{element}: end, {end:g} s, must not be before begin, {begin:g} s")
    given = [name for name in _RATES if name in element.attributes]
    if len(set(given) - {"number"}) > 1 or not given:
        raise ParameterError(
            f"{element}: exactly one of {', '.join(_RATES)} is needed (number beside another: at most)"
        )
    stop = min(end, window.end)
    if stop == math.inf and given != ["number"] and "number" not in given:
        stop = begin + 86400.0  # SUMO's own default of a flow's end
    rate = given[0] if given[0] != "number" or len(given) == 1 else given[1]
    times = _random_times(element, rate, begin, stop, rng)
    if times is not None:
        most = int(element.number("number", 1e9))
        for when in times[:most]:
            if when >= window.begin:
                yield Departures(when - window.begin, None, None)
        return
    interval = _interval(element, rate, begin, end)
    if "number" in given:
        stop = min(stop, begin + interval * int(element.number("number")))
    skipped = max(0, math.ceil((window.begin - begin) / interval))
    start = begin + skipped * interval
    if start < stop:
        yield Departures(start - window.begin, interval, stop - _JUST * min(1.0, interval) - window.begin)


def _interval(element: Element, rate: str, begin: float, end: float) -> float:
    """Return the time between two vehicles [s]."""
    value = element.number(rate)
    if value <= 0.0 or (rate == "number" and (end == math.inf or value != int(value))):
        wanted = "a positive integer, with an end" if rate == "number" else "positive"
        raise ParameterError(f"{element}: {rate} must be {wanted}, not {element.attributes[rate]!r}")
    if rate == "number":
        return max(end - begin, _JUST) / value
    return value if rate == "period" else 3600.0 / value


def _random_times(
    element: Element, rate: str, begin: float, end: float, rng: np.random.Generator
) -> list[float] | None:
    """Return drawn times: Poisson (`period="exp(per second)"`) or one trial a second; None: the flow is regular."""
    if rate == "probability":
        chance = element.number(rate)
        if chance > 1.0:
            raise ParameterError(f"{element}: probability must be from 0 to 1, not {element.attributes[rate]!r}")
        seconds = np.arange(math.ceil(end - begin))
        return list((begin + seconds[rng.random(len(seconds)) < chance]).tolist())
    match = _EXPONENTIAL.fullmatch(element.attributes[rate].replace(" ", "")) if rate == "period" else None
    if match is None:
        return None
    per_second = Element(element.path, element.line, element.tag, {**element.attributes, rate: match[1]}).number(rate)
    return sorted(rng.uniform(begin, end, rng.poisson(per_second * (end - begin))).tolist())
