"""A batch as one flat `gymnasium.vector.VectorEnv`: every agent of every environment is a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector import VectorEnv as GymnasiumVectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.interop.episodes import EpisodeLog


class FlatVectorEnv(GymnasiumVectorEnv[Any, Any, Any]):
    """E environments x A agents as E * A rows; row e * A + a is agent a of environment e.

    To a library for single agents every row is an environment of its own: it learns one shared policy, independently
    by its own reward. All rows of an environment end in the same step: those whose agent has finished terminate,
    the others are truncated. After its agent has finished, a row waits for the common end with reward 0 and
    `info["alive"]` False.

    Ended environments are reset in the same step (`AutoresetMode.SAME_STEP`). Infos hold `action_mask`, `alive`,
    `reward_terms`; in steps that end episodes also `final_obs`, `metrics` (of the row's environment), `final_info` with
    the last `action_mask`, and under the same names with a leading `_` which rows these are for.
    """

    def __init__(self, vec: VectorEnv, *, copy: bool = True, log: EpisodeLog | None = None) -> None:
        """Show `vec` as rows.

        Args:
            vec: the batch.
            copy: return fresh arrays; False returns views that stay valid until the step after the next.
            log: gets the metrics of finished episodes.
        """
        self.vec = vec
        self.num_envs = vec.num_envs * vec.num_agents
        self.single_observation_space, self.single_action_space = vec.observation_space, vec.action_space
        self.observation_space = batch_space(vec.observation_space, self.num_envs)
        self.action_space = batch_space(vec.action_space, self.num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}
        self._copy, self._log = copy, log
        self._finished = np.zeros((vec.num_envs, vec.num_agents), np.bool_)
        self._all = np.ones(self.num_envs, np.bool_)

    def _rows(self, array: NDArray[Any], *, copy: bool | None = None) -> NDArray[Any]:
        """Return [E, A, ...] as [E * A, ...]."""
        rows = array.reshape(self.num_envs, *array.shape[2:])
        return rows.copy() if (self._copy if copy is None else copy) else rows

    def _spread(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return [E] as [E * A]: the same for all agents of an environment."""
        return np.repeat(array, self.vec.num_agents)

    def _info(self, info: dict[str, Any]) -> dict[str, Any]:
        rows = {name: self._rows(info[name]) for name in ("action_mask", "alive", "reward_terms") if name in info}
        return rows | {f"_{name}": self._all.copy() for name in rows}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Start an episode everywhere; one seed stands for the whole batch.

        Raises:
            ParameterError: a list of seeds, or a `reset_mask` among the options: single rows cannot be reset.
        """
        if options and "reset_mask" in options:
            raise ParameterError("reset_mask is not possible: the environments reset themselves when they end")
        obs, info = self.vec.reset(seed=seed)  # type: ignore[arg-type]  # which refuses what is no integer
        self._finished[:] = False
        return self._rows(obs), self._info(info)

    def step(
        self, actions: Any
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Advance by one step.

        Args:
            actions: integers [E * A].

        Returns:
            obs [E * A, ...], reward float32, terminated bool, truncated bool [E * A], info (see the class).

        Raises:
            RuntimeError, TypeError, ValueError: as `VectorEnv.step`.
        """
        given = np.asarray(actions)
        if given.shape != (self.num_envs,):
            raise ValueError(f"actions must have shape {(self.num_envs,)}, not {given.shape}")
        obs, reward, terminated, _, info = self.vec.step(given.reshape(self._finished.shape))
        if self._log is not None:
            self._log.add_batch(info)
        self._finished |= terminated
        ended = info["ended"][:, None]
        over, cut = self._finished & ended, ~self._finished & ended
        self._finished &= ~ended
        infos = self._info(info)
        if ended.any():
            infos |= self._final(info)
        return self._rows(obs), self._rows(reward), over.reshape(-1), cut.reshape(-1), infos

    def _final(self, info: dict[str, Any]) -> dict[str, Any]:
        """Return what is known of the episodes that ended."""
        ended = self._spread(info["ended"])
        final: dict[str, Any] = {"final_obs": self._rows(info["final_obs"])}
        final["metrics"] = {name: self._spread(column) for name, column in info["metrics"].items()}
        final["metrics"] |= {f"_{name}": ended for name in info["metrics"]}
        final["final_info"] = {"metrics": final["metrics"], "_metrics": ended}
        if "final_action_mask" in info:
            final["final_info"] |= {"action_mask": self._rows(info["final_action_mask"]), "_action_mask": ended}
        return final | {f"_{name}": ended for name in final}

    def close_extras(self, **kwargs: Any) -> None:
        """Stop the batch's threads."""
        self.vec.close()


def make(env_id: str, num_envs: int = 1, num_threads: int = 1, **parameters: Any) -> FlatVectorEnv:
    """Return `num_envs` environments as rows; what `gymnasium.make_vec` calls for a registered id."""
    from marl_envs.core.registry import make_vec

    return FlatVectorEnv(make_vec(env_id, num_envs, num_threads, **parameters))
