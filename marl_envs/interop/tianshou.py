"""Tianshou over a batch: every agent of every environment is one of Tianshou's environments.

Tianshou's own multi-agent wrapper (`PettingZooEnv`) is for agents that take turns: of agents that act at the same time
it credits only the last. Here each agent's reward is stored with its own transition.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tianshou.data import Batch
from tianshou.env import BaseVectorEnv

from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.interop.episodes import EpisodeLog
from marl_envs.interop.flat import FlatVectorEnv


class TianshouVectorEnv(BaseVectorEnv):
    """E environments x A agents as E * A of Tianshou's; row e * A + a is agent a of environment e.

    Observations are Batches of `obs` float32 [rows, D] and `mask` bool [rows, N], where Tianshou's DQN looks for it
    (just `obs` without masks, made with mask=None). An info is {"env_id": row, "alive": bool}.

    The batch starts a new episode in the step that ends one. `step` therefore returns the last observation of what
    ended, and keeps the first one of what began for the `reset` of those rows, which Tianshou's collectors call next.
    Rows share a batch, so all are stepped together: collect a number of episodes that is a multiple of the rows.
    """

    def __init__(self, vec: VectorEnv, log: EpisodeLog | None = None) -> None:
        """Show `vec` to Tianshou.

        Args:
            vec: the batch.
            log: gets the metrics of finished episodes.
        """
        # Not Tianshou's own beginning, which would make a worker for each row.
        self.vec = vec
        self.flat = FlatVectorEnv(vec, log=log)
        self.env_num = self.wait_num = self.flat.num_envs
        self.timeout, self.is_async, self.is_closed = None, False, False
        self.waiting_id: list[int] = []
        self.ready_id = list(range(self.env_num))
        self._seed: int | None = None
        self._first: Any = None  # the first observations of the episodes that run
        self._waiting = np.zeros(self.env_num, np.bool_)  # rows that ended and were not reset yet

    def get_env_attr(self, key: str, id: int | list[int] | NDArray[Any] | None = None) -> list[Any]:
        """Return an attribute of the batch (a space: that of one agent), once for each row asked for."""
        return [getattr(self.vec, key)] * len(self._ids(id))

    def set_env_attr(self, key: str, value: Any, id: int | list[int] | NDArray[Any] | None = None) -> None:
        """Set an attribute of the batch.

        Raises:
            AttributeError: there is no such attribute.
            ParameterError: only some of the rows are meant: they share one batch.
        """
        getattr(self.vec, key)
        if len(self._ids(id)) != self.env_num:
            raise ParameterError(f"{key} cannot be set for some rows only: all are one batch")
        setattr(self.vec, key, value)

    def seed(self, seed: int | list[int] | None = None) -> list[list[int] | None]:
        """Let the next reset of all rows start from `seed`; return what each row starts from.

        Raises:
            ParameterError: a list of seeds: one seed stands for the whole batch.
        """
        if isinstance(seed, (list, tuple, np.ndarray)):
            raise ParameterError(f"one seed stands for all rows, not a list of them: {seed!r}")
        self._seed = seed
        return [None if seed is None else [seed]] * self.env_num

    def reset(
        self, env_id: int | list[int] | NDArray[Any] | None = None, **kwargs: Any
    ) -> tuple[Any, NDArray[np.object_]]:
        """Start an episode everywhere, or hand out the first observation of rows that have just ended.

        Args:
            env_id: rows; None: all.
            kwargs: `seed` and `options`, where all rows are reset.

        Returns:
            observations and infos of those rows.

        Raises:
            RuntimeError: some of the rows have not ended, and others are not to be reset.
            ParameterError: a seed for some of the rows only.
        """
        self._assert_is_not_closed()
        rows = self._ids(env_id)
        if env_id is not None and self._waiting[rows].all():
            if kwargs.get("seed") is not None:
                raise ParameterError(
                    "a seed is for all rows: reset(seed=...), or collector.reset(gym_reset_kwargs=...)"
                )
        elif len(rows) == self.env_num:
            kwargs.setdefault("seed", self._seed)
            self._seed = None
            obs, info = self.flat.reset(**kwargs)
            self._first = self._observations(obs, info.get("action_mask"))
        else:
            odd = [row for row in rows if not self._waiting[row]]
            raise RuntimeError(f"rows {odd} cannot be reset alone: their episodes go on; reset all rows instead")
        self._waiting[rows] = False
        return self._first[rows], self._infos(np.ones(self.env_num, np.bool_))[rows]

    def step(
        self, action: Any, id: int | list[int] | NDArray[Any] | None = None
    ) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.object_]]:
        """Advance by one step.

        Args:
            action: integers [rows].
            id: rows; they have to be all of them, in any order.

        Returns:
            observations, reward float32, terminated bool, truncated bool, infos, each of the rows as given.

        Raises:
            RuntimeError: some rows are left out, or have ended and were not reset.
            TypeError, ValueError: as `VectorEnv.step`.
        """
        self._assert_is_not_closed()
        rows = self._ids(id)
        if len(rows) != self.env_num or len(set(rows.tolist())) != self.env_num:
            raise RuntimeError(
                f"all {self.env_num} rows are one batch and are stepped together, not {len(rows)} of them: "
                f"collect a number of episodes that is a multiple of {self.env_num}"
            )
        if self._waiting.any():
            raise RuntimeError(f"rows {np.flatnonzero(self._waiting).tolist()} have ended: reset them first")
        actions = np.empty(self.env_num, np.int64)
        actions[rows] = self._checked(action)
        obs, reward, terminated, truncated, info = self.flat.step(actions)
        mask = info.get("action_mask")
        seen = self._observations(obs, mask)
        ended = terminated | truncated
        if ended.any():
            self._first = seen
            last, last_mask = obs.copy(), None if mask is None else mask.copy()
            last[ended] = info["final_obs"][ended]
            if last_mask is not None:
                last_mask[ended] = info["final_info"]["action_mask"][ended]
            seen = self._observations(last, last_mask)
            self._waiting = ended
        return seen[rows], reward[rows], terminated[rows], truncated[rows], self._infos(info["alive"])[rows]

    def _checked(self, action: Any) -> NDArray[Any]:
        """Return the actions, or raise what `VectorEnv.step` would."""
        given = np.asarray(action)
        if given.shape != (self.env_num,):
            raise ValueError(f"actions must have shape {(self.env_num,)}, not {given.shape}")
        if given.dtype.kind not in "iu":
            raise TypeError(f"actions must be integers, not {given.dtype}")
        return given

    def _ids(self, id: int | list[int] | NDArray[Any] | None) -> NDArray[np.int64]:
        """Return the rows meant, [rows]."""
        rows = np.arange(self.env_num) if id is None else np.atleast_1d(np.asarray(id, np.int64))
        if ((rows < 0) | (rows >= self.env_num)).any():
            raise ParameterError(f"rows must be in 0..{self.env_num - 1}, not {rows.tolist()}")
        return rows

    def _observations(self, obs: NDArray[Any], mask: NDArray[np.int8] | None) -> Any:
        """Return what Tianshou's networks and policies take."""
        return obs if mask is None else Batch(obs=obs, mask=mask.astype(np.bool_))

    def _infos(self, alive: NDArray[np.bool_]) -> NDArray[np.object_]:
        """Return one dictionary a row. Metrics are none of it: Tianshou refuses the NaNs that some of them have."""
        return np.array([{"env_id": row, "alive": there} for row, there in enumerate(alive.tolist())])

    def render(self, **kwargs: Any) -> list[Any]:
        """Refuse.

        Raises:
            NotImplementedError: always; render a `ParallelEnv`, or use `vec.frame(e)`.
        """
        raise NotImplementedError("a batch has no picture: render a ParallelEnv, or use vec.frame(e)")

    def close(self) -> None:
        """Stop the batch's threads."""
        self.vec.close()
        self.is_closed = True
