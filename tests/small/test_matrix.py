"""Matrix games: payoffs against the published tables, verdicts against brute force, ends, counts and values."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import IndependentQLearning, train
from marl_envs import matrix_v0
from marl_envs.small.matrix.games import (
    CHOICE,
    END,
    EQUILIBRIUM,
    MISMATCH,
    OPTIMAL,
    boutilier,
    common,
    individual,
    verdicts,
)

# Row agent 1, column agent 2; what may be paid, each value with equal probability. [Matignon et al. 2012, section 1.3]
PUBLISHED = {
    "climbing": [[{11}, {-30}, {0}], [{-30}, {7}, {6}], [{0}, {0}, {5}]],
    "climbing_partial": [[{11}, {-30}, {0}], [{-30}, {14, 0}, {6}], [{0}, {0}, {5}]],
    "climbing_full": [
        [{10, 12}, {5, -65}, {8, -8}],
        [{5, -65}, {14, 0}, {12, 0}],
        [{8, -8}, {12, 0}, {10, 0}],
    ],
    "penalty": [[{10}, {0}, {-100}], [{0}, {2}, {0}], [{-100}, {0}, {10}]],
}


def all_joint(vec, times: int) -> tuple[np.ndarray, np.ndarray]:
    """Play each joint action in an environment of its own, `times` times; return payoffs [times, J, A] and actions."""
    counts = vec.simulation.settings.choices.tolist()
    actions = np.array(list(product(*map(range, counts))))
    assert len(actions) == vec.num_envs
    vec.reset(seed=1)
    return np.array([vec.step(actions)[1].copy() for _ in range(times)]), actions


@pytest.mark.parametrize("game", PUBLISHED)
def test_payoffs_are_the_published_ones(game):
    paid, actions = all_joint(matrix_v0.vector_env(9, game=game), 200)
    np.testing.assert_array_equal(paid[..., 0], paid[..., 1])
    for j, (a, b) in enumerate(actions):
        values, counts = np.unique(paid[:, j, 0], return_counts=True)
        assert set(values) == PUBLISHED[game][a][b]
        assert counts.min() >= 200 / len(values) - 40  # 5.7 standard deviations of a fair coin


def test_one_coin_a_step_decides_for_everybody():
    payoffs = {"payoffs": [[1, 1], [10, 10]], "alternative": [[2, 2], [20, 20]]}
    with pytest.raises(matrix_v0.params.ParameterError, match="2 agents"):
        matrix_v0.vector_env(1, **{**payoffs, "payoffs": [[[1, 1]], [[10, 10]], [[1, 1]]], "alternative": None})
    vec = matrix_v0.vector_env(500, payoffs=[[[1]], [[10]]], alternative=[[[2]], [[20]]])
    vec.reset(seed=0)
    reward = vec.step(np.zeros((500, 2), int))[1]
    assert {tuple(row) for row in reward.tolist()} == {(1, 10), (2, 20)}


@pytest.mark.parametrize(
    ("game", "expected"),
    [
        ("prisoners_dilemma", [[(3, 3), (0, 5)], [(5, 0), (1, 1)]]),
        ("stag_hunt", [[(4, 4), (0, 3)], [(3, 0), (3, 3)]]),
        ("chicken", [[(6, 6), (2, 7)], [(7, 2), (0, 0)]]),
    ],
)
def test_games_in_which_agents_are_paid_differently(game, expected):
    paid, actions = all_joint(matrix_v0.vector_env(4, game=game), 1)
    assert {(a, b): tuple(paid[0, j]) for j, (a, b) in enumerate(actions.tolist())} == {
        (a, b): expected[a][b] for a in range(2) for b in range(2)
    }


def test_the_inequalities_that_make_the_games():
    paid, _ = all_joint(matrix_v0.vector_env(4, game="prisoners_dilemma"), 1)
    reward, sucker, temptation, punishment = paid[0, :, 0]
    assert temptation > reward > punishment > sucker
    assert 2 * reward > temptation + sucker
    paid, _ = all_joint(matrix_v0.vector_env(4, game="chicken"), 1)
    both, swerve, dare, crash = paid[0, :, 0]
    assert dare > both > swerve > crash


def brute(payoff: np.ndarray) -> dict[tuple[int, ...], int]:
    """Return the verdicts on a matrix game, payoff [N_1, ..., N_A, A], by trying every deviation."""
    every = list(product(*map(range, payoff.shape[:-1])))
    top = max(payoff[j].sum() for j in every)
    nash = set()
    for j in every:
        deviations = [(a, (*j[:a], n, *j[a + 1 :])) for a in range(len(j)) for n in range(payoff.shape[a])]
        if all(payoff[d][a] <= payoff[j][a] for a, d in deviations):
            nash.add(j)
    found = {}
    for j in every:
        part = all(any(n[a] == j[a] for n in nash) for a in range(len(j)))
        found[j] = OPTIMAL * bool(payoff[j].sum() == top) + EQUILIBRIUM * (j in nash)
        found[j] += MISMATCH * (part and j not in nash) + CHOICE * any(payoff[k].sum() != top for k in every)
    return found


@settings(max_examples=60)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(0, 10**6))
def test_verdicts_are_those_of_brute_force(shape, seed):
    rng = np.random.default_rng(seed)
    game = individual(rng.integers(-3, 4, (len(shape), *shape)), rng.integers(-3, 4, (len(shape), *shape)))
    found = verdicts(game)[0]
    assert {j: int(found[j]) for j in np.ndindex(*shape)} == brute(game.expected[0])


def test_what_is_to_be_said_of_the_climbing_game():
    """(a, a) and (b, b) are equilibria, the first is the best; a and b together are parts of different ones."""
    kind = OPTIMAL | EQUILIBRIUM | MISMATCH
    found = (verdicts(common([[11, -30, 0], [-30, 7, 6], [0, 0, 5]]))[0] & kind).tolist()
    assert found == [[OPTIMAL | EQUILIBRIUM, MISMATCH, 0], [MISMATCH, EQUILIBRIUM, 0], [0, 0, 0]]


def test_episodes_and_what_is_counted():
    env = matrix_v0.parallel_env(game="climbing")
    env.reset(seed=0)
    _, rewards, terminations, truncations, _ = env.step({"player_0": 0, "player_1": 1})
    assert rewards == {"player_0": -30, "player_1": -30}
    assert all(terminations.values())
    assert not any(truncations.values())
    env = matrix_v0.parallel_env(game="climbing", repeated=True, max_cycles=4)
    env.reset(seed=0)
    ends = [env.step({"player_0": a, "player_1": b})[2:4] for a, b in ((0, 0), (0, 1), (1, 1), (2, 1))]
    assert [any(cut.values()) for _, cut in ends] == [False, False, False, True]
    assert not any(any(done.values()) for done, _ in ends)
    assert env.metrics() == {
        **{"optimal": 0.25, "optimal_last": 0, "equilibrium": 0.5, "miscoordination": 0.25},
        **{"mean_payoff": -12 / 4, "masked_actions": 0, "episode_length": 4, "return": -24},
    }


def test_a_team_is_paid_the_sum_over_agents():
    env = matrix_v0.parallel_env(game="stag_hunt", reward="team", repeated=True)
    env.reset(seed=0)
    assert env.step({"player_0": 0, "player_1": 0})[1] == {"player_0": 8, "player_1": 8}
    assert (env.metrics()["mean_payoff"], env.metrics()["return"]) == (4, 16)


def test_agents_with_different_numbers_of_actions():
    payoff = np.arange(24).reshape(2, 3, 4)
    vec = matrix_v0.vector_env(24, payoff=payoff, observation="tabular_last")
    paid, actions = all_joint(vec, 1)
    np.testing.assert_array_equal(paid[0], np.repeat(payoff.reshape(-1, 1), 3, axis=1))
    np.testing.assert_array_equal(vec.action_mask[0], [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    assert vec.observation_space.n == 25
    _, _, _, _, info = vec.step(actions)
    np.testing.assert_array_equal(info["final_obs"], np.repeat(1 + np.arange(24)[:, None], 3, axis=1))
    env = matrix_v0.parallel_env(payoff=payoff)
    env.reset(seed=0)
    rewards = env.step({"player_0": 3, "player_1": 2, "player_2": 1})[1]
    assert rewards["player_0"] == payoff[0, 2, 1]  # an action that an agent lacks counts as 0
    assert env.metrics()["masked_actions"] == 1


def test_the_vector_shows_state_and_last_actions():
    env = matrix_v0.parallel_env(game="climbing", repeated=True, observation="vector", max_cycles=10)
    obs, _ = env.reset(seed=0)
    assert obs["player_0"].tolist() == [1, 0, 0, 0, 0, 0, 0]
    obs, *_ = env.step({"player_0": 2, "player_1": 1})
    assert obs["player_1"].tolist() == [1, 0, 0, 1, 0, 1, 0]
    np.testing.assert_allclose(env.state(), [0.9, 1, 0, 0, 1, 0, 1, 0])


def table(vec) -> tuple[np.ndarray, np.ndarray]:
    """Return rewards and next states [S, J] (END where over) of a game, by trying everything in the environment."""
    settings = vec.simulation.settings
    actions = np.array(list(product(*map(range, settings.choices.tolist()))))
    rewards, follow = np.zeros((settings.states, len(actions))), np.zeros((settings.states, len(actions)), int)
    for s, j in np.ndindex(rewards.shape):
        vec.reset(seed=0)
        vec.arrays.where[:] = s
        _, reward, terminated, _, _ = vec.step(actions[j : j + 1])
        rewards[s, j] = reward[0, 0]
        follow[s, j] = END if terminated[0, 0] else vec.arrays.where[0]
    return rewards, follow


def iterate(rewards: np.ndarray, follow: np.ndarray, discount: float) -> np.ndarray:
    """Return the optimal values [S]."""
    value = np.zeros(len(rewards) + 1)
    for _ in range(1000):
        value[:-1] = (rewards + discount * value[follow]).max(axis=1)
    return value[:-1]


def test_boutilier_s_game_has_the_published_values():
    rewards, follow = table(matrix_v0.vector_env(1, game="boutilier"))
    np.testing.assert_allclose(iterate(rewards, follow, 0.9)[:3], (33.2103, 36.9004, 31.9004), atol=5e-5)
    game = boutilier(11, -100, 7)
    arrays = {"payoff": game.payoff[..., 0], "transitions": game.follow}
    rewards, follow = table(matrix_v0.vector_env(1, **arrays))
    np.testing.assert_allclose(iterate(rewards, follow, 0.9)[:3], (36.5314, 40.5904, 36.5904), atol=5e-5)


def test_the_stochastic_form_pays_one_of_two():
    game = boutilier(11, -100, 14, 0)
    arrays = {"payoff": game.payoff[..., 0], "alternative": game.alternative[..., 0], "transitions": game.follow}
    vec = matrix_v0.vector_env(400, **arrays)
    vec.reset(seed=3)
    vec.step(np.ones((400, 2), int))
    assert vec.arrays.where.tolist() == [2] * 400
    reward = vec.step(np.ones((400, 2), int))[1]
    assert set(reward.reshape(-1).tolist()) == {0, 14}
    assert abs((reward[:, 0] > 0).mean() - 0.5) < 0.1  # 4 standard deviations


def test_the_two_step_game():
    rewards, follow = table(matrix_v0.vector_env(1, game="two_step"))
    assert iterate(rewards, follow, 1.0).tolist() == [8, 7, 8]
    env = matrix_v0.parallel_env(game="two_step")
    env.reset(seed=0)
    env.step({"player_0": 1, "player_1": 0})
    _, rewards, terminations, _, _ = env.step({"player_0": 1, "player_1": 1})
    assert (rewards, terminations) == ({"player_0": 8, "player_1": 8}, {"player_0": True, "player_1": True})
    assert (env.metrics()["optimal"], env.metrics()["optimal_last"]) == (1, 1)


def test_one_shot_values_are_payoffs():
    """A one-shot game terminates, so a learner's values are payoffs whatever its discount."""
    vec = matrix_v0.vector_env(64, payoff=[3, -2, 7])
    learner = IndependentQLearning(vec, alpha=0.5, gamma=0.99, seed=0)
    train(learner, vec, 64 * 200, seed=0, progress=False)
    np.testing.assert_allclose(learner.q[0, 0], [3, -2, 7], rtol=1e-6)
