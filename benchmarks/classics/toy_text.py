"""FrozenLake-v1 and Taxi-v4 against dynamic programming on Gymnasium's own transition tables.

Taxi's threshold of 8 lies above the optimum, 7.93, and FrozenLake's optimum under its limit of 100 steps is 0.7442: so
the greedy policy is compared with what is possible, not with thresholds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from agents import EpsilonGreedy, IndependentQLearning, Linear, Schedule
from agents.single_agent import GymnasiumEnv
from benchmarks.classics.play import Player


class Tables(NamedTuple):
    """A world as arrays: for each state and action K outcomes."""

    chance: NDArray[np.float64]  # [S, N, K]
    after: NDArray[np.int64]  # [S, N, K]
    reward: NDArray[np.float64]  # [S, N, K]
    ends: NDArray[np.bool_]  # [S, N, K]
    start: NDArray[np.float64]  # [S], probabilities
    limit: int  # [steps]


def tables_of(name: str, **options: Any) -> Tables:
    """Return the tables of a registered environment that has them."""
    env = gymnasium.make(name, **options)
    world: Any = env.unwrapped
    outcomes = [[world.P[s][b] for b in range(world.action_space.n)] for s in range(world.observation_space.n)]
    most = max(len(row) for rows in outcomes for row in rows)
    padded = np.array([[row + [(0.0, s, 0.0, False)] * (most - len(row)) for row in outcomes[s]] for s in world.P])
    chance, after, reward, ends = (padded[..., i] for i in range(4))
    assert env.spec is not None
    assert env.spec.max_episode_steps is not None
    start = np.asarray(world.initial_state_distrib, np.float64)
    return Tables(chance, after.astype(np.int64), reward, ends.astype(bool), start, env.spec.max_episode_steps)


def look_ahead(tables: Tables, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of actions, [S, N], given the values of states after them."""
    worth = tables.reward + np.where(tables.ends, 0.0, values[tables.after])
    return (tables.chance * worth).sum(axis=2)


def optimum(tables: Tables) -> NDArray[np.float64]:
    """Return the highest expected return from each state within the limit, [S]."""
    values = np.zeros(len(tables.start))
    for _ in range(tables.limit):
        values = look_ahead(tables, values).max(axis=1)
    return values


def value_of(tables: Tables, q: NDArray[Any]) -> NDArray[np.float64]:
    """Return the expected return of the greedy policy of `q` [S, N] (equals shared) from each state in the limit."""
    best = q == q.max(axis=1, keepdims=True)
    policy, values = best / best.sum(axis=1, keepdims=True), np.zeros(len(q))
    for _ in range(tables.limit):
        values = (policy * look_ahead(tables, values)).sum(axis=1)
    return values


class ToyText(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """A world of tables many times at once; Gymnasium has no vectorised one."""

    def __init__(self, tables: Tables, num_envs: int) -> None:
        """Make `num_envs` copies."""
        self.tables, self.num_envs = tables, num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        states, actions, _ = tables.chance.shape
        self.single_observation_space, self.single_action_space = Discrete(states), Discrete(actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._sums, self._starts = tables.chance.cumsum(axis=2), tables.start.cumsum()
        self.state, self.steps = np.zeros(num_envs, np.int64), np.zeros(num_envs, np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int64], dict[str, Any]]:
        """Start everywhere."""
        super().reset(seed=seed)
        self._start(np.ones(self.num_envs, bool))
        return self.state.copy(), {}

    def _start(self, rows: NDArray[np.bool_]) -> None:
        drawn = self.np_random.random(int(rows.sum())) * self._starts[-1]
        self.state[rows] = np.searchsorted(self._starts, drawn, side="right")
        self.steps[rows] = 0

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Draw outcomes; what has ended starts again at once."""
        sums = self._sums[self.state, actions]
        drawn = self.np_random.random((self.num_envs, 1)) * sums[:, -1:]
        place = (self.state, actions, (drawn >= sums).sum(axis=1))
        reward, terminated = self.tables.reward[place], self.tables.ends[place]
        self.state = self.tables.after[place]
        self.steps += 1
        truncated = ~terminated & (self.steps >= self.tables.limit)
        ended = terminated | truncated
        infos = {"final_obs": self.state.copy()} if ended.any() else {}
        self._start(ended)
        return self.state.copy(), reward, terminated, truncated, infos


def learned(
    tables: Tables, alpha: Schedule | float, epsilon: Schedule | float, gamma: float, steps: int, seed: int
) -> NDArray[np.float32]:
    """Return the table [S, N] of Q-learning after `steps` steps in 64 environments."""
    vec = GymnasiumEnv(ToyText(tables, 64))
    learner = IndependentQLearning(vec, alpha=alpha, gamma=gamma, exploration=EpsilonGreedy(epsilon), seed=seed)
    player = Player(learner, vec, seed, total_steps=steps)
    for _ in range(-(-steps // 64)):
        player.step()
    table: NDArray[np.float32] = learner.q[0]
    return table


def frozen_lake(seed: int, steps: int = 2_000_000) -> tuple[float, float]:
    """Return the chance of the greedy policy to arrive within 100 steps, and the highest possible."""
    tables = tables_of("FrozenLake-v1")
    q = learned(tables, Linear(0.1, 0.001), 1.0, 0.999, steps, seed)
    return float(tables.start @ value_of(tables, q)), float(tables.start @ optimum(tables))


def taxi(seed: int, steps: int = 2_000_000) -> tuple[float, float, float]:
    """Return the mean return of the greedy policy, the highest possible one, and the largest gap of any start."""
    tables = tables_of("Taxi-v4")
    q = learned(tables, 0.5, 1.0, 0.99, steps, seed)
    mine, best = value_of(tables, q), optimum(tables)
    return float(tables.start @ mine), float(tables.start @ best), float((best - mine)[tables.start > 0].max())
