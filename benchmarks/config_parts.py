"""What the models of a suite file have in common (pydantic)."""

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
