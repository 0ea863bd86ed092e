"""Exact values in a small world by dynamic programming: of a team's policies, of best responses, and of the optimum.

Everything is for episodes of `horizon` steps at most, as an environment's time limit makes them, backwards from the
end; so a best response may depend on the time that is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.metrics.checks import Floats, probabilities
from marl_envs.metrics.world import World


def team_values(world: World, policy: Sequence[Any], horizon: int, discount: float = 1.0) -> Floats:
    """Return what each agent gets in expectation from state 0 on, [A], if all follow `policy`.

    Unit: reward. Exact.

    Args:
        world: from `explore` or `of_game`.
        policy: one array of probabilities [S, N] an agent.
        horizon: steps of an episode.
        discount: of a step.
    """
    chances = _checked(world, policy, horizon, discount)
    return np.array([_value(world, chances, i, horizon, discount, best=False) for i in range(len(chances))])


def best_response_gaps(world: World, policy: Sequence[Any], horizon: int, discount: float = 1.0) -> Floats:
    """Return for each agent max over its policies of J_i, the others kept, less J_i, [A].

    Unit: reward. Range: at least 0. The largest is the epsilon of an epsilon-equilibrium; all 0 with less than the
    optimum: the team is in the wrong equilibrium.

    Args:
        world: from `explore` or `of_game`.
        policy: one array of probabilities [S, N] an agent.
        horizon: steps of an episode.
        discount: of a step.

    Raises:
        ParameterError: policies that do not fit the world, or a number out of range.

    Source: epsilon-equilibria, after Nash (1951); a best response to fixed policies is a Markov decision process.
    """
    chances = _checked(world, policy, horizon, discount)
    agents = range(len(chances))
    best = np.array([_value(world, chances, i, horizon, discount, best=True) for i in agents])
    return best - team_values(world, chances, horizon, discount)


def team_optimum(world: World, horizon: int, discount: float = 1.0) -> float:
    """Return the highest sum of rewards from state 0 on that a central planner gets.

    Unit: reward. Exact.
    """
    _check_time(horizon, discount)
    agents, states = world.allowed.shape[:2]
    paid, values = world.reward.sum(axis=0), np.zeros(states + 1)  # the last entry is END's
    for i in range(agents):
        paid = np.where(_along(world.allowed[i], i, agents), paid, -np.inf)
    for _ in range(horizon):
        values[:-1] = (paid + discount * values[world.follow]).reshape(states, -1).max(axis=1)
    return float(values[0])


def greedy_policy(world: World, values: Any) -> list[Floats]:
    """Return the policy [S, N] of each agent that takes its best allowed actions, equal ones equally often.

    Args:
        world: from `explore` or `of_game`.
        values: [T, O, N] tables by observation, T = 1 (one for all) or A, such as a learner's `q`.
    """
    table = np.asarray(values, np.float64)
    agents = len(world.allowed)
    if table.ndim != 3 or len(table) not in (1, agents) or table.shape[2] != world.allowed.shape[2]:
        raise ParameterError(f"values must be [1 or {agents}, O, {world.allowed.shape[2]}], not {table.shape}")
    if world.observations.max() >= table.shape[1]:
        raise ParameterError(f"values have {table.shape[1]} rows, observations go up to {world.observations.max()}")
    found = []
    for i in range(agents):
        own = np.where(world.allowed[i], table[i % len(table)][world.observations[:, i]], -np.inf)
        best = own == own.max(axis=1, keepdims=True)
        found.append(best / best.sum(axis=1, keepdims=True))
    return found


def _value(world: World, chances: list[Floats], agent: int, horizon: int, discount: float, best: bool) -> float:
    """Return what `agent` gets from state 0 on, with its own policy or its best response."""
    agents, states = world.allowed.shape[:2]
    weights = [_along(chances[j], j, agents) for j in range(agents)]
    others = tuple(1 + j for j in range(agents) if j != agent)
    values = np.zeros(states + 1)  # the last entry is END's
    for _ in range(horizon):
        worth = world.reward[agent] + discount * values[world.follow]
        for j in range(agents):
            if j != agent:
                worth = worth * weights[j]
        own = worth.sum(axis=others)
        values[:-1] = (
            np.where(world.allowed[agent], own, -np.inf).max(axis=1) if best else (own * chances[agent]).sum(axis=1)
        )
    return float(values[0])


def _along(table: Any, agent: int, agents: int) -> Any:
    """Return [S, N] with its actions on the agent's axis of [S, N, ..., N]."""
    shape = [table.shape[0], *(table.shape[1] if j == agent else 1 for j in range(agents))]
    return table.reshape(shape)


def _checked(world: World, policy: Sequence[Any], horizon: int, discount: float) -> list[Floats]:
    _check_time(horizon, discount)
    chances = [probabilities(f"policy[{i}]", p, 2) for i, p in enumerate(policy)]
    if len(chances) != len(world.allowed):
        raise ParameterError(f"policy must hold an array for each of {len(world.allowed)} agents, not {len(chances)}")
    for i, p in enumerate(chances):
        if p.shape != world.allowed[i].shape:
            raise ParameterError(f"policy[{i}] must have the shape {world.allowed[i].shape}, not {p.shape}")
        if (p[~world.allowed[i]] > 0).any():
            state, action = np.argwhere((p > 0) & ~world.allowed[i])[0].tolist()
            raise ParameterError(f"policy[{i}][{state}, {action}] must be 0: the action is not allowed there")
    return chances


def _check_time(horizon: int, discount: float) -> None:
    check_int("horizon", horizon, 1)
    check_float("discount", discount, 0.0, 1.0)
