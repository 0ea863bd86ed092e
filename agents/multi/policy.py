"""A learner's policy without exploration, for evaluations, recordings and play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.streams import PLAYING
from agents.tabular.inputs import expect
from agents.tabular.policy import values_in
from marl_envs.core.random import seed_stream

if TYPE_CHECKING:
    from agents.multi.base import MultiLearner


class GreedyTeam:
    """Plays what the learner would without exploring; draws from its own random streams.

    The tables are shared, not copied: the policy of a learner that goes on learning changes with it.
    """

    def __init__(self, learner: MultiLearner) -> None:
        """Play as `learner`."""
        self._learner = learner
        self._seed = 0
        self._rng = np.zeros(0, np.uint64)

    def reset(self, seed: int) -> None:
        """Restart the streams that break ties."""
        self._seed = seed
        self._rng = np.zeros(0, np.uint64)

    def act(self, vec: Any, obs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for the last observations of the VectorEnv `vec`, obeying its masks.

        Raises:
            ValueError: as `choose`.
        """
        return self.choose(np.asarray(obs, np.int32), vec.action_mask)  # the PettingZoo face gives int64

    def values(self, vec: Any, obs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the tables' entries for observations, float32 [E, A, N].

        NaN for actions that the mask forbids, and for all of a learner that has no value for each agent's action (one
        that values joint actions, or only has a policy).
        """
        obs, learner = np.asarray(obs), self._learner
        found = np.full((*obs.shape[:2], learner.num_actions), np.nan, np.float32)
        q = getattr(learner, "q", None)
        if q is not None and q.ndim == 3 and q.shape[1:] == (learner.num_observations, learner.num_actions):
            found = values_in(q, obs, [learner.num_observations])
        return found if vec.action_mask is None else np.where(vec.action_mask > 0, found, np.float32(np.nan))

    def choose(self, obs: NDArray[Any], mask: NDArray[np.int8] | None) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for observations int32 [E, A] and mask int8 [E, A, N] (None: all allowed).

        Raises:
            ValueError: wrong shapes, an observation outside the table, a mask that allows nothing, or another number of
                environments than there are separate runs.
        """
        num_envs = len(obs)
        shape = (num_envs, self._learner.num_agents, self._learner.num_actions)
        obs = expect("obs", obs, shape[:2], np.int32)
        mask = np.ones(shape, np.int8) if mask is None else expect("mask", mask, shape, np.int8)
        if len(self._rng) != num_envs:
            self._rng = np.array([seed_stream(self._seed, PLAYING + e) for e in range(num_envs)], np.uint64)
        return self._learner.choose(obs, mask, self._rng, None)
