"""Published results, in small by default and in full among the slow tests."""

import gymnasium
import numpy as np
import pytest

from agents.models.dyna import DynaQ
from agents.options.intra_option import IntraOptionQLearning
from agents.options.smdp import SMDPQLearning
from benchmarks.classics import cart_pole, cliff, four_rooms, mazes, mountain_car, toy_text, vacuum
from benchmarks.classics.play import Player
from marl_envs import gridworld_v0


def test_cliff_in_small():
    """SARSA stays away from the edge, Q-learning walks along it and falls."""
    means = {name: cliff.online_return(name, runs=20, episodes=300) for name in cliff.LEARNERS}
    assert means["expected_sarsa"] > means["sarsa"] > means["q"] + 8
    assert -36 < means["sarsa"] < -24
    assert -62 < means["q"] < -44


@pytest.mark.slow
@pytest.mark.parametrize(("name", "published"), [("sarsa", -27.7), ("q", -49.7), ("expected_sarsa", -21.0)])
def test_cliff(name, published):
    assert cliff.online_return(name) == pytest.approx(published, rel=0.05)


def test_dyna_maze():
    steps = mazes.dyna_maze(5)
    assert 5 <= mazes.first_short(steps) <= 8
    assert steps[0] > 400
    assert 14 < steps[20:].mean() < 19  # the shortest way is 14


@pytest.mark.slow
def test_dyna_maze_without_planning():
    assert 24 <= mazes.first_short(mazes.dyna_maze(0)) <= 32


def test_blocking_maze():
    """Both find the way round; curiosity finds it much sooner."""
    plain, curious = (mazes.changing_maze("blocking_maze", c, 10, 1e-4, 3000) for c in (False, True))
    assert plain[2999] - plain[1500] > 5
    assert curious[2999] > plain[2999] + 15
    assert 110 < curious[2999] < 160


def test_shortcut_maze():
    """Only curiosity finds the short cut: it earns more in the last thousand steps than the old way allows."""
    plain, curious = (mazes.changing_maze("shortcut_maze", c, 50, 1e-3, 6000, runs=8) for c in (False, True))
    old_way = 1000 / 16  # 16 steps at least
    assert plain[5999] - plain[4999] < old_way
    assert curious[5999] - curious[4999] > old_way
    assert 330 < curious[5999] < 400


def test_sweeping_needs_a_fraction_of_the_updates():
    plain, sweeping = (mazes.updates_until_good(sweeping, runs=5) for sweeping in (False, True))
    assert 4 * sweeping < plain


@pytest.mark.parametrize(
    ("kind", "goal", "expected"),
    [
        ("primitive", four_rooms.HALLWAY_GOAL, (14, 58)),
        ("hallways", four_rooms.HALLWAY_GOAL, (2, 13)),
        ("both", four_rooms.HALLWAY_GOAL, (2, 21)),
        ("primitive", four_rooms.ROOM_GOAL, (16, 62)),
        ("both", four_rooms.ROOM_GOAL, (4, 40)),
        ("hallways", four_rooms.ROOM_GOAL, (-1, 1)),  # alone they never reach a goal inside a room
    ],
)
def test_planning_with_options_takes_as_many_sweeps_as_published(kind, goal, expected):
    assert four_rooms.sweeps(kind, goal) == expected


def test_the_four_rooms_of_planning_are_those_of_the_environment():
    """The chances of moving, against what a random walk through the environment does."""
    vec = gridworld_v0.vector_env(num_envs=200, world="four_rooms", goal=four_rooms.ROOM_GOAL, max_cycles=100_000)
    obs, _ = vec.reset(seed=1)
    draws, seen = np.random.default_rng(0), np.zeros((4, 169, 169))
    for _ in range(600):
        before, actions = obs[:, 0].copy(), draws.integers(0, 4, (200, 1))
        obs, _, _, _, info = vec.step(actions)
        after = np.where(info["ended"], info["final_obs"][:, 0], obs[:, 0])
        np.add.at(seen, (actions[:, 0], before, after), 1)
    counts = seen.sum(axis=2, keepdims=True)
    chances = four_rooms.transitions(1 / 3)
    assert not seen[chances == 0].any()
    error = (seen - counts * chances)[(counts > 100)[..., 0]]
    spread = np.sqrt(counts * chances * (1 - chances))[(counts > 100)[..., 0]]
    assert (np.abs(error) < 5 * spread + 1e-9).mean() > 0.999


@pytest.mark.parametrize("cls", [SMDPQLearning, IntraOptionQLearning])
def test_hallway_options_shorten_the_first_episodes(cls):
    """With actions alone the first episodes take several hundred steps."""
    steps = four_rooms.learn(cls, "hallways", runs=10, episodes=10)
    assert steps.max() < 150
    assert four_rooms.learn(cls, "primitive", runs=10, episodes=1)[0] > 250


@pytest.mark.parametrize("rules", ["visits", "dock"])
def test_the_vacuum_learns_the_three_values_exactly(rules):
    assert vacuum.values(rules) == vacuum.EXPECTED


def test_dynamic_programming_gives_the_known_optima():
    lake, taxi = toy_text.tables_of("FrozenLake-v1"), toy_text.tables_of("Taxi-v4")
    assert lake.start @ toy_text.optimum(lake) == pytest.approx(0.7442, abs=5e-5)
    assert taxi.start @ toy_text.optimum(taxi) == pytest.approx(7.93, abs=1e-9)


def test_many_worlds_at_once_equal_gymnasiums_one():
    """Without slips FrozenLake is certain: the same actions lead to the same, and limits cut off at the same time."""
    tables = toy_text.tables_of("FrozenLake-v1", is_slippery=False)
    many, one = toy_text.ToyText(tables, 2), gymnasium.make("FrozenLake-v1", is_slippery=False)
    assert many.reset(seed=0)[0].tolist() == [one.reset(seed=0)[0]] * 2
    draws, ends = np.random.default_rng(2), set()
    for step in range(3000):
        action = 0 if step % 1000 < 200 else int(draws.integers(4))
        state, reward, over, cut, infos = many.step(np.full(2, action))
        now, pay, ended, late, _ = one.step(action)
        assert (reward[0], over[0], cut[0]) == (pay, ended, late)
        if ended or late:
            assert infos["final_obs"][0] == now
            ends.add((ended, late))
            now = one.reset()[0]
        assert state.tolist() == [now] * 2
    assert ends == {(True, False), (False, True)}


def test_taxi_is_solved_for_every_start():
    """A planner needs to see each of the 500 x 6 pairs once: Dyna-Q learns the rest from memory."""
    tables = toy_text.tables_of("Taxi-v4")
    vec = toy_text.GymnasiumEnv(toy_text.ToyText(tables, 32))
    learner = DynaQ(vec, planning=20, alpha=1.0, gamma=0.99, exploration=toy_text.EpsilonGreedy(1.0), seed=0)
    player = Player(learner, vec, 0)
    for _ in range(6000):
        player.step()
    gap = toy_text.optimum(tables) - toy_text.value_of(tables, learner.q[0])
    assert np.abs(gap[tables.start > 0]).max() < 1e-9


@pytest.mark.slow
def test_taxi_and_frozen_lake_by_q_learning():
    mine, best, gap = toy_text.taxi(0)
    assert (mine, gap) == (pytest.approx(best), pytest.approx(0.0, abs=1e-9))
    mine, best = toy_text.frozen_lake(0)
    assert mine == pytest.approx(0.7402, abs=5e-5)  # the best that a policy without a clock can do
    assert mine < best


def test_many_cars_drive_as_gymnasiums_one():
    many, one = mountain_car.MountainCars(2), gymnasium.make("MountainCar-v0", max_episode_steps=100_000)
    many.reset(seed=0)
    one.reset(seed=0)
    one.unwrapped.state = tuple(many.state[0])
    draws, arrived = np.random.default_rng(0), 0
    for _ in range(3000):
        action = (2 if many.state[0, 1] >= 0 else 0) if draws.random() < 0.9 else int(draws.integers(3))
        obs, reward, over, cut, infos = many.step(np.full(2, action))
        now, pay, ended, _, _ = one.step(action)
        assert (reward[0], over[0], cut[0]) == (pay, ended, False)
        if ended:
            np.testing.assert_array_equal(infos["final_obs"][0], now)
            one.reset()
            one.unwrapped.state = tuple(many.state[0])
            assert -0.6 <= many.state[0, 0] <= -0.4
            assert many.state[0, 1] == 0
            arrived += 1
        else:
            np.testing.assert_array_equal(obs[0], now)
    assert arrived > 5


def test_mountain_car_in_small():
    first, _ = mountain_car.steps_of_episodes(0.5, runs=20, episodes=20)
    assert 380 < first < 520  # the first twenty episodes take longer than the first fifty


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "published"), [(0.1, (570, 136.9)), (0.2, (407, 127.1)), (0.5, (284, 116.5))])
def test_mountain_car(alpha, published):
    assert mountain_car.steps_of_episodes(alpha) == pytest.approx(published, rel=0.05)


@pytest.mark.slow
def test_cart_pole_is_solved():
    assert sum(cart_pole.greedy_return(seed) >= cart_pole.SOLVED for seed in range(5)) >= 3
