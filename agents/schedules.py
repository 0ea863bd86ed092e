"""Schedules: numbers that change during training, as pure functions of its progress from 0 (start) to 1 (end)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

from marl_envs.core.params import ParameterError, check_float, check_int

_LARGEST = 1e30


class Schedule(Protocol):
    """A number as a function of progress."""

    kind: ClassVar[str]

    def __call__(self, progress: float) -> float:
        """Return the value at `progress` in [0, 1]."""
        ...

    def range(self) -> tuple[float, float]:
        """Return the lowest and the highest value that the schedule takes."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same value throughout."""

    value: float
    kind: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        """Check the value."""
        _store(self, "value", self.value, -_LARGEST, _LARGEST)

    def __call__(self, progress: float) -> float:
        """Return the value."""
        return self.value

    def range(self) -> tuple[float, float]:
        """Return the value twice."""
        return self.value, self.value


@dataclass(frozen=True)
class Linear:
    """A straight line from `start` to `end`, reached at progress `until` in (0, 1], then `end`."""

    start: float
    end: float
    until: float = 1.0
    kind: ClassVar[str] = "linear"

    def __post_init__(self) -> None:
        """Check the values."""
        _store(self, "start", self.start, -_LARGEST, _LARGEST)
        _store(self, "end", self.end, -_LARGEST, _LARGEST)
        _store_until(self, self.until)

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`."""
        if progress >= self.until:
            return self.end
        return self.start + (self.end - self.start) * (progress / self.until)

    def range(self) -> tuple[float, float]:
        """Return the lower and the higher of the two ends."""
        return min(self.start, self.end), max(self.start, self.end)


@dataclass(frozen=True)
class Exponential:
    """Equal factors in equal times, from `start` to `end` (both above 0) at progress `until` in (0, 1], then `end`."""

    start: float
    end: float
    until: float = 1.0
    kind: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        """Check the values."""
        _store(self, "start", self.start, 1 / _LARGEST, _LARGEST)
        _store(self, "end", self.end, 1 / _LARGEST, _LARGEST)
        _store_until(self, self.until)

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`."""
        if progress >= self.until:
            return self.end
        value: float = self.start * (self.end / self.start) ** (progress / self.until)
        low, high = self.range()
        return min(max(value, low), high)  # rounding must not leave the range

    def range(self) -> tuple[float, float]:
        """Return the lower and the higher of the two ends."""
        return min(self.start, self.end), max(self.start, self.end)


@dataclass(frozen=True)
class Approach:
    """From `start` toward `end`, never quite there: end + (start - end) * exp(-rate * progress), rate at least 0."""

    start: float
    end: float
    rate: float
    kind: ClassVar[str] = "approach"

    def __post_init__(self) -> None:
        """Check the values."""
        _store(self, "start", self.start, -_LARGEST, _LARGEST)
        _store(self, "end", self.end, -_LARGEST, _LARGEST)
        _store(self, "rate", self.rate, 0.0, _LARGEST)

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`."""
        value = self.end + (self.start - self.end) * math.exp(-self.rate * progress)
        low, high = self.range()
        return min(max(value, low), high)  # rounding must not leave the range

    def range(self) -> tuple[float, float]:
        """Return the lower and the higher of the two ends."""
        return min(self.start, self.end), max(self.start, self.end)


_KINDS: dict[str, type[Any]] = {cls.kind: cls for cls in (Constant, Linear, Exponential, Approach)}


def decaying(start: float, factor: float, steps: int, floor: float = 0.0) -> Exponential:
    """Return the schedule start * factor**t for step t of `steps`, but not below `floor`: decay as papers state it.

    Raises:
        ParameterError: `factor` outside (0, 1), no steps, or a start that is not above 0 and the floor.
    """
    check_int("steps", steps, 1, 2**62)
    check_float("start", start, 1 / _LARGEST, _LARGEST)
    if not 0.0 < check_float("factor", factor, 0.0, 1.0) < 1.0:
        raise ParameterError(f"factor must be above 0 and below 1, not {factor!r}")
    if check_float("floor", floor, 0.0, _LARGEST) >= start:
        raise ParameterError(f"floor must be below start = {start}, not {floor!r}")
    end = start * factor**steps
    if end >= floor:
        return Exponential(start, end)
    return Exponential(start, floor, until=math.log(floor / start) / math.log(factor) / steps)


def as_schedule(name: str, value: Schedule | float, low: float, high: float) -> Schedule:
    """Return `value` as a schedule (a number becomes a `Constant`) whose values lie in [low, high].

    Raises:
        ParameterError: neither a schedule nor a number, or values outside [low, high]; the message starts with `name`.
    """
    if not isinstance(value, tuple(_KINDS.values())):
        return Constant(check_float(name, value, low, high))
    schedule: Any = value
    least, most = schedule.range()
    if least < low or most > high:
        raise ParameterError(f"{name} must stay from {low} to {high}, but {schedule!r} goes from {least} to {most}")
    return schedule


def first_above(schedule: Schedule, most: Schedule) -> float | None:
    """Return the first progress at which a schedule lies above another one, or None where it never does.

    Looked at are the thousandths of a training and the places where either bends. Rounding is forgiven.
    """
    bends = {getattr(one, "until", 1.0) for one in (schedule, most)}
    places = sorted({place / 1000 for place in range(1001)} | bends)
    return next((at for at in places if schedule(at) > most(at) * (1.0 + 1e-9) + 1e-300), None)


def learning_rate(value: Schedule | float, name: str = "alpha") -> Schedule:
    """Return `value`, called `name`, as the schedule of a learning rate: in (0, 1], or one that begins or ends in 0.

    Raises:
        ParameterError: neither a schedule nor a number, outside [0, 1], or never above 0.
    """
    alpha = as_schedule(name, value, 0.0, 1.0)
    if alpha.range()[1] == 0.0:
        raise ParameterError(f"{name} must be above 0 somewhere, not {value!r}: nothing would be learned")
    return alpha


def to_config(schedule: Schedule) -> dict[str, Any]:
    """Return the schedule as a JSON-able dict: `{"kind": "linear", "start": ..., ...}`."""
    return {"kind": schedule.kind, **asdict(schedule)}  # type: ignore[call-overload]


def from_config(config: dict[str, Any]) -> Schedule:
    """Return the schedule that `to_config` described.

    Raises:
        ParameterError: unknown kind, a missing or unknown field, or a value that the schedule refuses.
    """
    rest = dict(config)
    kind = rest.pop("kind", None)
    if kind not in _KINDS:
        raise ParameterError(f"schedule kind must be one of {', '.join(_KINDS)}, not {kind!r}")
    try:
        schedule: Schedule = _KINDS[kind](**rest)
    except TypeError as error:
        raise ParameterError(f"schedule {config!r}: {error}") from None
    return schedule


def _store(schedule: object, name: str, value: object, low: float, high: float) -> None:
    """Set a field of a frozen schedule to `value` as a float, checked."""
    object.__setattr__(schedule, name, check_float(name, value, low, high))


def _store_until(schedule: object, value: object) -> None:
    """Set `until`, which may not be 0: the value at the start would be undefined."""
    if check_float("until", value, 0.0, 1.0) == 0.0:
        raise ParameterError("until must be above 0 and at most 1, not 0")
    _store(schedule, "until", value, 0.0, 1.0)
