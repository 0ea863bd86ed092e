"""Difference rewards: what the team got less what it would have got, had the agent done a default action.

D_i = G(b) - G(b with b_i replaced by the default), where G is the team's reward in this step. G(...) of what did not
happen is measured: a copy of the environment is put where it is (`set_state`) and stepped with the other action.
Wolpert and Tumer, "Optimal payoff functions for members of collectives", Advances in Complex Systems 4, 2001.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.snapshot import Snapshot


@dataclass(frozen=True)
class DifferenceParams:
    """What learners ask of an environment's parameters: the kind of reward."""

    default_action: int
    reward: str = "difference"


class DifferenceRewards:
    """A VectorEnv of team reward, seen with difference rewards: any learner of own rewards can train in it.

    A step costs A + 1 steps of the environment. Everything but the reward is as without. Where the mask forbids the
    default action, the first allowed one stands in for it.
    """

    def __init__(self, vec: Any, default_action: int = 0) -> None:
        """Wrap `vec`, in which `default_action` is what an agent "would have done".

        Raises:
            ParameterError: the environment was not built with `reward="team"`, or has no such action.
        """
        reward = getattr(vec.params, "reward", None)
        if reward != "team" and not getattr(vec.params, "pays_alike", False):
            raise ParameterError(
                f'difference rewards need an environment built with reward="team", not reward={reward!r}'
            )
        default = check_int("default_action", default_action, 0, int(vec.action_space.n) - 1)
        self.vec = vec
        self._copy = copy.deepcopy(vec)  # what a step of `vec` returned stays valid while others are measured
        self.params = DifferenceParams(default)

    def __getattr__(self, name: str) -> Any:
        """Return what the environment has under this name."""
        if name in ("vec", "params", "_copy") or name.startswith("__"):  # asked for while a copy is being made
            raise AttributeError(name)
        return getattr(self.vec, name)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Name and parameters of the environment, and the default action."""
        return {**self.vec.fingerprint, "difference_rewards": self.params.default_action}

    def set_state(self, state: Snapshot) -> Any:
        """Continue from a snapshot, of the environment or (from a checkpoint) with this wrapper's fingerprint.

        Return what `VectorEnv.set_state` does.
        """
        if state.meta["fingerprint"] == self.fingerprint:
            state = Snapshot({**state.meta, "fingerprint": self.vec.fingerprint}, state.arrays)
        return self.vec.set_state(state)

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance every environment by one step; as `VectorEnv.step`, but for the reward.

        Raises:
            RuntimeError, TypeError, ValueError: as `VectorEnv.step`.
        """
        without = self._rewards_without(np.asarray(actions))
        obs, reward, terminated, truncated, info = self.vec.step(actions)
        return obs, (reward - without).astype(np.float32), terminated, truncated, info

    def _rewards_without(self, actions: NDArray[Any]) -> NDArray[np.float32]:
        """Return G [E, A] with each agent's action replaced in turn."""
        now, default = self.vec.get_state(), self._defaults()
        without = np.zeros(default.shape, np.float32)
        for a in range(self.vec.num_agents):
            other = actions.copy()
            other[:, a] = default[:, a]
            self._copy.set_state(now)
            _, reward, *_ = self._copy.step(other)
            without[:, a] = reward[:, a]
        return without

    def _defaults(self) -> NDArray[np.int64]:
        """Return what each agent would have done now, [E, A]."""
        default = np.full((self.vec.num_envs, self.vec.num_agents), self.params.default_action)
        mask = self.vec.action_mask
        if mask is None:
            return default
        return np.where(mask[..., self.params.default_action] != 0, default, mask.argmax(axis=2))
