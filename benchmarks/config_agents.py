"""What a suite file may say about an agent (pydantic models). Learners are in `benchmarks.kinds`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field

from benchmarks.config_parts import Fraction, Strict
from benchmarks.kinds import MODELS, LearnerAgent


class RandomAgent(Strict):
    """Every action with equal probability."""

    kind: Literal["random"]
    env: dict[str, Any] = Field(default={})


class GreedyAgent(Strict):
    """The planner: nearest task, shortest path, waits for others; `sidestep` is the probability of dodging instead."""

    kind: Literal["greedy"]
    env: dict[str, Any] = Field(default={})
    sidestep: Fraction = 0.0


class PIBTAgent(Strict):
    """The planner PIBT (priority inheritance with backtracking), which knows everything and never makes a conflict."""

    kind: Literal["pibt"]
    env: dict[str, Any] = Field(default={})


class FixedTimeAgent(Strict):
    """Signals with phases in turn, each green for `green` seconds."""

    kind: Literal["fixed_time"]
    env: dict[str, Any] = Field(default={})
    green: float = Field(default=25.0, ge=0.0)


class WebsterAgent(Strict):
    """Signals with fixed times by Webster's formula, anew every `period` seconds from the flows measured so far."""

    kind: Literal["webster"]
    env: dict[str, Any] = Field(default={})
    period: float = Field(default=600.0, ge=1.0)


class ActuatedAgent(Strict):
    """Signals that stay green while vehicles come, for at most `longest` seconds."""

    kind: Literal["actuated"]
    env: dict[str, Any] = Field(default={})
    longest: float = Field(default=50.0, ge=0.0)


class SignalRuleAgent(Strict):
    """Signals by a rule without settings, see docs/traffic.md."""

    kind: Literal["sotl", "longest_queue", "max_pressure", "threshold"]
    env: dict[str, Any] = Field(default={})


class DriverAgent(Strict):
    """Cars as the engine drives its own (gaps accepted by right of way), or told at one junction when to enter it."""

    kind: Literal["engine_driver", "all_way_stop", "two_way_priority", "reservation", "actuated_signal"]
    env: dict[str, Any] = Field(default={})


class FixedSignalAgent(Strict):
    """Cars before a light whose phases are each green for `green` seconds."""

    kind: Literal["fixed_signal"]
    env: dict[str, Any] = Field(default={})
    green: float = Field(default=30.0, ge=1.0)


class ExternalAgent(Strict):
    """A policy from any Python module: a function `f(vec, obs, rng, **settings)`, or a class with `act(vec, obs)`."""

    kind: Literal["external"]
    env: dict[str, Any] = Field(default={})
    policy: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$", description="module:attribute")
    settings: dict[str, Any] = Field(default={}, description="keyword arguments of the function or class")
    digest: str = Field(default="", description="of its source file, which the program fills in")


class CheckpointAgent(Strict):
    """A learner that was trained before, from its file; it plays greedily."""

    kind: Literal["checkpoint"]
    env: dict[str, Any] = Field(default={})
    file: str = Field(description="as `save` or a training wrote it; relative to where the command runs")
    transfer: bool = Field(default=False, description="play under other parameters than it was trained under")
    digest: str = Field(default="", description="of the file, which the program fills in")


if TYPE_CHECKING:
    Agent = (
        RandomAgent
        | GreedyAgent
        | PIBTAgent
        | FixedTimeAgent
        | WebsterAgent
        | ActuatedAgent
        | SignalRuleAgent
        | DriverAgent
        | FixedSignalAgent
        | ExternalAgent
        | CheckpointAgent
        | LearnerAgent
    )
else:
    SIGNALS = (FixedTimeAgent, WebsterAgent, ActuatedAgent, SignalRuleAgent)
    OUTSIDE = (ExternalAgent, CheckpointAgent)
    POLICIES = (RandomAgent, GreedyAgent, PIBTAgent, *SIGNALS, DriverAgent, FixedSignalAgent, *OUTSIDE)
    Agent = Annotated[Union[POLICIES + tuple(MODELS.values())], Field(discriminator="kind")]  # noqa: UP007
