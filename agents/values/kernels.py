"""What the kernels of value learners share. Tables, masks and streams are as in agents.tabular.kernels."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import best_value, first_bad_sample
from marl_envs.core.jit import jit

GREEDY_MIXED, SOFTMAX = 0, 1  # kinds of behaviour: the best with the rest at random; exp(Q / temperature)


class Step(NamedTuple):
    """One step of the batch, as update kernels get it."""

    obs: Annotated[NDArray[np.int32], "E A"]
    actions: Annotated[NDArray[np.int64], "E A"]
    reward: Annotated[NDArray[np.float32], "E A"]
    after: Annotated[NDArray[np.int32], "E A"]  # what the action led to: where the episode ended, its last observation
    mask: Annotated[NDArray[np.int8], "E A N"]  # what is allowed there
    ended: Annotated[NDArray[np.bool_], "E"]
    terminated: Annotated[NDArray[np.bool_], "E A"]
    alive: Annotated[NDArray[np.bool_], "E A"]  # before the step; the others are ignored


def make_step(
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
) -> Step:
    """Return a checked batch as a Step."""
    after, mask = next_obs, next_mask
    if ended.any():
        after, mask = next_obs.copy(), next_mask.copy()
        after[ended], mask[ended] = final_obs[ended], final_mask[ended]
    return Step(obs, actions, reward, after, mask, ended, terminated, alive)


@jit(inner=True)
def first_bad(q: Any, step: Step) -> Any:
    """Return the flat index of the first sample that no table has room for or whose reward is not finite, else OK."""
    after, mask = step.after, step.mask
    return first_bad_sample(q, step.obs, step.actions, step.reward, after, mask, after, mask, step.ended)


@jit(inline=True)
def learn(q: Any, t: int, s: int, b: int, target: float, alpha: float) -> None:
    """Move q(s, b) by alpha toward the target. Computes in float64, stores float32."""
    old = np.float64(q[t, s, b])
    q[t, s, b] = np.float32(old + alpha * (target - old))


@jit(inline=True)
def greedy_target(q: Any, t: int, step: Step, e: int, a: int, gamma: float) -> Any:
    """Return r + gamma * max Q(s', .), float64; r alone where the agent has finished."""
    target = np.float64(step.reward[e, a])
    if not step.terminated[e, a]:
        target += gamma * np.float64(best_value(q, t, step.after[e, a], step.mask, e, a))
    return target


@jit(inline=True)
def is_best(q: Any, t: int, s: int, b: int, mask: Any, e: int, a: int) -> Any:
    """Return whether no allowed action has a higher value than `b`."""
    return q[t, s, b] >= best_value(q, t, s, mask, e, a)


@jit(inner=True)
def policy_value(q: Any, t: int, s: int, mask: Any, e: int, a: int, behaviour: int, strength: float) -> Any:
    """Return the mean value of the allowed actions under the behaviour, float64.

    GREEDY_MIXED: `strength` is epsilon, shared by all allowed actions; the rest is shared by the best ones, whose
    values are equal. SOFTMAX: `strength` is the temperature.
    """
    best = np.float64(best_value(q, t, s, mask, e, a))
    total, weights = 0.0, 0.0
    for b in range(q.shape[2]):
        if mask[e, a, b] != 0:
            value = np.float64(q[t, s, b])
            weight = np.exp((value - best) / strength) if behaviour == SOFTMAX else 1.0
            total += weight * value
            weights += weight
    if behaviour == SOFTMAX:
        return total / weights
    return (1.0 - strength) * best + strength * (total / weights)
