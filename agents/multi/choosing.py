"""Kernels that choose actions [E, A] by values or by a policy. Inputs have been checked.

q [K, S, N]: K tables; owner int32 [E, A] says whose: agent a of environment e plays by table owner[e, a].
Environment e draws from stream e of `rng`, agents in order.
"""

from __future__ import annotations

from typing import Any

from agents.tabular.kernels import best_allowed, boltzmann_allowed, random_allowed
from marl_envs.core.jit import jit
from marl_envs.core.random import draw_unit


@jit
def act_epsilon_greedy(q: Any, owner: Any, obs: Any, mask: Any, rng: Any, epsilon: float, actions: Any) -> None:
    """Write the actions: random with probability `epsilon`, else the best."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            if epsilon > 0.0 and draw_unit(rng, e) < epsilon:
                actions[e, a] = random_allowed(mask, e, a, rng)
            else:
                actions[e, a] = best_allowed(q, owner[e, a], obs[e, a], mask, e, a, rng)


@jit
def act_boltzmann(q: Any, owner: Any, obs: Any, mask: Any, rng: Any, temperature: float, actions: Any) -> None:
    """Write the actions, drawn by exp(q / temperature)."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            actions[e, a] = boltzmann_allowed(q, owner[e, a], obs[e, a], temperature, mask, e, a, rng)


@jit
def act_policy(policy: Any, q: Any, owner: Any, obs: Any, mask: Any, rng: Any, epsilon: float, actions: Any) -> None:
    """Write the actions of `policy` [K, S], random ones with probability `epsilon`; the best where it is forbidden."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            t, s = owner[e, a], obs[e, a]
            if epsilon > 0.0 and draw_unit(rng, e) < epsilon:
                actions[e, a] = random_allowed(mask, e, a, rng)
            elif mask[e, a, policy[t, s]] != 0:
                actions[e, a] = policy[t, s]
            else:
                actions[e, a] = best_allowed(q, t, s, mask, e, a, rng)
