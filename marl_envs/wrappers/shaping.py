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


def one_an_agent(name: str, values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return what a function of observations gave as float64 [E, A].

    Raises:
        ValueError: another shape, or a number that is not finite; the message says of which function.
    """
    numbers = np.array(values, np.float64)
    if numbers.shape != shape:
        raise ValueError(f"the {name} must return shape {shape}, not {numbers.shape}")
    if not np.isfinite(numbers).all():
        e, a = np.argwhere(~np.isfinite(numbers))[0]
        raise ValueError(f"the {name} is {numbers[e, a]} for environment {e}, agent {a}")
    return numbers


def name_of(function: Any) -> str:
    """Return the name by which a function is told from others in checkpoints."""
    return str(getattr(function, "__name__", type(function).__name__))


def _worth(potential: Potential, obs: NDArray[Any]) -> NDArray[np.float64]:
    """Return the potential of observations [E, A, ...] as float64 [E, A]."""
    return one_an_agent("potential", potential(obs), obs.shape[:2])


def _checked(potential: Potential, gamma: float) -> float:
    if not callable(potential):
        raise ParameterError(f"potential must be a function of observations, not {potential!r}")
    return check_float("gamma", gamma, 0.0, 1.0)


class RepaidVectorEnv:
    """A VectorEnv that pays something else; subclasses say what. Everything else is the environment's.

    `info["unshaped_reward"]` has the rewards as they were.
    """

    def __init__(self, env: Any) -> None:
        """Wrap `env`."""
        self.env = env
        self._before: Any = None
        self._alive = np.ones((env.num_envs, env.num_agents), bool)

    def __getattr__(self, name: str) -> Any:
        """Return the environment's attribute."""
        if name == "env" or name.startswith("__"):  # not there yet, as while it is being copied
            raise AttributeError(name)
        return getattr(self.env, name)

    def _keep(self, obs: NDArray[Any]) -> NDArray[Any]:
        """Return what has to be remembered of observations [E, A, ...], as a new array."""
        raise NotImplementedError

    def _extra(self, before: Any, after: Any, terminated: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return what is paid beside the reward, [E, A], for what `_keep` remembered before and after a step."""
        raise NotImplementedError

    @property
    def chosen(self) -> dict[str, Any]:
        """What tells this payment from another, as a JSON-able dict."""
        raise NotImplementedError

    @property
    def fingerprint(self) -> dict[str, Any]:
        """The environment's, with what else is paid."""
        return {**self.env.fingerprint, "shaping": self.chosen}

    def reset(self, **arguments: Any) -> tuple[Any, dict[str, Any]]:
        """Start an episode everywhere, as the environment's `reset`."""
        return self._begin(*self.env.reset(**arguments))

    def _begin(self, obs: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self._before, self._alive = self._keep(obs), info["alive"].copy()
        return obs, info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance by one step, as the environment's `step`; rewards are float32 [E, A], with what is added.

        Raises:
            ValueError: the answer of the function cannot be used; the step has been made then.
        """
        obs, reward, terminated, truncated, info = self.env.step(actions)
        now, ended = self._keep(obs), info["ended"]
        after = now.copy()
        if ended.any():
            after[ended] = self._keep(info["final_obs"][ended])
        extra = np.where(self._alive, self._extra(self._before, after, terminated), 0.0)
        self._before, self._alive = now, info["alive"].copy()
        info = {**info, "unshaped_reward": reward}
        return obs, (reward + extra).astype(np.float32), terminated, truncated, info

    def get_state(self) -> Snapshot:
        """Return the environment's snapshot, marked with what else is paid."""
        taken = self.env.get_state()
        return Snapshot(meta={**taken.meta, "fingerprint": self.fingerprint}, arrays=taken.arrays)

    def set_state(self, state: Snapshot) -> tuple[Any, dict[str, Any]]:
        """Continue from a snapshot of this environment with the same payment.

        Raises:
            ValueError: the snapshot is of another environment, payment or batch size; nothing has changed then.
        """
        if state.meta["fingerprint"] != self.fingerprint:
            raise ValueError("the snapshot was taken from another environment, or with another shaping")
        meta = {**state.meta, "fingerprint": self.env.fingerprint}
        return self._begin(*self.env.set_state(Snapshot(meta=meta, arrays=state.arrays)))


class ShapedVectorEnv(RepaidVectorEnv):
    """A VectorEnv with shaped rewards."""

    def __init__(self, env: Any, potential: Potential, gamma: float) -> None:
        """Wrap `env`; see `shaped`."""
        self.gamma, self.potential = _checked(potential, gamma), potential
        super().__init__(env)

    def _keep(self, obs: NDArray[Any]) -> NDArray[np.float64]:
        return _worth(self.potential, obs)

    def _extra(self, before: Any, after: Any, terminated: NDArray[np.bool_]) -> NDArray[np.float64]:
        extra: NDArray[np.float64] = self.gamma * np.where(terminated, 0.0, after) - before
        return extra

    @property
    def chosen(self) -> dict[str, Any]:
        """The name of the potential, and gamma."""
        return {"potential": name_of(self.potential), "gamma": self.gamma}


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
