"""What a viewer shows: something that has a moment, and may be able to go on, back, and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.vector import VectorEnv
from marl_envs.render.scene import Artist, Moment
from marl_envs.render.trajectory import Trajectory


@dataclass(frozen=True)
class Details:
    """What is known of one agent now; None or empty where it is not."""

    name: str
    observation: NDArray[Any] | None = None
    mask: NDArray[np.int8] | None = None  # [N]
    action: float | None = None  # the last one
    reward: float | None = None  # of the last step
    earned: float | None = None  # since the episode began
    terms: tuple[tuple[str, float], ...] = ()  # of the last reward
    values: NDArray[Any] | None = None  # [N]
    driven: bool = False  # by the keyboard
    number: bool = False  # whether actions are numbers


class Source(Protocol):
    """Where frames come from. What is not in `can` does nothing."""

    artist: Artist
    agents: list[str]
    can: frozenset[str]  # of "back", "restart", "reseed", "drive", "keep"

    @property
    def title(self) -> str:
        """What is played, by whom, from which seed."""

    @property
    def at(self) -> int:
        """Steps since the beginning."""

    @property
    def over(self) -> bool:
        """Whether there is nothing more to come."""

    @property
    def driver(self) -> int | None:
        """The agent that the keyboard drives."""

    def moment(self, chosen: int | None, values: bool) -> Moment:
        """Return what is to be drawn; `values` asks the policy what it expects."""

    def details(self, agent: int) -> Details:
        """Return what is known of an agent."""

    def forward(self) -> bool:
        """Go one step on; return whether there was one."""

    def back(self) -> bool:
        """Go one step back; return whether there was one."""

    def restart(self) -> None:
        """Go to the beginning of this episode."""

    def reseed(self, by: int) -> None:
        """Begin the episode of another seed: this one + `by`."""

    def drive(self, agent: int | None) -> None:
        """Let the keyboard drive an agent, or none."""

    @property
    def controls(self) -> Mapping[str, float]:
        """Actions of the driven agent by the keys that take them."""

    def steer(self, action: float | None) -> None:
        """Say what the driven agent does in the steps to come; None: nothing."""

    def trajectory(self) -> Trajectory:
        """Return the episode so far, for a file."""

    def close(self) -> None:
        """Let go of what it holds."""


def seen_by_all(vec: VectorEnv) -> Any:
    """Return the observations of all agents, [1, A, ...], as policies get them; a copy."""
    return np.array(vec.simulation.seen(vec.out.label, vec.out.obs))


def now_of(vec: VectorEnv, agent: int) -> dict[str, Any]:
    """Return observation and mask of an agent, as fields of Details."""
    (seen, acts), mask = spaces_of(vec, agent), vec.action_mask
    observation = seen_by_all(vec)[0, agent]
    if seen.shape != observation.shape:  # what one kind of agent sees ends in zeros where another sees more
        observation = observation[: seen.shape[0]]
    return {
        "observation": observation,
        "mask": None if mask is None or vec.simulation.continuous else mask[0, agent, : acts.n].copy(),
    }


def spaces_of(vec: VectorEnv, agent: int) -> tuple[Any, Any]:
    """Return an agent's own spaces, of observations and of actions."""
    own = vec.simulation.own_spaces
    both = vec.simulation.observation_space, vec.simulation.action_space
    return both if own is None else own[vec.agents[agent]]
