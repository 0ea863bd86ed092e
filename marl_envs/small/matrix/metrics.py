"""Metrics of one episode of a game, counted inside the kernel."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.small.matrix.types import (
    CHOICES,
    EQUILIBRIA,
    LAST_OPTIMAL,
    MASKED,
    MISMATCHES,
    OPTIMAL_ONES,
    Settings,
    State,
)

_WHERE = "share of steps, of those in states where not every joint action is optimal (NaN without any), "

METRICS: dict[str, tuple[str, str]] = {
    "optimal": ("1", _WHERE + "whose joint action is worth most to the team, in expectation (discount 0.9)"),
    "optimal_last": ("1", "1 if the last joint action of these steps was optimal, else 0; NaN without any"),
    "equilibrium": ("1", _WHERE + "whose joint action is a pure Nash equilibrium of the expected payoffs"),
    "miscoordination": ("1", _WHERE + "in which each agent played its part of an equilibrium, but not of the same one"),
    "mean_payoff": ("reward", "payoff per agent and step"),
    "masked_actions": ("actions", "actions that an agent does not have, taken as action 0"),
    "episode_length": ("steps", "steps of the episode"),
    "return": ("reward", "reward summed over agents and steps"),
}
"""Name -> (unit, definition), in the order of Out.metrics."""


@jit(inline=True)
def measure_one(state: State, settings: Settings, out: Out, e: Int) -> None:
    """Write the metrics of environment `e` so far into out.metrics[e]."""
    agents = out.reward.shape[1]
    share = 1.0 / state.tally[e, CHOICES] if state.tally[e, CHOICES] else np.nan
    # Under a team reward everyone is paid the sum, so the return counts each payoff once for every agent.
    payoff = state.total[e] / agents if settings.team else state.total[e]
    # error_model="numpy": 0 / 0 gives NaN, which is what "undefined" means here.
    values = (
        state.tally[e, OPTIMAL_ONES] * share,
        state.tally[e, LAST_OPTIMAL] + 0.0 * share,
        state.tally[e, EQUILIBRIA] * share,
        state.tally[e, MISMATCHES] * share,
        payoff / (np.float64(state.step[e]) * agents),
        np.float64(state.tally[e, MASKED]),
        np.float64(state.step[e]),
        state.total[e],
    )
    for m in range(len(values)):
        out.metrics[e, m] = values[m]
