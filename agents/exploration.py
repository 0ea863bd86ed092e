"""Exploration: how a learner tries actions other than the one it thinks best. Separate from the learner.

A rule says only its name and how strong it is at some point of the training; the learner's kernels carry it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from agents.schedules import Constant, Linear, Schedule, as_schedule, from_config, to_config
from marl_envs.core.params import ParameterError, check_float


class Exploration(Protocol):
    """A named rule with one number, its strength."""

    rule: ClassVar[str]

    def strength(self, progress: float) -> float:
        """Return the strength at `progress` in [0, 1] of the training."""
        ...

    def to_config(self) -> dict[str, Any]:
        """Return the rule as a JSON-able dict."""
        ...


_DEFAULT_EPSILON = Linear(0.2, 0.0, until=0.8)


@dataclass(frozen=True)
class EpsilonGreedy:
    """With probability `epsilon` in [0, 1] an allowed action at random (all alike), else the best one."""

    epsilon: Schedule | float = _DEFAULT_EPSILON
    rule: ClassVar[str] = "epsilon_greedy"

    def __post_init__(self) -> None:
        """Check the schedule."""
        object.__setattr__(self, "epsilon", as_schedule("epsilon", self.epsilon, 0.0, 1.0))

    def strength(self, progress: float) -> float:
        """Return epsilon at `progress`."""
        return self.epsilon(progress)  # type: ignore[operator]

    def to_config(self) -> dict[str, Any]:
        """Return the rule as a JSON-able dict."""
        return {"rule": self.rule, "schedule": to_config(self.epsilon)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Boltzmann:
    """Allowed action b with probability proportional to exp(Q(s, b) / temperature); temperature [units of Q] > 0."""

    temperature: Schedule | float
    rule: ClassVar[str] = "boltzmann"

    def __post_init__(self) -> None:
        """Check the schedule."""
        object.__setattr__(self, "temperature", as_schedule("temperature", self.temperature, 1e-9, 1e9))

    def strength(self, progress: float) -> float:
        """Return the temperature at `progress`."""
        return self.temperature(progress)  # type: ignore[operator]

    def to_config(self) -> dict[str, Any]:
        """Return the rule as a JSON-able dict."""
        return {"rule": self.rule, "schedule": to_config(self.temperature)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class UCB1:
    """The allowed action of the highest Q(s, b) + width * sqrt(ln n(s) / n(s, b)), untried ones first.

    n counts how often the action was taken in the state. sqrt(2) is for rewards from 0 to 1 (Auer, Cesa-Bianchi and
    Fischer, "Finite-time analysis of the multiarmed bandit problem", 2002); other ranges need it multiplied by theirs.
    """

    width: Schedule | float = 2.0**0.5
    rule: ClassVar[str] = "ucb1"

    def __post_init__(self) -> None:
        """Check the schedule."""
        object.__setattr__(self, "width", as_schedule("width", self.width, 0.0, 1e9))

    def strength(self, progress: float) -> float:
        """Return the width at `progress`."""
        return self.width(progress)  # type: ignore[operator]

    def to_config(self) -> dict[str, Any]:
        """Return the rule as a JSON-able dict."""
        return {"rule": self.rule, "schedule": to_config(self.width)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Optimistic:
    """Always the best action, of tables that start with `value`, which should be more than anything that can be earned.

    Whatever was tried looks worse than what was not, so everything is tried (Sutton and Barto 2018, 2.6).
    """

    value: float
    rule: ClassVar[str] = "optimistic"

    def __post_init__(self) -> None:
        """Check the value."""
        object.__setattr__(self, "value", check_float("value", self.value, -1e30, 1e30))

    def strength(self, progress: float) -> float:
        """Return 0, the probability of another action than the best."""
        del progress
        return 0.0

    def to_config(self) -> dict[str, Any]:
        """Return the rule as a JSON-able dict."""
        return {"rule": self.rule, "schedule": to_config(Constant(self.value))}


_RULES: dict[str, type[Any]] = {cls.rule: cls for cls in (EpsilonGreedy, Boltzmann, UCB1, Optimistic)}


def from_rule_config(config: dict[str, Any]) -> Exploration:
    """Return the exploration rule that `to_config` described.

    Raises:
        ParameterError: unknown rule, or a schedule that is missing, broken or out of range.
    """
    if config.get("rule") not in _RULES:
        raise ParameterError(f"exploration rule must be one of {', '.join(_RULES)}, not {config.get('rule')!r}")
    rule, schedule = _RULES[config["rule"]], from_config(config.get("schedule", {}))
    exploration: Exploration = rule(schedule(0.0) if rule is Optimistic else schedule)
    return exploration


def initial_value(initial: float, exploration: Exploration) -> float:
    """Return what tables start with, which `Optimistic` exploration says; refuse two answers."""
    hope: float = getattr(exploration, "value", initial)
    if initial not in (0.0, hope):
        raise ParameterError(f"initial is {initial}, but {exploration!r} starts with {hope}")
    return hope
