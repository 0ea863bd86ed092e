"""What is left of a team's result when agents drop out, stand still, err or see nothing; and policies that do so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.core.policy import Policy
from marl_envs.core.random import seed_stream
from marl_envs.core.vector import VectorEnv

_NOISE = 1 << 45  # stream of a seed for what goes wrong, far from those of environments and policies


class Retention(NamedTuple):
    """What is left when k of n agents are gone, by k; and the mean of it."""

    by_size: dict[int, float]  # k -> mean over the sets of k agents
    worst: dict[int, float]  # k -> the least of them
    area: float  # mean over k = 0, ..., the largest k


def retention(full: float, without: Mapping[tuple[int, ...], float]) -> Retention:
    """Return r_k = J(n - k agents) / J(n agents) over the sets of k agents that were tried.

    Removed agents (a smaller team on the same floor) and frozen ones (which stand in the way) are different questions:
    call this for each. Compare with what a planner keeps, since fewer agents can do less.

    Unit: 1. Range: at least 0, 1 if nothing is lost, above 1 if the others do better alone.

    Args:
        full: result of the whole team, above 0 (a count; not a reward, which may have any sign).
        without: set of agents -> result without them.

    Raises:
        ParameterError: no set, an empty one, or `full` not above 0.
    """
    if not full > 0 or not np.isfinite(full):
        raise ParameterError(f"full must be a number above 0, not {full!r}")
    if not without or any(not gone for gone in without):
        raise ParameterError("without must name at least one set of agents, none of them empty")
    sizes = sorted({len(gone) for gone in without})
    left = {k: [value / full for gone, value in without.items() if len(gone) == k] for k in sizes}
    by_size = {0: 1.0, **{k: float(np.mean(values)) for k, values in left.items()}}
    worst = {0: 1.0, **{k: min(values) for k, values in left.items()}}
    return Retention(by_size, worst, float(np.mean(list(by_size.values()))))


class FrozenAgents:
    """A policy in which some agents always do the same (the no-op: they fail in place and block what is behind)."""

    def __init__(self, policy: Policy, frozen: Sequence[int], action: int = 0) -> None:
        """Let `policy` play, but the agents numbered in `frozen` take `action`, or what their mask allows first."""
        self._policy, self._frozen, self._action = policy, list(frozen), check_int("action", action, 0)

    def reset(self, seed: int) -> None:
        """Start the policy over."""
        self._policy.reset(seed)

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]."""
        actions = np.array(self._policy.act(vec, obs))
        mask = vec.action_mask
        for a in self._frozen:
            actions[:, a] = self._action
            if mask is not None:
                forced = mask[:, a, self._action] == 0
                actions[forced, a] = mask[forced, a].argmax(axis=1)
        return actions


class NoisyActions:
    """A policy each of whose actions is, with some probability, replaced by a random one that the mask allows."""

    def __init__(self, policy: Policy, probability: float) -> None:
        """Let `policy` play, each action replaced with `probability` (0 to 1)."""
        self._policy, self._probability = policy, check_float("probability", probability, 0.0, 1.0)
        self._rng = np.random.default_rng(0)

    def reset(self, seed: int) -> None:
        """Start the policy and the noise over."""
        self._policy.reset(seed)
        self._rng = np.random.default_rng(int(seed_stream(seed, _NOISE)))

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]."""
        actions = np.array(self._policy.act(vec, obs))
        wrong = self._rng.random(actions.shape) < self._probability
        mask = vec.action_mask
        allowed = np.ones((*actions.shape, int(vec.action_space.n)), np.int8) if mask is None else mask
        drawn = np.where(allowed > 0, self._rng.random(allowed.shape), -1.0).argmax(axis=-1)
        return np.where(wrong, drawn, actions)


class LostObservations:
    """A policy whose agents, with some probability in each step, see only what they saw last."""

    def __init__(self, policy: Policy, probability: float) -> None:
        """Let `policy` play, each observation lost with `probability` (0 to 1). Masks are not lost."""
        self._policy, self._probability = policy, check_float("probability", probability, 0.0, 1.0)
        self._rng = np.random.default_rng(0)
        self._last: NDArray[Any] | None = None

    def reset(self, seed: int) -> None:
        """Start the policy and the losses over."""
        self._policy.reset(seed)
        self._rng = np.random.default_rng(int(seed_stream(seed, _NOISE)))
        self._last = None

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]. What an agent saw last may be of the episode before: it has not seen the new one."""
        seen = np.array(obs)
        if self._last is not None and self._last.shape == seen.shape:
            lost = self._rng.random(seen.shape[:2]) < self._probability
            seen[lost] = self._last[lost]
        self._last = seen
        return self._policy.act(vec, seen)
