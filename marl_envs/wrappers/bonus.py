"""Any bonus for a step, paid beside the reward: for reward design, and to see how it is exploited.

Unlike a potential (`marl_envs.wrappers.shaping`) it may change which policies are best: what is paid for coming nearer
and not taken back for going away is collected again and again.

    vec = with_bonus(vec, lambda before, after: 0.2 * (distance(after) < distance(before)))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from marl_envs.core.params import ParameterError
from marl_envs.wrappers.shaping import RepaidVectorEnv, name_of, one_an_agent

Bonus: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], Any]
"""From observations [E, A, ...] before and after a step to what is paid more, [E, A] (PettingZoo face: E = A = 1)."""


def with_bonus(env: Any, bonus: Bonus) -> Any:
    """Return `env`, a VectorEnv or a PettingZoo ParallelEnv, that pays `bonus(before, after)` beside its rewards.

    Where an episode ends, `after` is its last observation. Agents that have finished are paid nothing.

    Raises:
        ParameterError: a bonus that cannot be called, or another kind of environment.
    """
    if not callable(bonus):
        raise ParameterError(f"bonus must be a function of two observations, not {bonus!r}")
    if isinstance(env, ParallelEnv):
        return BonusParallelEnv(env, bonus)
    if hasattr(env, "num_envs") and hasattr(env, "num_agents"):
        return BonusVectorEnv(env, bonus)
    raise ParameterError(f"only a VectorEnv or a ParallelEnv can pay a bonus, not {type(env).__name__}")


class BonusVectorEnv(RepaidVectorEnv):
    """A VectorEnv that pays a bonus."""

    def __init__(self, env: Any, bonus: Bonus) -> None:
        """Wrap `env`; see `with_bonus`."""
        self.bonus = bonus
        super().__init__(env)

    def _keep(self, obs: NDArray[Any]) -> NDArray[Any]:
        return np.array(obs)

    def _extra(self, before: Any, after: Any, terminated: NDArray[np.bool_]) -> NDArray[np.float64]:
        return one_an_agent("bonus", self.bonus(before, after), terminated.shape)

    @property
    def chosen(self) -> dict[str, Any]:
        """The name of the bonus."""
        return {"bonus": name_of(self.bonus)}


class BonusParallelEnv(BaseParallelWrapper[str, Any, Any]):
    """A PettingZoo ParallelEnv that pays a bonus; `info["unshaped_reward"]` of an agent has its reward as it was."""

    def __init__(self, env: Any, bonus: Bonus) -> None:
        """Wrap `env`; see `with_bonus`."""
        super().__init__(env)
        self.bonus = bonus
        self._before: dict[str, NDArray[Any]] = {}
        self._alive: dict[str, bool] = {}

    @staticmethod
    def _seen(observation: Any) -> NDArray[Any]:
        """Return an agent's observation as [1, 1, ...], a copy."""
        return np.array(observation["observation"] if isinstance(observation, dict) else observation)[None, None]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Start an episode, as the environment's `reset`."""
        obs, infos = super().reset(seed, options)
        self._before = {agent: self._seen(seen) for agent, seen in obs.items()}
        self._alive = dict.fromkeys(obs, True)
        return obs, infos

    def step(self, actions: dict[str, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Advance by one step, as the environment's `step`, with the bonus.

        Raises:
            ValueError: the bonus cannot be used; the step has been made then.
        """
        obs, rewards, terminated, truncated, infos = super().step(actions)
        paid, shown = {}, {}
        for agent, reward in rewards.items():
            after, extra = self._seen(obs[agent]), 0.0
            if self._alive[agent]:
                extra = float(one_an_agent("bonus", self.bonus(self._before[agent], after), (1, 1))[0, 0])
            self._before[agent] = after
            self._alive[agent] = bool(infos[agent].get("alive", 1)) and not terminated[agent]
            paid[agent], shown[agent] = float(reward) + extra, {**infos[agent], "unshaped_reward": reward}
        return obs, paid, terminated, truncated, shown
