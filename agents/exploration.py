"""Exploration: how a learner tries actions other than the one it thinks best. Separate from the learner.

A rule says only its name and how strong it is at some point of the training; the learner's kernels carry it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from agents.schedules import Linear, Schedule, as_schedule, from_config, to_config
from marl_envs.core.params import ParameterError


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


_RULES: dict[str, type[Any]] = {cls.rule: cls for cls in (EpsilonGreedy, Boltzmann)}


def from_rule_config(config: dict[str, Any]) -> Exploration:
    """Return the exploration rule that `to_config` described.

    Raises:
        ParameterError: unknown rule, or a schedule that is missing, broken or out of range.
    """
    if config.get("rule") not in _RULES:
        raise ParameterError(f"exploration rule must be one of {', '.join(_RULES)}, not {config.get('rule')!r}")
    exploration: Exploration = _RULES[config["rule"]](from_config(config.get("schedule", {})))
    return exploration
