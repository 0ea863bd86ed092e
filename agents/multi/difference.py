"""Difference rewards: what the team got less what it would have got, had the agent done a default action.

D_i = G(b) - G(b with b_i replaced by the default), where G is the team's reward in this step. G(...) of what did not
happen is measured: the environment is put back (`set_state`), stepped with the other action, and put back again.
Wolpert and Tumer, "Optimal payoff functions for members of collectives", Advances in Complex Systems 4, 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_int


@dataclass(frozen=True)
class DifferenceParams:
    """What learners ask of an environment's parameters: the kind of reward."""

    default_action: int
    reward: str = "difference"


class DifferenceRewards:
    """A VectorEnv of team reward, seen with difference rewards: any learner of own rewards can train in it.

    A step costs A + 1 steps of the environment. Everything but the reward is as without.
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
        self.params = DifferenceParams(default)

    def __getattr__(self, name: str) -> Any:
        """Return what the environment has under this name."""
        if name in ("vec", "params") or name.startswith("__"):  # asked for while a copy is being made
            raise AttributeError(name)
        return getattr(self.vec, name)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Name and parameters of the environment, and the default action."""
        return {**self.vec.fingerprint, "difference_rewards": self.params.default_action}

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance every environment by one step; as `VectorEnv.step`, but for the reward.

        Raises:
            RuntimeError, TypeError, ValueError: as `VectorEnv.step`.
        """
        before = self.vec.get_state()
        try:
            without = self._rewards_without(np.asarray(actions), before)
        finally:
            self.vec.set_state(before)
        obs, reward, terminated, truncated, info = self.vec.step(actions)
        return obs, (reward - without).astype(np.float32), terminated, truncated, info

    def _rewards_without(self, actions: NDArray[Any], before: Any) -> NDArray[np.float32]:
        """Return G [E, A] with each agent's action replaced in turn; leaves the environment somewhere else."""
        without = np.zeros((self.vec.num_envs, self.vec.num_agents), np.float32)
        for a in range(self.vec.num_agents):
            other = actions.copy()
            other[:, a] = self.params.default_action
            self.vec.set_state(before)
            _, reward, *_ = self.vec.step(other)
            without[:, a] = reward[:, a]
        return without
