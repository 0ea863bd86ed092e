"""Central Q-learning: one learner that sees and decides for the whole team, over all joint observations and actions.

Q(s, b) += alpha * (r + gamma * max Q(s', .) - Q(s, b)) with b = (b_1, ..., b_A): Q-learning with N^A actions. Its table
grows exponentially with the agents; where it can be afforded it is what all other team learners are measured against.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.checkpoint import Arrays
from agents.exploration import Exploration
from agents.multi.base import MultiLearner
from agents.multi.hysteretic import update_hysteretic
from agents.multi.steps import Step, first_unlike
from agents.schedules import Schedule
from agents.tabular.kernels import OK
from marl_envs.core.params import check_choice, check_float


def joint_number(digits: NDArray[Any], base: int) -> NDArray[Any]:
    """Return the numbers [E, 1] that rows of digits [E, A] stand for, the first digit counting most."""
    number = digits[:, :1].astype(np.int64)
    for a in range(1, digits.shape[1]):
        number = number * base + digits[:, a : a + 1]
    return number


def joint_mask(mask: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return which joint actions are allowed, int8 [E, 1, N^A], of the agents' masks [E, A, N]."""
    joint = mask[:, 0]
    for a in range(1, mask.shape[1]):
        joint = (joint[:, :, None] & mask[:, a][:, None, :]).reshape(len(mask), -1)
    return np.ascontiguousarray(joint[:, None])


class CentralQLearning(MultiLearner):
    """One table over joint actions, and over joint observations or the one that all agents share.

    Attributes:
        q: float32 [runs, S or S^A, N^A]; the first agent counts most in the number of a joint action or observation.
    """

    def __init__(
        self,
        vec: Any,
        *,
        alpha: Schedule | float = 0.1,
        gamma: float = 0.9,
        exploration: Exploration | None = None,
        state: str = "joint",
        initial: float = 0.0,
        separate_runs: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a learner; see `MultiLearner` for what is not listed.

        Args:
            vec: an environment that pays everybody the team's reward.
            alpha: learning rate.
            gamma: discount.
            exploration: rule, epsilon-greedy or Boltzmann, on joint actions.
            state: "joint": all agents' observations together; "common": all see the same number, which is the state.
            initial: value of joint actions that were never tried.
            separate_runs: a table of its own in every environment.
            seed: of all random choices.

        Raises:
            ParameterError: a value that is not allowed, an environment that does not fit, or too large a table.
        """
        super().__init__(vec, alpha=alpha, gamma=gamma, exploration=exploration, separate_runs=separate_runs, seed=seed)
        check_choice("state", state, ("joint", "common"))
        self.state = state
        self.initial = check_float("initial", initial, -1e30, 1e30)
        states = self.num_observations ** (self.num_agents if state == "joint" else 1)
        self.q = self._table(1, states, self.num_actions**self.num_agents, value=self.initial)
        self._all_joint = joint_mask(self._all_allowed)

    def _states(self, obs: NDArray[np.int32]) -> NDArray[Any]:
        """Return the numbers of the states, [E, 1]; refuse different ones where all agents should see the same."""
        if self.state == "joint":
            return joint_number(obs, self.num_observations)
        unlike = first_unlike(obs, np.ones(obs.shape, np.bool_))
        if unlike != OK:
            e = unlike // self.num_agents
            raise ValueError(
                f'environment {e}: with state="common" all agents must see the same, not {obs[e].tolist()}'
            )
        return np.ascontiguousarray(obs[:, :1])

    def _joint(self, mask: NDArray[np.int8]) -> NDArray[np.int8]:
        return self._all_joint if mask is self._all_allowed else joint_mask(mask)

    def _choose(self, obs: Any, mask: Any, rng: Any, strength: float | None, actions: Any) -> None:
        joint = np.empty((len(obs), 1), np.int64)
        states = self._states(obs)
        self._choose_by(self.q, self.owners(len(obs), 1), states, self._joint(mask), rng, strength, joint)
        for a in reversed(range(self.num_agents)):
            joint, actions[:, a : a + 1] = np.divmod(joint, self.num_actions)

    def _learn(self, step: Step, alpha: float) -> None:
        rewarded = step.alive.argmax(axis=1)[:, None]  # somebody who was alive, if anybody was
        team = Step(
            obs=self._states(step.obs),
            mask=step.mask,
            actions=joint_number(step.actions, self.num_actions),
            reward=np.take_along_axis(step.reward, rewarded, axis=1),
            after=self._states(step.after),
            after_mask=self._joint(step.after_mask),
            terminated=(step.terminated | ~step.alive).all(axis=1, keepdims=True),
            alive=step.alive.any(axis=1, keepdims=True),
        )
        update_hysteretic(self.q, self.owners(self.num_envs, 1), alpha, alpha, self.gamma, team)  # beta = alpha

    def knowledge(self) -> Arrays:
        """Return the table."""
        return {"q": self.q}
