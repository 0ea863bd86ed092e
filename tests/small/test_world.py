"""Worlds read out of environments; values and best responses against plain search over all policies."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from marl_envs import gridworld_v0, matrix_v0, vacuum_v0
from marl_envs.core.params import ParameterError
from marl_envs.metrics import (
    best_response_gap,
    best_response_gaps,
    common,
    draw,
    explore,
    greedy_policy,
    of_game,
    team_optimum,
    team_values,
)
from marl_envs.metrics.world import END
from marl_envs.small.matrix.games import GAMES


def test_a_matrix_game_is_a_world_of_one_state() -> None:
    vec = matrix_v0.vector_env(game="climbing")
    world, known = explore(vec), of_game(GAMES["climbing"](-100.0))
    assert np.array_equal(world.reward, known.reward)
    assert (world.follow == END).all()
    policy = [np.array([[0.2, 0.5, 0.3]]), np.array([[0.6, 0.1, 0.3]])]
    gaps = best_response_gap(common(world.reward[0, 0]), [p[0] for p in policy])
    assert best_response_gaps(world, policy, horizon=1) == pytest.approx(gaps)
    assert team_optimum(world, 1) == 22.0


def test_the_two_step_game() -> None:
    world = of_game(GAMES["two_step"](-100.0))
    found = explore(matrix_v0.vector_env(game="two_step"))
    assert sorted(found.reward.ravel()) == sorted(world.reward.ravel())
    assert team_optimum(world, 2) == 2 * 8.0
    safe = [np.tile([1.0, 0.0], (3, 1))] * 2  # 2A, where all is worth 7: nobody gains alone
    assert team_values(world, safe, 2).tolist() == [7.0, 7.0]
    assert best_response_gaps(world, safe, 2).tolist() == [0.0, 0.0]
    bold = [np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), np.tile([1.0, 0.0], (3, 1))]
    # agent 1 goes to 2B and takes the second action there, agent 2 the first: 1; the first agent gains by 2A
    assert best_response_gaps(world, bold, 2).tolist() == [6.0, 7.0]


def apartment(**params: Any) -> Any:
    return vacuum_v0.vector_env(num_envs=1, num_robots=2, battery=2, **params)


def random_policy(world: Any, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = rng.random(world.allowed.shape) * world.allowed
    return list(weights / weights.sum(axis=-1, keepdims=True))


def test_values_are_what_episodes_return() -> None:
    vec = apartment()
    world = explore(vec)
    policy = random_policy(world, 0)
    rows = {tuple(seen): s for s, seen in enumerate(world.observations.tolist())}
    assert len(rows) == len(world.observations)  # observations tell states apart
    batch = vacuum_v0.vector_env(num_envs=4000, num_robots=2, battery=2)
    rng = np.random.default_rng(1)
    obs, _ = batch.reset(seed=0)
    total, running = np.zeros((4000, 2)), np.ones(4000, bool)
    while running.any():
        states = [rows[tuple(seen)] for seen in obs.tolist()]
        chances = np.stack([p[states] for p in policy], axis=1)
        obs, reward, _, _, info = batch.step(draw(chances, rng))
        total[running] += reward[running]
        running &= ~info["ended"]
    assert team_values(world, policy, 10) == pytest.approx(total.mean(axis=0), abs=0.08)


def test_a_best_response_is_the_best_of_all_policies() -> None:
    # By search over everything that agent 0 can do in three steps, the other's policy being deterministic.
    vec = apartment()
    world = explore(vec)
    table = np.random.default_rng(3).random((int(world.observations.max()) + 1, world.allowed.shape[2]))
    policy = greedy_policy(world, table[None])
    own = team_values(world, policy, 3)
    best = -np.inf
    for plan in product(range(world.allowed.shape[2]), repeat=3):
        state, total = 0, 0.0
        for action in plan:
            if not world.allowed[0, state, action]:
                total = -np.inf
                break
            other = int(policy[1][state].argmax())
            total += world.reward[0, state, action, other]
            state = int(world.follow[state, action, other])
            if state == END:
                break
        best = max(best, total)
    assert best_response_gaps(world, policy, 3)[0] == pytest.approx(best - own[0])


def test_gaps_are_never_negative_and_the_optimum_is_one() -> None:
    world = explore(apartment())
    best = team_optimum(world, 20)
    for seed in range(5):
        policy = random_policy(world, seed)
        assert (best_response_gaps(world, policy, 20) >= -1e-12).all()
        assert team_values(world, policy, 20).sum() <= best + 1e-12


def test_the_shortest_way_of_a_grid_world() -> None:
    world = explore(gridworld_v0.vector_env(num_envs=1, world="cliff"))
    assert team_optimum(world, 100) == -13.0  # 13 steps along the cliff
    assert team_optimum(world, 5) == -5.0  # not there yet


def test_greedy_policies_share_among_equals() -> None:
    world = of_game(GAMES["climbing"](-100.0))
    found = greedy_policy(world, [[[1.0, 1.0, 0.0]]])
    assert [p.tolist() for p in found] == [[[0.5, 0.5, 0.0]]] * 2
    apart = greedy_policy(world, [[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]])
    assert [p[0].argmax() for p in apart] == [0, 2]


def test_worlds_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ParameterError, match="does not always answer alike"):
        explore(_hidden())
    with pytest.raises(ParameterError, match="more than most_states = 2 states"):
        explore(apartment(), most_states=2)
    with pytest.raises(ParameterError, match="num_envs must be an integer from 1 to 1 to be explored"):
        explore(vacuum_v0.vector_env(num_envs=2))
    with pytest.raises(ParameterError, match="discrete actions and observations"):
        explore(vacuum_v0.vector_env(num_envs=1, observation="vector"))


def _hidden() -> Any:
    """A repeated game of chance: what it pays depends on a coin."""
    return matrix_v0.vector_env(
        num_envs=1, payoff=[[0.0, 1.0], [2.0, 3.0]], alternative=[[9.0, 8.0], [7.0, 6.0]], repeated=True
    )


def test_bad_policies_are_refused() -> None:
    world = explore(apartment())
    policy = random_policy(world, 0)
    with pytest.raises(ParameterError, match="policy must hold an array for each of 2 agents, not 1"):
        team_values(world, policy[:1], 3)
    state, action = np.argwhere(~world.allowed[1])[0].tolist()
    policy[1][state] = np.eye(policy[1].shape[1])[action]
    with pytest.raises(ParameterError, match=rf"policy\[1\]\[{state}, {action}\] must be 0"):
        best_response_gaps(world, policy, 3)
    with pytest.raises(ParameterError, match="horizon must be an integer"):
        team_optimum(world, 0)
    with pytest.raises(ParameterError, match="values must be"):
        greedy_policy(world, np.zeros((3, 4, 5)))
