"""A step of the batch as kernels see it: E environments, A agents, N actions; and what all update rules ask of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.inputs import expect
from agents.tabular.kernels import OK, best_value
from marl_envs.core.jit import jit


class Step(NamedTuple):
    """What happened in one step of every environment."""

    obs: Any  # int32 [E, A] before the step
    mask: Any  # int8 [E, A, N] of `obs`
    actions: Any  # int64 [E, A]
    reward: Any  # float32 [E, A]
    after: Any  # int32 [E, A] what the action led to: where the episode ended, its last observation
    after_mask: Any  # int8 [E, A, N] of `after`
    terminated: Any  # bool [E, A]: the agent finished in this step, so that what follows is worth nothing to it
    alive: Any  # bool [E, A]: it had not finished before


def resolved(ended: NDArray[np.bool_], final: NDArray[Any], following: NDArray[Any]) -> NDArray[Any]:
    """Return `final` [E, ...] for the environments that ended and `following` for the others."""
    if not ended.any():
        return following
    if ended.all():
        return final
    return np.where(ended.reshape(-1, *[1] * (final.ndim - 1)), final, following)


def make_step(
    all_allowed: NDArray[np.int8],
    mask: NDArray[np.int8],
    obs: Any,
    actions: Any,
    reward: Any,
    next_obs: Any,
    final_obs: Any,
    ended: Any,
    terminated: Any,
    alive: Any,
    next_mask: Any = None,
    final_mask: Any = None,
) -> Step:
    """Return the arguments of a learner's `update` as a step; `mask` is that of `obs`, None means `all_allowed`.

    Raises:
        ValueError: wrong shapes or dtypes.
    """
    batch, masks = mask.shape[:2], mask.shape
    ended = expect("ended", ended, batch[:1], np.bool_)
    next_obs = expect("next_obs", next_obs, batch, np.int32)
    final_obs = expect("final_obs", final_obs, batch, np.int32)
    next_mask = all_allowed if next_mask is None else expect("next_mask", next_mask, masks, np.int8)
    final_mask = all_allowed if final_mask is None else expect("final_mask", final_mask, masks, np.int8)
    return Step(
        obs=expect("obs", obs, batch, np.int32),
        mask=mask,
        actions=expect("actions", actions, batch, np.int64),
        reward=expect("reward", reward, batch, np.float32),
        after=resolved(ended, final_obs, next_obs),
        after_mask=resolved(ended, final_mask, next_mask),
        terminated=expect("terminated", terminated, batch, np.bool_),
        alive=expect("alive", alive, batch, np.bool_),
    )


@jit(inline=True)
def value_after(q: Any, t: Any, step: Any, e: Any, a: Any) -> Any:
    """Return max q[t](s', .) over the allowed actions, float64; 0 if the agent finished."""
    if step.terminated[e, a]:
        return 0.0
    return np.float64(best_value(q, t, step.after[e, a], step.after_mask, e, a))


@jit
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


@jit
def first_bad_step(step: Any, num_obs: int) -> Any:
    """Return the flat index of the first number outside its space, reward that is not finite or empty mask, else OK."""
    # Arrays by themselves: handing the tuple on to a function would count references to all of them each time.
    obs, actions, reward, after, mask = step.obs, step.actions, step.reward, step.after, step.after_mask
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            allowed = 0
            for b in range(mask.shape[2]):
                allowed |= mask[e, a, b]
            good = 0 <= obs[e, a] < num_obs and 0 <= after[e, a] < num_obs and 0 <= actions[e, a] < mask.shape[2]
            if not good or allowed == 0 or not np.isfinite(reward[e, a]):
                return e * obs.shape[1] + a
    return OK


@jit
def first_unlike(numbers: Any, counts: Any) -> Any:
    """Return the flat index of the first of `numbers` [E, A] that differs from the first that counts in its row."""
    for e in range(numbers.shape[0]):
        first = -1
        for a in range(numbers.shape[1]):
            if counts[e, a]:
                if first < 0:
                    first = a
                elif numbers[e, a] != numbers[e, first]:
                    return e * numbers.shape[1] + a
    return OK
