"""Mountain car with tile coding and SARSA: steps of an episode (Sutton and Barto 2018, example 10.1, figure 10.2)."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from agents import EpsilonGreedy
from agents.linear.coding import TileCoder
from agents.linear.sarsa_lambda import LinearSarsaLambda
from agents.single_agent import GymnasiumEnv
from benchmarks.classics.play import play_episodes

LOW, HIGH = np.array([-1.2, -0.07]), np.array([0.6, 0.07])  # position, velocity
GOAL = 0.5


class MountainCars(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """Gymnasium's MountainCar-v0 many times at once, without a time limit; Gymnasium has no vectorised one."""

    def __init__(self, num_envs: int) -> None:
        """Make `num_envs` cars."""
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = Box(LOW.astype(np.float32), HIGH.astype(np.float32), dtype=np.float32)
        self.single_action_space = Discrete(3)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.state = np.zeros((num_envs, 2))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Put all cars at the bottom."""
        super().reset(seed=seed)
        self._start(np.ones(self.num_envs, bool))
        return self.state.astype(np.float32), {}

    def _start(self, cars: NDArray[np.bool_]) -> None:
        self.state[cars, 0] = self.np_random.uniform(-0.6, -0.4, cars.sum())
        self.state[cars, 1] = 0.0

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Drive; a car that has arrived starts again at once."""
        position, velocity = self.state.T
        velocity = velocity + (actions - 1) * 0.001 + np.cos(3 * position) * -0.0025
        velocity = np.clip(velocity, LOW[1], HIGH[1])
        position = np.clip(position + velocity, LOW[0], HIGH[0])
        velocity[(position == LOW[0]) & (velocity < 0)] = 0.0
        self.state = np.stack([position, velocity], axis=1)
        arrived = (position >= GOAL) & (velocity >= 0.0)
        infos = {"final_obs": self.state.astype(np.float32)} if arrived.any() else {}
        self._start(arrived)
        cut = np.zeros(self.num_envs, bool)
        return self.state.astype(np.float32), np.full(self.num_envs, -1.0), arrived, cut, infos


def steps_of_episodes(alpha: float, runs: int = 20, episodes: int = 500, seed: int = 0) -> tuple[float, float]:
    """Return the mean steps of the first and of the last fifty episodes of SARSA with 8 tilings of 8 x 8.

    `alpha` is the rate of the whole sum (0.1, 0.2, 0.5 in the book, over 8 tilings); no exploration but optimism.
    """
    vec = GymnasiumEnv(MountainCars(runs), tiles=TileCoder([LOW[0], LOW[1]], [GOAL, HIGH[1]], bins=8, tilings=8))
    settings: dict[str, Any] = {"gamma": 1.0, "exploration": EpsilonGreedy(0.0), "separate_runs": True, "seed": seed}
    learner = LinearSarsaLambda(vec, lam=0.0, alpha=alpha, **settings)
    lengths = play_episodes(learner, vec, episodes, seed).lengths
    return float(lengths[:, :50].mean()), float(lengths[:, -50:].mean())
