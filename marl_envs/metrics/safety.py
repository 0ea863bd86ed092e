"""Rates of rare events, such as collisions, with exact intervals.

What happened is counted in the environments' kernels, by the definitions on their pages (collisions, TTC, PET): here
counts become rates.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from marl_envs.core.params import ParameterError, check_float

_ITERATIONS = 100_000  # of a series or fraction, which needs about 10 sqrt(events)
_PRECISION = 1e-15


class Rate(NamedTuple):
    """Events, what they could have happened to, and the rate with its interval, all `per` of `of`."""

    events: float
    of: float
    rate: float
    low: float
    high: float


def safety_rate(events: float, of: float, per: float = 1.0, confidence: float = 0.95) -> Rate:
    """Return events per `per` of `of` (such as collisions per 1000 vehicles) with Garwood's interval.

    Unit: events per `per`. Range: at least 0; all NaN where nothing was there to happen to.

    Args:
        events: how many there were, over all episodes that count.
        of: agent-steps, vehicles or deliveries in these.
        per: how many of them the rate is for.
        confidence: of the interval.
    """
    low, high = garwood(events, confidence)
    check_float("of", of, 0.0, 1e300)
    if of == 0:
        return Rate(events, of, math.nan, math.nan, math.nan)
    return Rate(events, of, per * events / of, per * low / of, per * high / of)


def garwood(events: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a Poisson mean of which `events` were seen.

    Unit: events. Without an event it begins at 0 and, for 95 %, ends at 3.69: two-sided, where the rule of three is
    one-sided.

    Source: Garwood (1936): quantiles of gamma distributions with shape `events` and `events + 1`.
    """
    check_float("events", events, 0.0, 1e15)
    _check_confidence(confidence)
    tail = (1.0 - confidence) / 2.0
    low = _gamma_quantile(float(events), tail) if events > 0 else 0.0
    return low, _gamma_quantile(events + 1.0, 1.0 - tail)


def rule_of_three(of: float, confidence: float = 0.95) -> float:
    """Return the upper limit of a rate where no event was seen in `of` trials: -ln(0.05) / of, about 3 / of.

    Unit: events per trial. Range: above 0; one-sided, at the confidence given.

    Source: Hanley and Lippman-Hand (1983).
    """
    _check_confidence(confidence)
    if not of > 0:
        raise ParameterError(f"of must be a number above 0, not {of!r}")
    return -math.log(1.0 - confidence) / of


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ParameterError(f"confidence must be between 0 and 1, not {confidence!r}")


def _gamma_quantile(shape: float, share: float) -> float:
    """Return the x below which a gamma variable of this shape (scale 1) is with probability `share`, by bisection."""
    low, high = 0.0, shape + 10.0 * math.sqrt(shape) + 10.0
    while _gamma_below(shape, high) < share:
        high *= 2.0
    while high - low > 1e-13 * high:
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if _gamma_below(shape, middle) < share else (low, middle)
    return (low + high) / 2.0


def _gamma_below(shape: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function P(shape, x) (Numerical Recipes 6.2)."""
    if x <= 0.0:
        return 0.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    return front * _series(shape, x) if x < shape + 1.0 else 1.0 - front * _fraction(shape, x)


def _series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    for k in range(1, _ITERATIONS):
        term *= x / (shape + k)
        total += term
        if term < total * _PRECISION:
            return total
    raise ArithmeticError(f"the incomplete gamma function of {shape} and {x} did not converge")


def _fraction(shape: float, x: float) -> float:
    """Return the continued fraction of the upper function, by Lentz's method."""
    b = x + 1.0 - shape
    c, d = 1e300, 1.0 / b
    value = d
    for k in range(1, _ITERATIONS):
        a = -k * (k - shape)
        b += 2.0
        d = 1.0 / (a * d + b or 1e-300)
        c = b + a / c or 1e-300
        step = c * d
        value *= step
        if abs(step - 1.0) < _PRECISION:
            return value
    raise ArithmeticError(f"the incomplete gamma function of {shape} and {x} did not converge")
