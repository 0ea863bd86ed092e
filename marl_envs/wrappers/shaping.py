"""Potential-based reward shaping: hints for learners that change no optimal policy.

Each step pays gamma * Phi(s') - Phi(s) more, where Phi is a function of the observation and Phi is 0 where an agent has
finished (termination, not a time limit). Ng, Harada and Russell, "Policy invariance under reward transformations",
1999. For Q-learning it is the same as starting with Q(s, b) = Phi(s) (Wiewiora 2003). Metrics stay the
environment's.

    vec = shaped(warehouse_v0.vector_env(num_envs=8), potential=lambda obs: -obs[..., 3], gamma=0.99)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from marl_envs.core.params import ParameterError, check_float
from marl_envs.core.snapshot import Snapshot

Potential: TypeAlias = Callable[[NDArray[Any]], Any]
"""From observations [E, A, ...] to what they are worth, [E, A] (for the PettingZoo face E = A = 1)."""


def shaped(env: Any, potential: Potential, gamma: float) -> Any:
    """Return `env`, a VectorEnv or a PettingZoo ParallelEnv, with shaped rewards.

    Raises:
        ParameterError: gamma outside [0, 1], a potential that cannot be called, or another kind of environment.
    """
    if isinstance(env, ParallelEnv):
        return ShapedParallelEnv(env, potential, gamma)
    if hasattr(env, "num_envs") and hasattr(env, "num_agents"):
        return ShapedVectorEnv(env, potential, gamma)
    raise ParameterError(f"only a VectorEnv or a ParallelEnv can be shaped, not {type(env).__name__}")


def _worth(potential: Potential, obs: NDArray[Any]) -> NDArray[np.float64]:
    """Return the potential of observations [E, A, ...] as float64 [E, A].

    Raises:
        ValueError: the potential gave another shape, or a number that is not finite.
    """
    worth = np.array(potential(obs), np.float64)
    if worth.shape != obs.shape[:2]:
        raise ValueError(f"the potential must return shape {obs.shape[:2]}, not {worth.shape}")
    if not np.isfinite(worth).all():
        e, a = np.argwhere(~np.isfinite(worth))[0]
        raise ValueError(f"the potential is {worth[e, a]} for environment {e}, agent {a}")
    return worth


def _checked(potential: Potential, gamma: float) -> float:
    if not callable(potential):
        raise ParameterError(f"potential must be a function of observations, not {potential!r}")
    return check_float("gamma", gamma, 0.0, 1.0)


class ShapedVectorEnv:
    """A VectorEnv with shaped rewards; everything else is the environment's.

    `info["unshaped_reward"]` has the rewards as they were.
    """

    def __init__(self, env: Any, potential: Potential, gamma: float) -> None:
        """Wrap `env`; see `shaped`."""
        self.gamma = _checked(potential, gamma)
        self.env, self.potential = env, potential
        self._before = np.zeros((env.num_envs, env.num_agents))
        self._alive = np.ones(self._before.shape, bool)

    def __getattr__(self, name: str) -> Any:
        """Return the environment's attribute."""
        if name == "env" or name.startswith("__"):  # not there yet, as while it is being copied
            raise AttributeError(name)
        return getattr(self.env, name)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """The environment's, with gamma and the name of the potential."""
        name = getattr(self.potential, "__name__", type(self.potential).__name__)
        return {**self.env.fingerprint, "shaping": {"potential": name, "gamma": self.gamma}}

    def reset(self, **arguments: Any) -> tuple[Any, dict[str, Any]]:
        """Start an episode everywhere, as the environment's `reset`."""
        return self._begin(*self.env.reset(**arguments))

    def _begin(self, obs: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self._before, self._alive = _worth(self.potential, obs), info["alive"].copy()
        return obs, info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance by one step, as the environment's `step`; rewards are float32 [E, A], shaped.

        Raises:
            ValueError: the potential's answer cannot be used; the step has been made then.
        """
        obs, reward, terminated, truncated, info = self.env.step(actions)
        now, ended = _worth(self.potential, obs), info["ended"]
        after = now.copy()
        if ended.any():
            after[ended] = _worth(self.potential, info["final_obs"][ended])
        after[terminated] = 0.0
        extra = np.where(self._alive, self.gamma * after - self._before, 0.0)
        self._before, self._alive = now, info["alive"].copy()
        info = {**info, "unshaped_reward": reward}
        return obs, (reward + extra).astype(np.float32), terminated, truncated, info

    def get_state(self) -> Snapshot:
        """Return the environment's snapshot, marked as shaped."""
        taken = self.env.get_state()
        return Snapshot(meta={**taken.meta, "fingerprint": self.fingerprint}, arrays=taken.arrays)

    def set_state(self, state: Snapshot) -> tuple[Any, dict[str, Any]]:
        """Continue from a snapshot of this environment with this shaping.

        Raises:
            ValueError: the snapshot is of another environment, shaping or batch size; nothing has changed then.
        """
        if state.meta["fingerprint"] != self.fingerprint:
            raise ValueError("the snapshot was taken from another environment, or with another shaping")
        meta = {**state.meta, "fingerprint": self.env.fingerprint}
        return self._begin(*self.env.set_state(Snapshot(meta=meta, arrays=state.arrays)))


class ShapedParallelEnv(BaseParallelWrapper[str, Any, Any]):
    """A PettingZoo ParallelEnv with shaped rewards; `info["unshaped_reward"]` of an agent has its reward as it was."""

    def __init__(self, env: Any, potential: Potential, gamma: float) -> None:
        """Wrap `env`; see `shaped`."""
        super().__init__(env)
        self.gamma, self.potential = _checked(potential, gamma), potential
        self._before: dict[str, float] = {}

    def _worth(self, observation: Any) -> float:
        seen = observation["observation"] if isinstance(observation, dict) else observation
        return float(_worth(self.potential, np.asarray(seen)[None, None])[0, 0])

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Start an episode, as the environment's `reset`."""
        obs, infos = super().reset(seed, options)
        self._before = {agent: self._worth(seen) for agent, seen in obs.items()}
        return obs, infos

    def step(self, actions: dict[str, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Advance by one step, as the environment's `step`, with shaped rewards."""
        obs, rewards, terminated, truncated, infos = super().step(actions)
        shaped_rewards, shown = {}, {}
        for agent, reward in rewards.items():
            finished = terminated[agent] or not infos[agent].get("alive", 1)
            after = 0.0 if finished else self._worth(obs[agent])
            extra = self.gamma * after - self._before[agent]
            self._before[agent] = after  # of a finished agent that stays listed: it stays 0
            shaped_rewards[agent] = float(reward) + extra
            shown[agent] = {**infos[agent], "unshaped_reward": reward}
        return obs, shaped_rewards, terminated, truncated, shown
