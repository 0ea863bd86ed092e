"""Parameters: keyword arguments that fill one frozen, validated dataclass a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

P = TypeVar("P")


class ParameterError(ValueError):
    """A parameter is unknown or has a value that is not allowed; the message names it and says what is."""


def build(cls: type[P], kwargs: dict[str, Any]) -> P:
    """Return `cls(**kwargs)`, with NumPy's numbers as Python's, so that parameters can be written as JSON.

    Raises:
        ParameterError: a name that `cls` does not have, or a value that it refuses.
    """
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for name in kwargs:
        if name not in known:
            raise ParameterError(f"unknown parameter {name!r}; allowed are {', '.join(known)}")
    return cls(**{name: value.item() if isinstance(value, np.generic) else value for name, value in kwargs.items()})


def check_int(name: str, value: object, low: int, high: int = 2**31 - 1, why: str = "") -> int:
    """Return `value` as int if it is an integer in [low, high], else raise ParameterError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        span = f"at least {low}" if high == 2**31 - 1 else f"from {low} to {high}"
        raise ParameterError(f"{name} must be an integer {span}{' ' + why if why else ''}, not {value!r}")
    return int(value)


def check_float(name: str, value: object, low: float, high: float) -> float:
    """Return `value` as float if it is a number in [low, high] (so not NaN), else raise ParameterError."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise ParameterError(f"{name} must be a number from {low} to {high}, not {value!r}")
    return float(value)  # type: ignore[arg-type]


def check_names(name: str, value: object, allowed: Sequence[str]) -> tuple[str, ...]:
    """Return `value` as a tuple if it is a list or tuple of some of `allowed`, each once, else raise ParameterError."""
    if not isinstance(value, (list, tuple)) or not value or any(v not in allowed for v in value):
        names = ", ".join(map(repr, allowed))
        raise ParameterError(f"{name} must be a list or tuple of some of {names}, not {value!r}")
    if len(set(value)) < len(value):
        raise ParameterError(f"{name} must have each name at most once, not {value!r}")
    return tuple(value)


def check_choice(name: str, value: object, allowed: Sequence[object]) -> None:
    """Raise ParameterError unless `value` is one of `allowed`."""
    if not any(value is option or (type(value) is type(option) and value == option) for option in allowed):
        raise ParameterError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
