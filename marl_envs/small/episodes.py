"""How small worlds pay and end: the kernels that all of them share. Agents begin and end an episode together."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.out import Out


class Paid(Protocol):
    """The arrays of a State that paying and ending need."""

    @property
    def step(self) -> NDArray[np.int32]:
        """Steps since the reset [E]."""

    @property
    def over(self) -> NDArray[np.uint8]:
        """Whether the episode was finished by the rules, not by the time limit [E]."""

    @property
    def total(self) -> NDArray[np.float64]:
        """Reward so far, summed over agents [E]."""


class Limits(Protocol):
    """The numbers of a Settings that paying and ending need."""

    @property
    def team(self) -> int:
        """1: everyone gets the sum."""

    @property
    def max_cycles(self) -> int:
        """Steps after which the episode is truncated."""


@jit(inline=True)
def pay(state: Paid, settings: Limits, out: Out, e: Int) -> None:
    """Sum up each agent's reward terms; a team shares the sum over agents."""
    team = np.float32(0.0)
    for a in range(out.reward.shape[1]):
        reward = np.float32(0.0)
        for t in range(out.terms.shape[2]):
            reward += out.terms[e, a, t]
        out.reward[e, a] = reward
        team += reward
    state.total[e] += team
    if settings.team:
        state.total[e] += team * np.float32(out.reward.shape[1] - 1)
        for a in range(out.reward.shape[1]):
            out.reward[e, a] = team


@jit(inline=True)
def end(state: Paid, settings: Limits, out: Out, e: Int, finished: Bool) -> Bool:
    """Write who is done, and return whether the episode ended: `finished` by the rules (termination), or time is up."""
    ended = finished | (state.step[e] >= settings.max_cycles)
    state.over[e] = np.uint8(finished)
    out.ended[e] = ended
    for a in range(out.reward.shape[1]):
        out.terminated[e, a] = finished
        out.truncated[e, a] = ended & (not finished)
    return ended


@jit(inline=True)
def rest(out: Out, e: Int) -> Bool:
    """Pay nothing for a step of an episode that had finished before (its caller resets by itself); return True."""
    for a in range(out.reward.shape[1]):
        for t in range(out.terms.shape[2]):
            out.terms[e, a, t] = 0
    return True


@jit(inline=True)
def time_left(state: Paid, settings: Limits, e: Int) -> Real:
    """Return the share of the time limit that is left, 1 to 0."""
    left = 1.0 - np.float64(state.step[e]) / np.float64(settings.max_cycles)
    return np.float32(left if left > 0 else 0.0)
