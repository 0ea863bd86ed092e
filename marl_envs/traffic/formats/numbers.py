"""Numbers as CityFlow's JSON parser reads them: not always the nearest double, and lengths depend on it."""

from __future__ import annotations

_MOST_EXACT = 2**53 - 1  # up to here digits are collected in an integer
_MOST_DIGITS = 17  # significant digits that are read at all
_SHORT = 16  # characters of a number with at most 15 digits and a point, which every parser reads alike
_POWERS = [float(f"1e{k}") for k in range(309)]


def read_real(text: str) -> float:
    """Return the double that CityFlow's parser (RapidJSON's default mode) makes of a JSON number.

    It may differ from `float(text)` in the last digit where there are more than 15.
    """
    if len(text) < _SHORT and "e" not in text and "E" not in text:
        return float(text)
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    number, used = int(whole), 0
    digits = len(whole) - 1 if whole[0] != "0" else 0  # as it counts: the first one is not one
    while used < len(fraction) and number <= _MOST_EXACT:
        number = number * 10 + int(fraction[used])
        used += 1
        digits += number > 0
    value = float(number)
    for digit in fraction[used:]:
        if digits < _MOST_DIGITS:
            value = value * 10.0 + int(digit)
            used += 1
            digits += value > 0
    value = _scaled(value, (int(exponent) if exponent else 0) - used)
    return -value if text[0] == "-" else value


def _scaled(value: float, power: int) -> float:
    """Return value * 10**power with one rounding more than is needed, as RapidJSON does."""
    if power >= 0:
        return value * _POWERS[min(power, 308)]
    if power < -308:
        return value / _POWERS[308] / _POWERS[min(-power - 308, 308)]
    return value / _POWERS[-power]
