"""Tabular Q-learning over a batch of E environments x A agents: choosing and updating are one compiled call each.

Arrays (S observations, N actions, T = A tables or 1 that all agents share):
q float32 [T, S, N], or T = E x A where every environment is a run of its own;
obs int32 [E, A]; mask int8 [E, A, N] (0 = not allowed); actions int64 [E, A]; rng uint64 [E].
Environments are visited in order and agents within them in order, so a batch has one definite result.
Each environment draws from its own random stream: adding environments changes nobody's draws.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import jit
from marl_envs.core.random import draw_below, draw_unit

_LOWEST = np.float32(-np.inf)
OK = -1  # what the checks return when there is nothing to report; else the number of the first bad sample


@jit(inline=True)
def table_of(q: Any, obs: Any, e: int, a: int) -> Any:
    """Return which table agent `a` of environment `e` uses: the only one, its own, or its own in separate runs."""
    if q.shape[0] == 1:
        return 0
    return a if q.shape[0] == obs.shape[1] else e * obs.shape[1] + a


@jit(inner=True)
def first_bad_choice(obs: Any, mask: Any, num_obs: int) -> Any:
    """Return the flat index e * A + a of the first observation outside [0, num_obs) or mask without a 1, else OK."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            allowed = 0
            for b in range(mask.shape[2]):
                allowed |= mask[e, a, b]
            if obs[e, a] < 0 or obs[e, a] >= num_obs or allowed == 0:
                return e * obs.shape[1] + a
    return OK


@jit(inline=True)
def random_allowed(mask: Any, e: int, a: int, rng: Any) -> Any:
    """Return an allowed action, all alike."""
    count = 0
    for b in range(mask.shape[2]):
        count += mask[e, a, b] != 0
    left = draw_below(rng, e, count)
    choice = 0
    for b in range(mask.shape[2]):
        if mask[e, a, b] != 0:
            if left == 0:
                choice = b
            left -= 1
    return choice


@jit(inline=True)
def best_value(q: Any, t: int, s: int, mask: Any, e: int, a: int) -> Any:
    """Return the highest value of the allowed actions, float32."""
    best = _LOWEST
    for b in range(q.shape[2]):
        value = q[t, s, b]
        if mask[e, a, b] == 0:
            value = _LOWEST
        best = max(best, value)  # this form compiles to code without branches, a third faster
    return best


@jit(inline=True)
def best_allowed(q: Any, t: int, s: int, mask: Any, e: int, a: int, rng: Any) -> Any:
    """Return the allowed action of the highest value; one at random among equals."""
    best = best_value(q, t, s, mask, e, a)
    ties: Any = 0
    choice: Any = 0
    for b in range(q.shape[2]):
        hit = np.int64(mask[e, a, b] != 0) & np.int64(q[t, s, b] == best)
        ties += hit
        choice += hit * b
    if ties == 1:
        return choice
    left = draw_below(rng, e, ties)
    for b in range(q.shape[2]):
        if mask[e, a, b] != 0 and q[t, s, b] == best:
            if left == 0:
                choice = b
            left -= 1
    return choice


@jit(inline=True)
def boltzmann_allowed(q: Any, t: int, s: int, temperature: float, mask: Any, e: int, a: int, rng: Any) -> Any:
    """Return an allowed action with probability proportional to exp(q / temperature)."""
    best = -np.inf
    for b in range(q.shape[2]):
        if mask[e, a, b] != 0:
            best = max(best, np.float64(q[t, s, b]))
    total = 0.0
    for b in range(q.shape[2]):
        if mask[e, a, b] != 0:
            total += np.exp((np.float64(q[t, s, b]) - best) / temperature)  # at most 1: no overflow
    left = draw_unit(rng, e) * total
    choice = -1
    last = 0
    for b in range(q.shape[2]):
        if mask[e, a, b] != 0 and choice < 0:
            left -= np.exp((np.float64(q[t, s, b]) - best) / temperature)
            last = b
            if left < 0.0:
                choice = b
    return choice if choice >= 0 else last  # rounding may leave a last crumb


@jit
def act_epsilon_greedy(q: Any, obs: Any, mask: Any, rng: Any, epsilon: float, actions: Any) -> Any:
    """Write the actions: random with probability `epsilon`, else the best. Return OK or the first bad sample."""
    bad = first_bad_choice(obs, mask, q.shape[1])
    if bad != OK:
        return bad
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            t = table_of(q, obs, e, a)
            if epsilon > 0.0 and draw_unit(rng, e) < epsilon:
                actions[e, a] = random_allowed(mask, e, a, rng)
            else:
                actions[e, a] = best_allowed(q, t, obs[e, a], mask, e, a, rng)
    return OK


@jit
def act_boltzmann(q: Any, obs: Any, mask: Any, rng: Any, temperature: float, actions: Any) -> Any:
    """Write the actions, drawn by exp(q / temperature). Return OK or the first bad sample."""
    bad = first_bad_choice(obs, mask, q.shape[1])
    if bad != OK:
        return bad
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            t = table_of(q, obs, e, a)
            actions[e, a] = boltzmann_allowed(q, t, obs[e, a], temperature, mask, e, a, rng)
    return OK


@jit
def act_ucb1(q: Any, tries: Any, obs: Any, mask: Any, rng: Any, width: float, actions: Any) -> Any:
    """Write the actions of the highest q + width * sqrt(ln n / n_b), untried ones first.

    n_b is how often b was tried there, int64 [T, S, N], and n the sum over the allowed actions. Return OK or the first
    bad sample.
    """
    bad = first_bad_choice(obs, mask, q.shape[1])
    if bad != OK:
        return bad
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            t, s = table_of(q, obs, e, a), obs[e, a]
            total = 0
            for b in range(q.shape[2]):
                total += tries[t, s, b] * (mask[e, a, b] != 0)
            best, ties, choice = -np.inf, 0, 0
            for b in range(q.shape[2]):
                if mask[e, a, b] != 0:
                    value = np.inf
                    if tries[t, s, b] > 0:
                        value = np.float64(q[t, s, b]) + width * np.sqrt(np.log(total) / tries[t, s, b])
                    if value > best:
                        best, ties, choice = value, 1, b
                    elif value == best:
                        ties += 1
                        if draw_below(rng, e, ties) == 0:  # each of the equals is left with the same probability
                            choice = b
            actions[e, a] = choice
    return OK


@jit
def count_tries(tries: Any, obs: Any, actions: Any, alive: Any) -> None:
    """Count what agents that were alive did, in `tries` [T, S, N]."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            if alive[e, a]:
                tries[table_of(tries, obs, e, a), obs[e, a], actions[e, a]] += 1


@jit(inner=True)
def first_bad_sample(
    q: Any,
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
    num_obs, num_actions = q.shape[1], q.shape[2]
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            after = final_obs[e, a] if ended[e] else next_obs[e, a]
            allowed = 0
            for b in range(num_actions):
                allowed |= final_mask[e, a, b] if ended[e] else next_mask[e, a, b]
            good = 0 <= obs[e, a] < num_obs and 0 <= after < num_obs and 0 <= actions[e, a] < num_actions
            if not good or allowed == 0 or not np.isfinite(reward[e, a]):
                return e * obs.shape[1] + a
    return OK


@jit
def update_q(
    q: Any,
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
    """Move q(s, b) by alpha toward r + gamma * max q(s', .) for every agent that was alive.

    reward float32 [E, A]; ended bool [E] (the environment was reset: s' is in final_obs); terminated bool [E, A] (s'
    has no value); alive bool [E, A] before the step. Computes in float64, stores float32.
    Return OK or the first bad sample; then q is unchanged.
    """
    bad = first_bad_sample(q, obs, actions, reward, next_obs, next_mask, final_obs, final_mask, ended)
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
                    target += gamma * np.float64(best_value(q, t, final_obs[e, a], final_mask, e, a))
                else:
                    target += gamma * np.float64(best_value(q, t, next_obs[e, a], next_mask, e, a))
            old = np.float64(q[t, obs[e, a], actions[e, a]])
            q[t, obs[e, a], actions[e, a]] = np.float32(old + alpha * (target - old))
    return OK
