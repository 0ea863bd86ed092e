"""Sizes for learners, and steps made by hand: what learners learn from is given to them directly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete


@dataclass(frozen=True)
class Params:
    reward: str = "team"


class Sizes:
    """What learners ask of a VectorEnv when they are made."""

    def __init__(self, num_envs: int, agents: int, states: int, actions: int, reward: str = "team") -> None:
        self.num_envs, self.num_agents, self.params = num_envs, agents, Params(reward)
        self.observation_space, self.action_space = Discrete(states), Discrete(actions)
        self.fingerprint = {"env": "sizes", "params": {"agents": agents, "states": states, "actions": actions}}


def steps_of(obs: Any, actions: Any, reward: Any, after: Any = None) -> dict[str, Any]:
    """Return the arguments of `update` for one step: `after` None means that everybody finishes."""
    actions = np.asarray(actions, np.int64)
    obs = np.broadcast_to(np.asarray(obs, np.int32), actions.shape).copy()
    over = after is None
    after = obs if over else np.broadcast_to(np.asarray(after, np.int32), actions.shape).copy()
    return {
        "obs": obs,
        "actions": actions,
        "reward": np.broadcast_to(np.asarray(reward, np.float32), actions.shape).copy(),
        "next_obs": after,
        "final_obs": after,
        "ended": np.full(len(actions), over),
        "terminated": np.full(actions.shape, over),
        "alive": np.ones(actions.shape, bool),
    }


def all_joint(agents: int, actions: int) -> Any:
    """Return all joint actions [N^A, A], the first agent's counting most."""
    return np.array(list(product(range(actions), repeat=agents)), np.int64)


class TeamMDP:
    """A random deterministic team problem: everybody sees the state, everybody is paid the same."""

    def __init__(self, rng: Any, states: int, agents: int, actions: int, gamma: float) -> None:
        self.states, self.agents, self.actions, self.gamma = states, agents, actions, gamma
        self.joint = all_joint(agents, actions)
        self.after = rng.integers(0, states, (states, len(self.joint)))
        self.reward = rng.integers(-9, 10, (states, len(self.joint))).astype(float)

    def q_star(self) -> Any:
        """Return Q* [S, N^A] by value iteration."""
        q = np.zeros_like(self.reward)
        for _ in range(3000):
            q = self.reward + self.gamma * q.max(axis=1)[self.after]
        return q

    def every_step(self) -> dict[str, Any]:
        """Return one step in every state with every joint action: a batch of S * N^A environments."""
        state = np.repeat(np.arange(self.states), len(self.joint))[:, None]
        actions = np.tile(self.joint, (self.states, 1))
        return steps_of(state, actions, self.reward.reshape(-1, 1), self.after.reshape(-1, 1))

    def sizes(self) -> Sizes:
        """Return what a learner of `every_step` is made with."""
        return Sizes(self.states * len(self.joint), self.agents, self.states, self.actions)
