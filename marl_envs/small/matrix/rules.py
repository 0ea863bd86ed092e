"""The rules of a game: look up what the joint action pays and what follows."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.out import Out
from marl_envs.core.random import draw_below
from marl_envs.small.matrix.games import CHOICE, END, EQUILIBRIUM, MISMATCH, OPTIMAL
from marl_envs.small.matrix.types import (
    CHOICES,
    EQUILIBRIA,
    LAST_OPTIMAL,
    MASKED,
    MISMATCHES,
    NOTHING,
    OPTIMAL_ONES,
    Settings,
    State,
)


@jit(inline=True)
def begin(state: State, e: Int) -> None:
    """Start an episode, in state 0."""
    state.step[e] = 0
    state.over[e] = 0
    state.where[e] = 0
    state.last[e] = NOTHING
    state.total[e] = 0.0
    for a in range(state.paid.shape[1]):
        state.paid[e, a] = 0
    for k in range(state.tally.shape[1]):
        state.tally[e, k] = 0


@jit(inline=True)
def play(state: State, settings: Settings, out: Out, e: Int) -> Bool:
    """Carry out the joint action; return whether the game is over. An action that an agent lacks counts as 0."""
    state.step[e] += 1
    joint = np.int64(0)
    for a in range(state.actions.shape[1]):
        lacking = state.actions[e, a] >= settings.choices[a]
        state.tally[e, MASKED] += np.int32(lacking)
        joint += (0 if lacking else state.actions[e, a]) * np.int64(settings.weight[a])
    entry = state.where[e] * settings.joint + joint
    coin = draw_below(state.rng, e, 2) if settings.stochastic else np.int64(0)
    for a in range(state.actions.shape[1]):
        state.paid[e, a] = out.terms[e, a, 0] = settings.payoff[2 * entry + coin, a]
    state.last[e] = np.int32(joint)
    _count(state, settings, e, entry)
    follows = settings.follow[entry]
    if follows != END:
        state.where[e] = follows
    return follows == END


@jit(inline=True)
def _count(state: State, settings: Settings, e: Int, entry: Int) -> None:
    """Count what kind of joint action it was, where not all are alike."""
    verdict = np.int32(settings.verdict[entry])
    if verdict & CHOICE:
        state.tally[e, CHOICES] += 1
        state.tally[e, OPTIMAL_ONES] += verdict & OPTIMAL
        state.tally[e, EQUILIBRIA] += (verdict & EQUILIBRIUM) // EQUILIBRIUM
        state.tally[e, MISMATCHES] += (verdict & MISMATCH) // MISMATCH
        state.tally[e, LAST_OPTIMAL] = verdict & OPTIMAL
