"""A table used without learning: the greedy policy for evaluations, recordings and play."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.streams import PLAYING
from agents.tabular.inputs import expect
from agents.tabular.kernels import OK
from agents.tabular.lookup import Lookup
from marl_envs.core.random import seed_stream


class GreedyTable:
    """Plays the best allowed action of a table, one at random among equals; draws from its own random streams.

    The table is shared, not copied: the policy of a learner that goes on learning changes with it.
    """

    def __init__(self, q: NDArray[np.float32], reader: Any = None) -> None:
        """Use `q`, float32 [T, S, N]; T is 1 (one table for all), A, or E x A (separate runs).

        `reader` says how an observation leads to values: as a row's number (`Lookup`), unless given.
        """
        self.q = q
        self._reader = Lookup(*q.shape[1:]) if reader is None else reader
        self._seed = self._step = 0
        self._rng = np.zeros(0, np.uint64)

    def reset(self, seed: int) -> None:
        """Restart the streams that break ties."""
        self._seed, self._step = seed, 0
        self._rng = np.zeros(0, np.uint64)

    def act(self, vec: Any, obs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for the last observations of the VectorEnv `vec`, obeying its masks.

        Raises:
            ValueError: as `choose`.
        """
        return self.choose(np.asarray(obs, np.int32), vec.action_mask)  # the PettingZoo face gives int64

    def values(self, vec: Any, obs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the tables' entries for observations, float32 [E, A, N]; NaN for actions that the mask forbids."""
        found = values_in(self.q, np.asarray(obs), self._reader.layout)
        return found if vec.action_mask is None else np.where(vec.action_mask > 0, found, np.float32(np.nan))

    def choose(self, obs: NDArray[Any], mask: NDArray[np.int8] | None) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for observations and mask int8 [E, A, N] (None: all allowed).

        Observations are those that the learner takes: int32 [E, A], or [E, A, K] for a sum of K tables.

        Raises:
            ValueError: wrong shapes, an observation outside the table, or a mask that allows nothing.
        """
        num_envs, num_agents = np.shape(obs)[:2]
        if self.q.shape[0] not in (1, num_agents, num_envs * num_agents):
            raise ValueError(f"there are tables for {self.q.shape[0]} agents, but obs has {num_agents}")
        shape = (num_envs, num_agents, self._reader.num_actions)
        obs = expect("obs", obs, (*shape[:2], *self._reader.obs_shape), np.int32)
        mask = np.ones(shape, np.int8) if mask is None else expect("mask", mask, shape, np.int8)
        if len(self._rng) != num_envs:
            self._rng = np.array([seed_stream(self._seed, PLAYING + e) for e in range(num_envs)], np.uint64)
        actions = np.empty(shape[:2], np.int64)
        bad = self._reader.act("epsilon_greedy", self.q, obs, mask, self._rng, 0.0, actions)
        if bad != OK:
            self._reader.refuse(bad, num_agents, self._step, obs=obs, mask=mask)
        self._step += 1
        return actions


def values_in(q: NDArray[np.float32], obs: NDArray[Any], layout: list[int]) -> NDArray[np.float32]:
    """Return the values of all actions, float32 [E, A, N].

    Args:
        q: tables [T, S, N], T being 1, A or E x A.
        obs: rows [E, A], or [E, A, K] of K tables that lie one after another and are summed.
        layout: rows of each of the K tables.
    """
    num_envs, num_agents = obs.shape[:2]
    owner = np.arange(num_envs * num_agents).reshape(num_envs, num_agents) % q.shape[0]
    rows = (obs[..., None] if obs.ndim == 2 else obs) + np.cumsum([0, *layout[:-1]])
    found: NDArray[np.float32] = q[owner[..., None], rows].sum(axis=2)
    return found
