"""Playing many runs at once: every environment of the batch is a run with a table of its own (`separate_runs=True`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LONG = 10**9  # [agent-steps] planned, so that schedules do not move


class Episodes(NamedTuple):
    """The first episodes of every run."""

    returns: NDArray[np.float64]  # [runs, episodes]
    lengths: NDArray[np.float64]  # [runs, episodes], steps


class Player:
    """A learner and the VectorEnv it learns in, stepped together."""

    def __init__(self, learner: Any, vec: Any, seed: int, total_steps: int = LONG) -> None:
        """Start with `seed`; `total_steps` is the planned length of the training in agent-steps."""
        self.learner, self.vec = learner, vec
        learner.begin(total_steps)
        self.obs, self.info = vec.reset(seed=seed)

    def step(self) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Act, step and learn once; return the reward [E, A] and the info."""
        mask, alive = self.info.get("action_mask"), self.info["alive"].copy()
        actions = self.learner.act(self.obs, mask)
        obs, reward, terminated, _, info = self.vec.step(actions)
        self.learner.update(
            *(self.obs, actions, reward, obs, info["final_obs"], info["ended"], terminated, alive),
            next_mask=info.get("action_mask"),
            final_mask=info.get("final_action_mask"),
        )
        self.obs, self.info = obs, info
        return reward, info


def play_episodes(learner: Any, vec: Any, episodes: int, seed: int) -> Episodes:
    """Learn until every run has that many episodes, and return what the first of each run were like."""
    player = Player(learner, vec, seed)
    returns = np.zeros((vec.num_envs, episodes))
    lengths = np.zeros_like(returns)
    done = np.zeros(vec.num_envs, np.int64)
    while (done < episodes).any():
        _, info = player.step()
        for e in np.flatnonzero(info["ended"]):
            if done[e] < episodes:
                returns[e, done[e]] = info["metrics"]["return"][e]
                lengths[e, done[e]] = info["metrics"]["episode_length"][e]
                done[e] += 1
    return Episodes(returns, lengths)


def play_steps(learner: Any, vec: Any, steps: int, seed: int) -> NDArray[np.float64]:
    """Learn for `steps` steps of one agent each and return the reward of every step, [runs, steps]."""
    player = Player(learner, vec, seed)
    return np.stack([player.step()[0][:, 0].astype(np.float64) for _ in range(steps)], axis=1)
