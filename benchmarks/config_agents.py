"""What a suite file may say about an agent (pydantic models), and what all models of a suite have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Strict(BaseModel):
    """A model that refuses unknown keys and says which are allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"unknown key {key!r}; allowed are {', '.join(cls.model_fields)}")
        return data


class Schedule(Strict):
    """A number over training progress 0..1: from `start` to `end` at progress `until`, then constant."""

    kind: Literal["constant", "linear", "exponential"] = "linear"
    start: float
    end: float | None = None
    until: Fraction = 1.0

    @model_validator(mode="after")
    def _has_end(self) -> Schedule:
        if self.kind == "constant" and self.end is not None:
            raise ValueError("a constant schedule has only 'start'")
        if self.kind != "constant" and self.end is None:
            raise ValueError(f"a {self.kind} schedule needs 'end'")
        return self


def _number_is_constant(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"kind": "constant", "start": value}
    return value


Scheduled = Annotated[Schedule, BeforeValidator(_number_is_constant)]


class Exploration(Strict):
    """How a learner explores: `schedule` is that of epsilon or of the temperature."""

    rule: Literal["epsilon_greedy", "boltzmann"] = "epsilon_greedy"
    schedule: Scheduled


class RandomAgent(Strict):
    """Every action with equal probability."""

    kind: Literal["random"]
    env: dict[str, Any] = {}


class GreedyAgent(Strict):
    """The planner: nearest task, shortest path, waits for others; `sidestep` is the probability of dodging instead."""

    kind: Literal["greedy"]
    env: dict[str, Any] = {}
    sidestep: Fraction = 0.0


class PIBTAgent(Strict):
    """The planner PIBT (priority inheritance with backtracking), which knows everything and never makes a conflict."""

    kind: Literal["pibt"]
    env: dict[str, Any] = {}


class FixedTimeAgent(Strict):
    """Signals with phases in turn, each green for `green` seconds."""

    kind: Literal["fixed_time"]
    env: dict[str, Any] = {}
    green: float = Field(default=25.0, ge=0.0)


class WebsterAgent(Strict):
    """Signals with fixed times by Webster's formula, anew every `period` seconds from the flows measured so far."""

    kind: Literal["webster"]
    env: dict[str, Any] = {}
    period: float = Field(default=600.0, ge=1.0)


class ActuatedAgent(Strict):
    """Signals that stay green while vehicles come, for at most `longest` seconds."""

    kind: Literal["actuated"]
    env: dict[str, Any] = {}
    longest: float = Field(default=50.0, ge=0.0)


class SignalRuleAgent(Strict):
    """Signals by a rule without settings, see docs/traffic.md."""

    kind: Literal["sotl", "longest_queue", "max_pressure", "threshold"]
    env: dict[str, Any] = {}


class LearnerAgent(Strict):
    """A Q-learner with a table or (linear) a sum of tables.

    `env` holds the environment parameters that it needs (observation, reward).
    """

    kind: Literal["independent_q", "shared_q", "independent_linear_q", "shared_linear_q"]
    env: dict[str, Any] = {}
    alpha: Scheduled
    gamma: Fraction
    exploration: Exploration
    share_table: bool = True


Agent = Annotated[
    RandomAgent
    | GreedyAgent
    | PIBTAgent
    | FixedTimeAgent
    | WebsterAgent
    | ActuatedAgent
    | SignalRuleAgent
    | LearnerAgent,
    Field(discriminator="kind"),
]
