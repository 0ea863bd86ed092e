"""Reference controllers as policies: they read the state and return actions for all agents."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.pack import table_of
from marl_envs.core.params import check_int
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.vehicles.driver import engine_pulls, yielding_pulls
from marl_envs.traffic.vehicles.types import DRIVING, NONE, EngineSettings, EngineState


class RandomDriver:
    """Any allowed action, or any acceleration, all alike."""

    def __init__(self, seed: int = 0) -> None:
        """Start from a seed."""
        self.reset(check_int("seed", seed, 0, 2**63 - 1))

    def reset(self, seed: int) -> None:
        """Start the random numbers over."""
        self._rng = np.random.default_rng(seed)

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return actions [E, A]."""
        del obs
        shape = (vec.num_envs, vec.num_agents)
        if vec.simulation.continuous:
            space = vec.action_space
            return self._rng.uniform(space.low[0], space.high[0], shape)
        mask = vec.action_mask
        scores = self._rng.random((*shape, int(vec.action_space.n)))
        chosen: NDArray[np.int64] = (scores if mask is None else np.where(mask, scores, -1.0)).argmax(axis=2)
        return chosen


class EngineDriver:
    """What the engine's own driver would do: the intelligent driver model, and gaps accepted by right of way.

    It asks the engine for the acceleration that its rules want now. A discrete action is the fastest that is no faster,
    and what it falls short of while accelerating is added next time; and it reacts at decisions only.
    """

    def __init__(self) -> None:
        """Begin without a memory of who may go."""
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget who was allowed to enter a junction."""
        del seed
        self._grant = self._trip = np.zeros((0, 0), np.int32)
        self._owed = np.zeros((0, 0))  # acceleration that was asked for and not given [m/s2]

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return actions [E, A]."""
        del obs
        if self._grant.shape != (vec.num_envs, vec.num_agents):
            self._grant, self._trip = (np.full((vec.num_envs, vec.num_agents), NONE, np.int32) for _ in range(2))
            self._owed = np.zeros(self._grant.shape)
        state, settings = vec.arrays, vec.simulation.settings
        copied = EngineState(*(getattr(state, name).copy() for name in EngineState._fields))
        engine = EngineSettings(*(getattr(settings, name) for name in EngineSettings._fields))
        slot = np.where(state.status == DRIVING, state.slot, NONE).astype(np.int32)
        pulls = np.zeros(slot.shape)
        engine_pulls(table_of(copied, engine), slot, self._grant, self._trip, pulls, 0, vec.num_envs)
        rules = vec.simulation.settings
        if rules.crosswalks:
            yielding_pulls(table_of(state, settings), slot, pulls, 0, vec.num_envs)
        if rules.continuous:
            return np.clip(pulls, vec.action_space.low[0], vec.action_space.high[0])
        wanted = np.where(pulls > 0.0, pulls + self._owed, pulls)
        levels = np.where(rules.levels <= wanted[..., None] + 1e-9, rules.levels, -np.inf)
        chosen = np.where(np.isinf(levels).all(axis=2), int(rules.levels.argmin()), levels.argmax(axis=2))
        self._owed = np.where(pulls > 0.0, np.clip(wanted - rules.levels[chosen], 0.0, rules.levels.max()), 0.0)
        if vec.action_mask is not None:
            allowed = np.take_along_axis(vec.action_mask, chosen[..., None], axis=2)[..., 0]
            slowest = np.where(vec.action_mask, rules.levels, np.inf).argmin(axis=2)
            chosen = np.where(allowed, chosen, slowest)
        return np.asarray(chosen, np.int64)
