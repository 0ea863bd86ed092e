"""Gymnasium's environments of one agent, seen as batches with one agent each: what learners and `train` work with.

vec = GymnasiumEnv("Taxi-v4", num_envs=8)
cart = GymnasiumEnv("CartPole-v1", tiles=TileCoder(low=[-2.4, -3, -0.21, -3.5], high=[2.4, 3, 0.21, 3.5]))
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from agents.linear.coding import TileCoder
from marl_envs.core.params import ParameterError, check_int

Info = dict[str, Any]


class GymnasiumEnv:
    """E copies of a Gymnasium environment with the face of `VectorEnv`, A = 1.

    Gymnasium's own vectorised version is used where there is one, else the copies are stepped one after the other.
    An environment that has ended is reset in the same step; vectorised ones that reset a step later have a step then
    in which `alive` is False, so nobody learns from it. Rewards are float32. Metrics: return and episode length.
    There are no snapshots, so a training in it cannot write checkpoints (the learner's `save` can).
    """

    metric_names = ("return", "episode_length")
    num_agents = 1
    params = None
    action_mask = None

    def __init__(
        self,
        env: str | gymnasium.Env[Any, Any] | VectorEnv,
        num_envs: int = 1,
        tiles: TileCoder | None = None,
        **options: Any,
    ) -> None:
        """Make `num_envs` environments.

        Args:
            env: a registered id, one environment, or Gymnasium's batch of them.
            num_envs: environments, E, with an id.
            tiles: shows tiles int32 [E, 1, K] instead of the vectors float32 [E, 1, D] of a Box.
            options: of `gymnasium.make`, with an id (`max_episode_steps=...`, the environment's own).

        Raises:
            ParameterError: arguments that do not go together, or spaces that do not fit: actions Discrete from 0,
                observations Discrete from 0 or a Box of one axis, with `tiles` the latter.
        """
        if not isinstance(env, str) and (options or num_envs != 1):
            raise ParameterError("num_envs and options need the id of a registered environment")
        self.envs = _batch(env, check_int("num_envs", num_envs, 1), options)
        mode = self.envs.metadata.get("autoreset_mode")
        if mode not in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP):
            raise ParameterError(f"environments must reset by themselves, but their autoreset_mode is {mode}")
        self._resets_later = mode == AutoresetMode.NEXT_STEP
        self.num_envs, self.tiles, self.agents = int(self.envs.num_envs), tiles, ["agent_0"]
        self.action_space = self.envs.single_action_space
        self.observation_space = self._shown_space(self.envs.single_observation_space)
        name = env if isinstance(env, str) else getattr(env.spec, "id", type(env.unwrapped).__name__)
        coded = {} if tiles is None else {"tiles": tiles.to_config()}
        self.fingerprint: dict[str, Any] = {"env": name, "params": {k: _plain(v) for k, v in options.items()}, **coded}
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, np.int64)
        self._alive = np.ones(self.num_envs, bool)  # False: the next step only resets

    def _shown_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        """Return the space of what is shown; refuse spaces that learners here cannot use."""
        if not isinstance(self.action_space, Discrete) or self.action_space.start != 0:
            raise ParameterError(f"actions must be Discrete from 0, but this environment has {self.action_space}")
        if isinstance(space, Box) and len(space.shape) == 1:
            if self.tiles is None:
                return space
            if len(self.tiles.low) != space.shape[0]:
                raise ParameterError(f"tiles are for {len(self.tiles.low)} numbers, but this environment has {space}")
            return self.tiles.space
        if self.tiles is not None or not isinstance(space, Discrete) or space.start != 0:
            needed = "a Box of one axis" if self.tiles is not None else "Discrete from 0 or a Box of one axis"
            raise ParameterError(f"observations must be {needed}, but this environment has {space}")
        return space

    def _show(self, raw: Any) -> NDArray[Any]:
        """Return raw observations [E, ...] as they are shown, [E, 1, ...]."""
        if isinstance(self.envs.single_observation_space, Discrete):
            return np.asarray(raw, np.int32).reshape(self.num_envs, 1)
        rows = self.tiles.code(raw) if self.tiles is not None else np.array(raw, np.float32)
        return rows[:, None]

    def reset(self, *, seed: int | None = None) -> tuple[NDArray[Any], Info]:
        """Start an episode everywhere (Gymnasium seeds copy e with `seed` + e). Return (obs [E, 1, ...], info)."""
        raw, _ = self.envs.reset(seed=seed)
        self._returns[:], self._lengths[:], self._alive[:] = 0.0, 0, True
        return self._show(raw), {"alive": self._alive[:, None].copy()}

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, Info]:
        """Advance every environment by one step with actions [E, 1]; the result is that of `VectorEnv.step`."""
        raw, reward, terminated, truncated, infos = self.envs.step(np.asarray(actions)[:, 0])
        ended = terminated | truncated
        obs = final = self._show(raw)
        if ended.any() and not self._resets_later:
            last = np.array(raw)
            for e in np.flatnonzero(ended):
                last[e] = infos["final_obs"][e]
            final = self._show(last)
        self._returns += reward
        self._lengths += self._alive
        metrics = {"return": self._returns.copy(), "episode_length": self._lengths.astype(np.float64)}
        self._returns[ended], self._lengths[ended] = 0.0, 0
        if self._resets_later:
            self._alive[:] = ~ended
        alive = self._alive[:, None].copy()
        info = {"alive": alive, "ended": ended, "final_obs": final, "metrics": metrics, "_metrics": ended}
        return obs, reward.astype(np.float32)[:, None], terminated[:, None], truncated[:, None], info

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()


def _batch(env: Any, num_envs: int, options: dict[str, Any]) -> VectorEnv:
    """Return Gymnasium's batch of an id, of one environment, or `env` where it is a batch."""
    if isinstance(env, VectorEnv):
        return env
    if isinstance(env, str):
        if gymnasium.spec(env).vector_entry_point is not None:
            return gymnasium.make_vec(env, num_envs, "vector_entry_point", **options)
        return SyncVectorEnv(
            [lambda: gymnasium.make(env, **options)] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP
        )
    return SyncVectorEnv([lambda: env], autoreset_mode=AutoresetMode.SAME_STEP)


def _plain(value: Any) -> Any:
    """Return an option as something JSON can hold."""
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(value)
