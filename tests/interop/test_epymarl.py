"""EPyMARL's documented calls, replayed on the joint environment; EPyMARL itself is not needed.

Its `gymma` wrapper makes the environment by its id, cuts it by Gymnasium's TimeLimit, flattens observations, and sums
up the last info of every episode; its runner does what `play` does.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit

import marl_envs

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
EPISODE = 15
PARAMETERS = {"max_cycles": EPISODE, "shaping": 0.5}


class Gymma:
    """Calls the environment as EPyMARL's wrapper of that name does."""

    def __init__(self, seed: int, **parameters: Any) -> None:
        self.env = TimeLimit(gymnasium.make(f"marl_envs:{ID}", **parameters), max_episode_steps=EPISODE)
        self.n_agents = self.env.unwrapped.n_agents  # type: ignore[attr-defined]
        self.spaces = list(self.env.observation_space)  # type: ignore[call-overload]
        self.obs_size = max(spaces.flatdim(space) for space in self.spaces)
        self.n_actions = max(int(space.n) for space in self.env.action_space)  # type: ignore[attr-defined]
        self.reset(seed)

    def reset(self, seed: int | None = None) -> None:
        self.take(self.env.reset(seed=seed, options=None)[0])

    def take(self, obs: Any) -> None:
        self.obs: list[Any] = [spaces.flatten(space, seen) for space, seen in zip(self.spaces, obs, strict=True)]

    def step(self, actions: Any) -> tuple[Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step([int(action) for action in actions])
        self.take(obs)
        return reward, terminated, truncated, info

    def state(self) -> Any:
        return np.concatenate(self.obs).astype(np.float32)


def plan(seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 5, (EPISODE, 2))


def play(env: Gymma, stats: dict[str, Any], seed: int = 0) -> tuple[list[Any], list[Any], int]:
    """Play an episode; return observations, rewards, its length, and add the last info to `stats`."""
    env.reset()
    seen, paid, over, steps = [env.obs], [], False, 0
    while not over:
        reward, terminated, truncated, info = env.step(plan(seed)[steps])
        over = terminated or truncated
        paid.append(reward)
        seen.append(env.obs)
        steps += 1
    stats.update({name: stats.get(name, 0) + info.get(name, 0) for name in {*stats, *info}})
    return seen, paid, steps


def test_sizes_are_as_gymma_reads_them():
    env = Gymma(seed=1, **PARAMETERS)
    assert (env.n_agents, env.n_actions, env.obs_size) == (2, 5, 119)
    assert env.state().shape == (2 * 119,)
    assert not hasattr(env.env.unwrapped, "state_size")  # with which gymma would promise another size than it gives


def test_episodes_are_the_environments():
    env, single = Gymma(seed=1, **PARAMETERS), marl_envs.make(ID, **PARAMETERS)
    single.reset(seed=1)
    for episode in range(3):
        seen, paid, steps = play(env, {}, seed=episode)
        assert steps == EPISODE
        obs, _ = single.reset()
        np.testing.assert_array_equal(seen[0], list(obs.values()))
        for t, actions in enumerate(plan(episode)):
            obs, rewards, *_ = single.step(dict(zip(single.possible_agents, actions, strict=True)))
            np.testing.assert_array_equal(seen[t + 1], list(obs.values()))  # the last one, too
            assert paid[t] == list(rewards.values())
            assert [row.dtype for row in seen[t + 1]] == [np.float32] * 2


def test_a_team_reward_is_one_number():
    env, single = Gymma(seed=1, reward="team", **PARAMETERS), marl_envs.make(ID, reward="team", **PARAMETERS)
    single.reset(seed=1)
    _, paid, _ = play(env, {})
    single.reset()
    for reward, actions in zip(paid, plan(), strict=True):
        rewards = single.step(dict(zip(single.possible_agents, actions, strict=True)))[1]
        assert isinstance(reward, float)
        assert set(rewards.values()) == {reward}


def test_the_end_is_a_cut_and_its_info_adds_up():
    env, single = Gymma(seed=1, **PARAMETERS), marl_envs.make(ID, **PARAMETERS)
    single.reset(seed=1)
    expected = []
    stats: dict[str, Any] = {}
    for episode in range(2):
        play(env, stats, seed=episode)
        single.reset()
        for actions in plan(episode):
            single.step(dict(zip(single.possible_agents, actions, strict=True)))
        expected.append(single.metrics())
    for name in expected[0]:
        np.testing.assert_equal(stats[name], expected[0][name] + expected[1][name])  # NaN equals NaN
    env.reset()
    for t, actions in enumerate(plan()):
        _, terminated, truncated, info = env.step(actions)
        assert (terminated, truncated) == (False, t == EPISODE - 1)
        assert info.get("episode_limit", False) is truncated  # or EPyMARL takes a time limit for a true end


def test_seeds_give_the_same_episodes_again():
    one, other = (play(Gymma(seed=4, **PARAMETERS), {})[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, play(Gymma(seed=5, **PARAMETERS), {})[0])


def test_parameters_reach_the_environment_and_wrong_ones_are_named():
    assert Gymma(seed=0, shaping=0.25, max_cycles=EPISODE).env.unwrapped.env.params.shaping == 0.25
    with pytest.raises(ValueError, match="goals_typo"):
        Gymma(seed=0, goals_typo=1)
