"""Social influence in a repeated game whose answer is known, and against sampled actions in the apartment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import matrix_v0, vacuum_v0
from marl_envs.core.params import ParameterError
from marl_envs.metrics import draw, entropy, social_influence

LEADER = np.array([0.2, 0.5, 0.3])
SHARE = 0.7  # with which the follower copies what the leader did last


def repeated(num_envs: int = 3, max_cycles: int = 50) -> Any:
    return matrix_v0.vector_env(
        num_envs=num_envs, payoff=np.zeros((3, 3)), repeated=True, observation="tabular_last", max_cycles=max_cycles
    )


def following(obs: Any, mask: Any) -> Any:
    """Agent 0 plays LEADER, agent 1 copies agent 0's last action or plays uniformly."""
    last = np.maximum(obs[:, 1] - 1, 0) // 3
    chances = np.empty((*obs.shape, 3))
    chances[:, 0] = LEADER
    chances[:, 1] = (1 - SHARE) / 3 + SHARE * np.eye(3)[last]
    return chances


def test_of_a_follower_is_the_information_it_gets() -> None:
    found = social_influence(repeated(), following, steps=5)
    given = (1 - SHARE) / 3 + SHARE * np.eye(3)  # [leader's action, follower's next]
    joint = LEADER[:, None] * given
    information = sum(
        p * np.log2(p / (joint.sum(axis=1)[a] * joint.sum(axis=0)[b])) for (a, b), p in np.ndenumerate(joint)
    )
    assert found.matrix[0, 1] == pytest.approx(information)
    assert found.matrix[1, 0] == pytest.approx(0.0)
    assert np.isnan(found.matrix.diagonal()).all()
    assert found.samples == 15
    assert found.mean == pytest.approx(information / 2)


def test_a_perfect_copy_gets_all_the_leader_says() -> None:
    def copying(obs: Any, mask: Any) -> Any:
        chances = following(obs, mask)
        chances[:, 1] = np.eye(3)[np.maximum(obs[:, 1] - 1, 0) // 3]
        return chances

    assert social_influence(repeated(), copying, 2).matrix[0, 1] == pytest.approx(entropy(LEADER * 1000))


def test_who_is_greedy_has_no_alternative_and_no_influence() -> None:
    def greedy(obs: Any, mask: Any) -> Any:
        return np.eye(3)[obs % 3]

    assert social_influence(repeated(), greedy, 4).mean == 0.0


def test_steps_that_end_episodes_are_left_out() -> None:
    found = social_influence(repeated(num_envs=2, max_cycles=3), following, steps=6)
    assert found.samples == 2 * 4  # the third of every three steps ends the episode
    assert np.isnan(social_influence(repeated(max_cycles=1), following, 2).mean)


def test_counterfactuals_leave_the_course_alone() -> None:
    seen: list[Any] = []

    def watching(obs: Any, mask: Any) -> Any:
        seen.append(obs.copy())
        return np.full((*obs.shape, 4), 0.25) if mask is None else mask / mask.sum(axis=-1, keepdims=True)

    vec = vacuum_v0.vector_env(num_envs=2, num_robots=2, battery=3)
    social_influence(vec, watching, steps=4, seed=5)
    asked = [obs.tolist() for obs in seen]
    rng = np.random.default_rng(5)
    obs, _ = vec.reset(seed=5)
    for _ in range(4):
        assert obs.tolist() in asked
        obs = vec.step(draw(watching(obs, vec.action_mask), rng))[0]


def test_robots_that_see_each_other_influence_each_other() -> None:
    def seeing(obs: Any, mask: Any) -> Any:
        """Return chances that differ from observation to observation."""
        weights = mask * (1.0 + (obs[..., None] * (3 + np.arange(mask.shape[-1]))) % 7)
        return weights / weights.sum(axis=-1, keepdims=True)

    vec = vacuum_v0.vector_env(num_envs=4, num_robots=2, battery=5)
    found = social_influence(vec, seeing, steps=10)
    assert (found.matrix[~np.eye(2, dtype=bool)] > 0.01).all()


def test_draw_follows_the_probabilities() -> None:
    chances = np.tile([0.0, 0.25, 0.0, 0.75, 0.0], (20_000, 1))
    drawn = draw(chances, np.random.default_rng(0))
    assert set(drawn.tolist()) == {1, 3}
    assert (drawn == 3).mean() == pytest.approx(0.75, abs=0.01)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ParameterError, match="steps must be an integer at least 1"):
        social_influence(repeated(), following, 0)
    with pytest.raises(ParameterError, match="sum to 1"):
        social_influence(repeated(), lambda obs, mask: np.ones((*obs.shape, 3)), 1)
