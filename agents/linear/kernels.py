"""Linear Q-learning over a batch: the value of an action is the sum of one weight from each of K tables.

Arrays (N actions, T = A sets of weights or 1 that all agents share):
q float32 [T, R, N] holds the K tables one below the other: table k has rows first[k] .. first[k] + sizes[k] - 1;
obs int32 [E, A, K], the active row of each table, counted from its first; first, sizes int64 [K];
values float32 [1, 1, N], where the kernels add up. The rest, and the order of everything, is as in
agents.tabular.kernels: with one table the results are the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.tabular.kernels import OK, best_allowed, best_value, boltzmann_allowed, random_allowed, table_of
from marl_envs.core.jit import jit
from marl_envs.core.random import draw_unit


@jit(inner=True)
def within(sizes: Any, obs: Any, e: int, a: int) -> Any:
    """Return whether all active rows of agent `a` exist."""
    inside = True
    for k in range(len(sizes)):
        inside &= 0 <= obs[e, a, k] < sizes[k]
    return inside


@jit(inline=True)
def add_up(q: Any, t: int, first: Any, obs: Any, e: int, a: int, values: Any) -> None:
    """Write the value of every action of agent `a`: the sum, rounded once."""
    for b in range(q.shape[2]):
        total = 0.0
        for k in range(len(first)):
            total += np.float64(q[t, first[k] + obs[e, a, k], b])
        values[0, 0, b] = np.float32(total)


@jit(inner=True)
def first_bad_choice(sizes: Any, obs: Any, mask: Any) -> Any:
    """Return the flat index e * A + a of the first observation outside the tables or mask without a 1, else OK."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            allowed = 0
            for b in range(mask.shape[2]):
                allowed |= mask[e, a, b]
            if allowed == 0 or not within(sizes, obs, e, a):
                return e * obs.shape[1] + a
    return OK


@jit
def act_epsilon_greedy(
    q: Any, first: Any, sizes: Any, values: Any, obs: Any, mask: Any, rng: Any, epsilon: float, actions: Any
) -> Any:
    """Write the actions: random with probability `epsilon`, else the best. Return OK or the first bad sample."""
    bad = first_bad_choice(sizes, obs, mask)
    if bad != OK:
        return bad
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            if epsilon > 0.0 and draw_unit(rng, e) < epsilon:
                actions[e, a] = random_allowed(mask, e, a, rng)
            else:
                add_up(q, table_of(q, obs, e, a), first, obs, e, a, values)
                actions[e, a] = best_allowed(values, 0, 0, mask, e, a, rng)
    return OK


@jit
def act_boltzmann(
    q: Any, first: Any, sizes: Any, values: Any, obs: Any, mask: Any, rng: Any, temperature: float, actions: Any
) -> Any:
    """Write the actions, drawn by exp(q / temperature). Return OK or the first bad sample."""
    bad = first_bad_choice(sizes, obs, mask)
    if bad != OK:
        return bad
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            add_up(q, table_of(q, obs, e, a), first, obs, e, a, values)
            actions[e, a] = boltzmann_allowed(values, 0, 0, temperature, mask, e, a, rng)
    return OK


@jit(inner=True)
def first_bad_sample(
    sizes: Any,
    obs: Any,
    actions: Any,
    reward: Any,
    next_obs: Any,
    next_mask: Any,
    final_obs: Any,
    final_mask: Any,
    ended: Any,
) -> Any:
    """Return the flat index of the first number outside its space, reward that is not finite or empty mask."""
    num_actions = next_mask.shape[2]
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            allowed = 0
            for b in range(num_actions):
                allowed |= final_mask[e, a, b] if ended[e] else next_mask[e, a, b]
            after = within(sizes, final_obs, e, a) if ended[e] else within(sizes, next_obs, e, a)
            good = after and within(sizes, obs, e, a) and 0 <= actions[e, a] < num_actions
            if not good or allowed == 0 or not np.isfinite(reward[e, a]):
                return e * obs.shape[1] + a
    return OK


@jit
def update_q(
    q: Any,
    first: Any,
    sizes: Any,
    values: Any,
    alpha: float,
    gamma: float,
    obs: Any,
    actions: Any,
    reward: Any,
    next_obs: Any,
    next_mask: Any,
    final_obs: Any,
    final_mask: Any,
    ended: Any,
    terminated: Any,
    alive: Any,
) -> Any:
    """Move the K weights of each (s, b) by alpha / K toward r + gamma * max Q(s', .), for agents that were alive.

    Return OK or the first bad sample; then q is unchanged.
    """
    bad = first_bad_sample(sizes, obs, actions, reward, next_obs, next_mask, final_obs, final_mask, ended)
    if bad != OK:
        return bad
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            if not alive[e, a]:
                continue
            t = table_of(q, obs, e, a)
            target = np.float64(reward[e, a])
            if not terminated[e, a]:
                if ended[e]:
                    add_up(q, t, first, final_obs, e, a, values)
                    target += gamma * np.float64(best_value(values, 0, 0, final_mask, e, a))
                else:
                    add_up(q, t, first, next_obs, e, a, values)
                    target += gamma * np.float64(best_value(values, 0, 0, next_mask, e, a))
            b, old = actions[e, a], 0.0
            for k in range(len(first)):
                old += np.float64(q[t, first[k] + obs[e, a, k], b])
            step = alpha / len(first) * (target - old)
            for k in range(len(first)):
                row = first[k] + obs[e, a, k]
                q[t, row, b] = np.float32(np.float64(q[t, row, b]) + step)
    return OK
