"""A tiny environment with the VectorEnv interface whose optimal values are computed exactly, by dynamic programming.

Each agent walks a corridor of `length` cells: actions 0 stay, 1 left, 2 right. A step costs 0.25; entering the last
cell pays 1 instead, which ends the agent's walk (`goal_ends`) or sends it back to cell 0. Starts are drawn.
With `riders` agent 0 walks and the others stand in its cell, whatever they do; agent a is paid a + 1 times as much.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from marl_envs.core.random import seed_stream
from marl_envs.core.snapshot import Snapshot

COST = -0.25


@dataclass(frozen=True)
class Params:
    """Parameters of the corridor."""

    length: int = 6
    num_agents: int = 2
    reward: str = "individual"
    max_cycles: int = 20
    goal_ends: bool = True
    riders: bool = False
    mask: bool = True


class Corridor:
    """The batch."""

    metric_names = ("return", "episode_length", "arrivals", "mean_arrival")

    def __init__(self, num_envs: int = 4, **params: Any) -> None:
        self.params = Params(**params)
        self.num_envs, self.num_agents = num_envs, self.params.num_agents
        self.agents = [f"walker_{a}" for a in range(self.num_agents)]
        self.observation_space, self.action_space = Discrete(self.params.length), Discrete(3)
        self.fingerprint = {"env": "corridor", "params": asdict(self.params)}
        batch = (num_envs, self.num_agents)
        self.arrays = {
            "cell": np.zeros(batch, np.int32),
            "alive": np.ones(batch, bool),
            "step": np.zeros(num_envs, np.int64),
            "total": np.zeros(num_envs),
            "arrivals": np.zeros(num_envs),
            "arrival_steps": np.zeros(num_envs),
            "rng": np.zeros(num_envs, np.uint64),
        }
        self.resets = 0

    def reset(self, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.arrays["rng"][:] = [seed_stream(seed, e) for e in range(self.num_envs)]
        self.resets += 1
        self._restart(np.ones(self.num_envs, bool))
        return self.arrays["cell"].copy(), {"alive": self.arrays["alive"].copy(), **self._masks()}

    def _restart(self, rows: Any) -> None:
        for e in np.flatnonzero(rows):
            for a in range(self.num_agents):
                self.arrays["cell"][e, a] = self._draw(int(e), self.params.length - 1)
        if self.params.riders:
            self.arrays["cell"][:] = self.arrays["cell"][:, :1]
        self.arrays["alive"][rows] = True
        for name in ("step", "total", "arrivals", "arrival_steps"):
            self.arrays[name][rows] = 0

    def _draw(self, e: int, n: int) -> int:
        state = (int(self.arrays["rng"][e]) * 6364136223846793005 + 1442695040888963407) % 2**64
        self.arrays["rng"][e] = state
        return (state >> 33) % n

    @property
    def action_mask(self) -> Any:
        if not self.params.mask:
            return None
        cell, alive = self.arrays["cell"], self.arrays["alive"]
        mask = np.stack([np.ones_like(alive), alive & (cell > 0), alive], axis=-1)  # no way left of cell 0
        return mask.astype(np.int8)

    def _masks(self) -> dict[str, Any]:
        return {"action_mask": self.action_mask} if self.params.mask else {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        state, p = self.arrays, self.params
        before = state["alive"].copy()
        move = np.array([0, -1, 1])[actions] * before
        if p.riders:
            move[:] = move[:, :1]
        cell = np.maximum(state["cell"] + move, 0)
        arrived = before & (cell == p.length - 1)
        reward = np.where(arrived, 1.0, COST) * before
        if p.riders:
            reward *= np.arange(1, self.num_agents + 1)
        state["step"] += 1
        state["total"] += reward.sum(axis=1)
        state["arrivals"] += arrived.sum(axis=1)
        state["arrival_steps"] += arrived.sum(axis=1) * state["step"]
        terminated = arrived & p.goal_ends
        state["alive"] &= ~terminated
        state["cell"][:] = np.where(arrived & (not p.goal_ends) | ~state["alive"], 0, cell)
        if p.reward == "team":
            reward = np.repeat(reward.sum(axis=1, keepdims=True), self.num_agents, axis=1)
        return self._finish(reward, terminated)

    def _finish(self, reward: Any, terminated: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        state = self.arrays
        ended = ~state["alive"].any(axis=1) | (state["step"] >= self.params.max_cycles)
        truncated = state["alive"] & ended[:, None]
        info = {"ended": ended, "_metrics": ended, "metrics": self.metrics()}
        final = state["cell"].copy()
        if self.params.mask:
            info["final_action_mask"] = self.action_mask
        self._restart(ended)
        info |= {"final_obs": final, "alive": state["alive"].copy(), **self._masks()}
        return state["cell"].copy(), reward.astype(np.float32), terminated, truncated, info

    def metrics(self) -> dict[str, Any]:
        state = self.arrays
        mean = np.full(self.num_envs, np.nan)
        np.divide(state["arrival_steps"], state["arrivals"], out=mean, where=state["arrivals"] > 0)
        values = (state["total"].copy(), state["step"].astype(float), state["arrivals"].copy(), mean)
        return dict(zip(self.metric_names, values, strict=True))

    def get_state(self) -> Snapshot:
        return Snapshot({"fingerprint": self.fingerprint, "num_envs": self.num_envs}, copy.deepcopy(self.arrays))

    def set_state(self, snapshot: Snapshot) -> None:
        for name, array in snapshot.arrays.items():
            self.arrays[name][:] = array

    def optimal_q(self, gamma: float) -> Any:
        """Return Q* [length, 3] of one agent's own walk, by value iteration; the time limit has no part in it.

        The row of the last cell is 0: nobody acts there. Impossible moves (left of cell 0) count as staying.
        """
        goal = self.params.length - 1
        q = np.zeros((goal + 1, 3))
        for _ in range(2000):
            for s in range(goal):
                for b, s2 in enumerate((s, max(s - 1, 0), s + 1)):
                    ends = s2 == goal and self.params.goal_ends
                    after = 0.0 if ends else q[0 if s2 == goal else s2].max()
                    q[s, b] = (1.0 if s2 == goal else COST) + gamma * after
        return q
