"""Retention by hand; the policies that fail do so as often as they say, and as masks allow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import matrix_v0, vacuum_v0
from marl_envs.core.params import ParameterError
from marl_envs.metrics import FrozenAgents, LostObservations, NoisyActions, retention


def test_retention_by_size() -> None:
    found = retention(10.0, {(0,): 6.0, (1,): 8.0, (0, 1): 2.0})
    assert found.by_size == {0: 1.0, 1: 0.7, 2: 0.2}
    assert found.worst == {0: 1.0, 1: 0.6, 2: 0.2}
    assert found.area == pytest.approx(1.9 / 3)
    with pytest.raises(ParameterError, match="full must be a number above 0"):
        retention(0.0, {(0,): 1.0})
    with pytest.raises(ParameterError, match="at least one set"):
        retention(1.0, {})
    with pytest.raises(ParameterError, match="at least one set"):
        retention(1.0, {(): 1.0, (1,): 0.5})


class Watched:
    """Plays action 3 and notes what it sees and from which seed."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.seed = -1

    def reset(self, seed: int) -> None:
        self.seed = seed

    def act(self, vec: Any, obs: Any) -> Any:
        self.seen.append(np.array(obs))
        return np.full(obs.shape[:2], 3)


def game(num_envs: int) -> Any:
    vec = matrix_v0.vector_env(num_envs=num_envs, payoff=np.zeros((4, 4)), repeated=True)
    vec.reset(seed=0)
    return vec


def test_frozen_agents_do_one_thing() -> None:
    vec, inner = game(5), Watched()
    policy = FrozenAgents(inner, [1], action=2)
    policy.reset(7)
    assert inner.seed == 7
    assert policy.act(vec, np.zeros((5, 2), np.int32)).tolist() == [[3, 2]] * 5


def test_a_frozen_agent_obeys_its_mask() -> None:
    vec = vacuum_v0.vector_env(num_envs=2, num_robots=2)
    obs, _ = vec.reset(seed=0)
    mask = vec.action_mask
    assert mask is not None
    forbidden = int(np.flatnonzero(mask[0, 0] == 0)[0])
    actions = FrozenAgents(Watched(), [0], action=forbidden).act(vec, obs)
    assert (actions[:, 0] == mask[:, 0].argmax(axis=1)).all()
    assert (mask[:, 0][np.arange(2), actions[:, 0]] == 1).all()


def test_noise_replaces_its_share_evenly() -> None:
    vec = game(4000)
    policy = NoisyActions(Watched(), 0.4)
    policy.reset(1)
    actions = policy.act(vec, np.zeros((4000, 2), np.int32))
    # of 40 % drawn among four, a quarter is the action it would have been
    assert np.bincount(actions.ravel(), minlength=4) / 8000 == pytest.approx([0.1, 0.1, 0.1, 0.7], abs=0.02)
    policy.reset(1)
    assert np.array_equal(policy.act(vec, np.zeros((4000, 2), np.int32)), actions)
    assert (NoisyActions(Watched(), 0.0).act(vec, np.zeros((4000, 2), np.int32)) == 3).all()


def test_noise_obeys_masks() -> None:
    vec = vacuum_v0.vector_env(num_envs=200, num_robots=2)
    obs, _ = vec.reset(seed=0)
    policy = NoisyActions(Watched(), 1.0)
    policy.reset(0)
    actions = policy.act(vec, obs)
    mask = vec.action_mask
    assert mask is not None
    assert np.take_along_axis(mask, actions[..., None], axis=-1).all()
    assert len(np.unique(actions)) == mask[0, 0].sum()


def test_lost_observations_are_those_of_before() -> None:
    vec, inner = game(2000), Watched()
    policy = LostObservations(inner, 0.25)
    policy.reset(3)
    for step in range(6):
        policy.act(vec, np.full((2000, 2), step, np.int32))
    assert (inner.seen[0] == 0).all()  # the first cannot be lost
    for step in range(1, 6):
        for late in range(step + 1):  # lost `late` times in a row
            share = 0.25**late * (0.75 if late < step else 1.0)
            assert (inner.seen[step] == step - late).mean() == pytest.approx(share, abs=0.02)
    policy.reset(3)
    policy.act(vec, np.full((2000, 2), 9, np.int32))
    assert (inner.seen[-1] == 9).all()


def test_bad_probabilities_are_refused() -> None:
    for cls in (NoisyActions, LostObservations):
        with pytest.raises(ParameterError, match="probability must be a number from 0"):
            cls(Watched(), 1.5)
    with pytest.raises(ParameterError, match="action must be an integer"):
        FrozenAgents(Watched(), [0], -1)
