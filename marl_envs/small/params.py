"""Checks of the parameters that all small worlds share."""

from __future__ import annotations

from typing import Protocol

from marl_envs.core.params import check_choice, check_int


class Shared(Protocol):
    """The parameters that every small world has."""

    @property
    def observation(self) -> str:
        """What an agent sees."""

    @property
    def reward(self) -> str:
        """Who is paid: "individual" or "team"."""

    @property
    def max_cycles(self) -> int:
        """Steps after which the episode is truncated."""

    @property
    def mask(self) -> str | None:
        """Where the action mask is."""

    @property
    def agents_leave(self) -> bool:
        """Whether finished agents leave."""


def check_shared(params: Shared, observations: tuple[str, ...]) -> None:
    """Raise ParameterError for a bad value; `observations` are those that the world has."""
    check_choice("observation", params.observation, observations)
    check_choice("reward", params.reward, ("individual", "team"))
    check_int("max_cycles", params.max_cycles, 1)
    check_choice("mask", params.mask, ("info", "obs", None))
    check_choice("agents_leave", params.agents_leave, (True, False))
