"""Stable-Baselines3 over a batch: every agent of every environment is one of SB3's environments."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv as SB3VecEnv

from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.interop.episodes import EpisodeLog
from marl_envs.interop.flat import FlatVectorEnv


class VecEnv(SB3VecEnv):
    """E environments x A agents as E * A of SB3's; row e * A + a is agent a of environment e.

    All rows share one policy, and each is credited with its own agent's reward. Rows of episodes that ended have in
    their info `terminal_observation`, `TimeLimit.truncated` and `episode` (return, length and time, as SB3's Monitor
    writes them). sb3-contrib's MaskablePPO finds the action masks.
    """

    def __init__(self, vec: VectorEnv, log: EpisodeLog | None = None) -> None:
        """Show `vec` to SB3.

        Args:
            vec: the batch.
            log: gets the metrics of finished episodes.
        """
        self.vec = vec
        self.flat = FlatVectorEnv(vec, log=log)
        super().__init__(self.flat.num_envs, vec.observation_space, vec.action_space)
        self._actions: Any = None
        self._began = time.time()
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, np.int64)

    def reset(self) -> NDArray[Any]:
        """Start an episode everywhere, from SB3's seed if it has given one; return obs [E * A, ...]."""
        obs, _ = self.flat.reset(seed=self._seeds[0])
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = self._lengths[:] = 0
        return obs

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions, integers [E * A]."""
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Return obs [E * A, ...], reward [E * A], done [E * A] and an info for each row."""
        obs, reward, terminated, truncated, info = self.flat.step(self._actions)
        self._returns += reward
        self._lengths += 1
        done = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(done).tolist():
            infos[row] = {
                "terminal_observation": info["final_obs"][row],
                "TimeLimit.truncated": bool(truncated[row]),
                "episode": {"r": self._returns[row], "l": int(self._lengths[row]), "t": time.time() - self._began},
            }
        self._returns[done] = self._lengths[done] = 0
        return obs, reward, done, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions are allowed, bool [E * A, N].

        Raises:
            ParameterError: the environment was made with mask=None.
        """
        mask = self.vec.action_mask
        if mask is None:
            raise ParameterError('the environment was made without masks; make it with mask="info"')
        return mask.reshape(self.num_envs, -1).astype(np.bool_)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the batch, once for each row asked for."""
        if attr_name == "render_mode":
            return [None] * self.num_envs
        source = self if attr_name == "action_masks" else self.vec
        return [getattr(source, attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the batch.

        Raises:
            AttributeError: there is no such attribute.
            ParameterError: only some of the rows are meant: they share one batch.
        """
        getattr(self.vec, attr_name)
        if len(self._rows(indices)) != self.num_envs:
            raise ParameterError(f"{attr_name} cannot be set for some rows only: all are one batch")
        setattr(self.vec, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Call a method of the batch once; return its result for each row (`action_masks`: the row's own)."""
        rows = self._rows(indices)
        if method_name == "action_masks":
            masks = self.action_masks()
            return [masks[row] for row in rows]
        return [getattr(self.vec, method_name)(*method_args, **method_kwargs)] * len(rows)

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """Return False for each row: a batch has no wrappers inside."""
        return [False] * len(self._rows(indices))

    def _rows(self, indices: int | Iterable[int] | None) -> list[int]:
        return list(self._get_indices(indices))

    def close(self) -> None:
        """Stop the batch's threads."""
        self.vec.close()
