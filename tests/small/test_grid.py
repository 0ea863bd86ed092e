"""Grid worlds: optimal ways, parity with Gymnasium's cliff, slips and starts by chi-square, changes, memory."""

from collections import deque
from itertools import product
from typing import Any

import gymnasium
import numpy as np
import pytest
from scipy.stats import chisquare

from marl_envs import gridworld_v0
from marl_envs.small.grid.types import DOWN, LEFT, RIGHT, UP
from marl_envs.small.grid.worlds import HALLWAYS
from tests.conformance.play import assert_same


def shortest(env) -> int:
    """Return the fewest steps to termination, by breadth-first search over snapshots."""
    env.reset(seed=0)
    queue, seen = deque([(env.get_state(), 0)]), set()
    while queue:
        state, steps = queue.popleft()
        for action in range(4):
            env.set_state(state)
            obs, _, terminations, _, _ = env.step({"walker_0": action})
            if terminations["walker_0"]:
                return steps + 1
            if int(obs["walker_0"]) not in seen:
                seen.add(int(obs["walker_0"]))
                queue.append((env.get_state(), steps + 1))
    raise AssertionError("the goal cannot be reached")


@pytest.mark.parametrize(
    ("world", "steps"), [("cliff", 13), ("dyna_maze", 14), ("blocking_maze", 10), ("shortcut_maze", 16)]
)
def test_the_shortest_ways_are_the_published_ones(world, steps):
    assert shortest(gridworld_v0.parallel_env(world=world)) == steps


@pytest.mark.parametrize(("world", "steps"), [("blocking_maze", 16), ("shortcut_maze", 10)])
def test_the_shortest_ways_after_the_change(world, steps):
    env = gridworld_v0.parallel_env(world=world, change_at=1)
    env.reset(seed=0)
    assert shortest(_after(env, 1)) == steps


class _after:  # noqa: N801 - reads as a word of the sentence above
    """An environment whose clock stands at `clock` at every reset."""

    def __init__(self, env, clock: int) -> None:
        self.env, self.clock = env, clock
        self.step, self.get_state, self.set_state = env.step, env.get_state, env.set_state

    def reset(self, seed: int) -> None:
        self.env.reset(seed=seed)
        self.env.vec.arrays.clock[:] = self.clock


def test_cliff_walking_is_gymnasium_s():
    """Step by step, at random; their directions are numbered clockwise from up."""
    name = next(
        id for id in ("CliffWalking-v1", "CliffWalking-v0") if id in gymnasium.registry
    )  # which differ in slips
    theirs, ours = gymnasium.make(name).unwrapped, gridworld_v0.parallel_env(world="cliff")
    turned = {UP: 0, RIGHT: 1, DOWN: 2, LEFT: 3}
    state, _ = theirs.reset(seed=0)
    obs, _ = ours.reset(seed=0)
    assert obs["walker_0"] == state
    rng, falls, goals = np.random.default_rng(0), 0, 0
    for action in rng.choice(4, 6000, p=(0.3, 0.2, 0.1, 0.4)).tolist():
        if not ours.agents:
            state, _ = theirs.reset()
            obs, _ = ours.reset()
        state, reward, over, *_ = theirs.step(turned[action])
        obs, rewards, terminations, *_ = ours.step({"walker_0": action})
        assert (obs["walker_0"], rewards["walker_0"], terminations["walker_0"]) == (state, reward, over)
        falls, goals = falls + (reward == -100), goals + over
    assert falls > 100
    assert goals > 10


def test_the_safe_way_and_a_fall():
    env = gridworld_v0.parallel_env(world="cliff")
    env.reset(seed=0)
    _, rewards, terminations, *_ = env.step({"walker_0": RIGHT})
    assert (rewards["walker_0"], terminations["walker_0"]) == (-100, False)
    way = [UP, *[RIGHT] * 11, DOWN]
    assert sum(env.step({"walker_0": a})[1]["walker_0"] for a in way) == -13
    assert env.metrics() == {
        **{"success": 1, "falls": 1, "bumps": 0, "slips": 0},
        **{"episode_length": 14, "return": -113},
    }


def test_the_dyna_maze_pays_at_the_goal_alone():
    env = gridworld_v0.parallel_env(world="dyna_maze")
    env.reset(seed=0)
    way = [DOWN, DOWN, *[RIGHT] * 3, UP, *[RIGHT] * 5, UP, UP, UP]
    results = [env.step({"walker_0": a}) for a in way]
    assert [r[1]["walker_0"] for r in results] == [0.0] * 13 + [1.0]
    assert [r[2]["walker_0"] for r in results] == [False] * 13 + [True]


def test_four_rooms_have_104_cells_and_four_hallways():
    env = gridworld_v0.parallel_env(world="four_rooms")
    lines = env.params.make_world().rows
    free = {(r, c) for r, row in enumerate(lines) for c, char in enumerate(row) if char != "#"}
    assert (len(lines), len(lines[0]), len(free)) == (13, 13, 104)
    assert set(HALLWAYS) <= free
    left, rooms = free - set(HALLWAYS), []
    while left:
        room, edge = set(), [left.pop()]
        while edge:
            r, c = edge.pop()
            room.add((r, c))
            near = {(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)} & left
            left -= near
            edge += near
        rooms.append(room)
    assert sorted(map(len, rooms)) == [20, 25, 25, 30]
    for r, c in HALLWAYS:
        touched = [any((r + i, c + j) in room for i, j in ((0, 1), (0, -1), (1, 0), (-1, 0))) for room in rooms]
        assert sum(touched) == 2


def test_an_action_slips_with_the_published_probabilities():
    """2/3 the chosen direction, 1/9 each of the others; from the middle of a room, all four lead elsewhere."""
    env = gridworld_v0.vector_env(18_000, world="four_rooms", start=(3, 3))
    for action in range(4):
        env.reset(seed=action)
        obs, *_ = env.step(np.full((18_000, 1), action))
        places = {UP: 2 * 13 + 3, DOWN: 4 * 13 + 3, LEFT: 3 * 13 + 2, RIGHT: 3 * 13 + 4}
        counts = np.array([(obs == places[d]).sum() for d in range(4)])
        expected = np.full(4, 2_000)
        expected[action] = 12_000
        assert counts.sum() == 18_000
        assert chisquare(counts, expected).pvalue > 0.001


def test_four_rooms_start_anywhere_but_at_the_goal():
    vec = gridworld_v0.vector_env(20_600, world="four_rooms")
    obs, _ = vec.reset(seed=0)
    cells, counts = np.unique(obs, return_counts=True)
    assert len(cells) == 103
    assert 7 * 13 + 9 not in cells
    assert chisquare(counts).pvalue > 0.001
    obs, _ = gridworld_v0.vector_env(2, world="four_rooms", start=(1, 1), goal=(9, 9)).reset(seed=0)
    assert obs.tolist() == [[14], [14]]


def returns_of(policy: np.ndarray, cue: int, **parameters: Any) -> np.ndarray:
    """Return what policies [P, 4] of the observation alone get in a T-maze with that cue, each played to its end."""
    vec = gridworld_v0.vector_env(len(policy), world="t_maze", corridor=3, max_cycles=30, **parameters)
    vec.reset(seed=0)
    vec.arrays.cue[:] = cue
    state = vec.get_state()
    obs, _ = vec.set_state(state)
    got, over = np.zeros(len(policy)), np.zeros(len(policy), bool)
    for _ in range(30):
        obs, reward, _, _, info = vec.step(policy[np.arange(len(policy)), obs[:, 0]][:, None])
        got += np.where(over, 0, reward[:, 0])
        over |= info["ended"]
    assert over.all()
    return got


def test_without_memory_a_t_maze_is_worth_195_and_with_it_4():
    every = np.array(list(product(range(4), repeat=4)))  # an action for each observation
    upper, lower = returns_of(every, 0), returns_of(every, 1)
    assert ((upper + lower) / 2).max() == pytest.approx(1.95)
    assert upper.max() == lower.max() == 4  # who knows the cue at the junction gets 4 either way


def test_without_a_price_on_standing_still_refusing_to_walk_would_beat_195():
    """Going up at the junction, and staying at the start where the cue says down: (4 + 0) / 2."""
    policy = np.array([[RIGHT, UP, RIGHT, UP]])
    assert [returns_of(policy, cue, bump_reward=0)[0] for cue in (0, 1)] == [4, 0]
    assert returns_of(policy, 1)[0] == pytest.approx(-3)


def test_a_t_maze_shows_its_cue_at_the_start_alone():
    env = gridworld_v0.parallel_env(world="t_maze", corridor=2, observation="vector")
    cues = set()
    for seed in range(20):
        obs, _ = env.reset(seed=seed)
        cue = env.vec.arrays.cue[0]
        cues.add(int(cue))
        assert obs["walker_0"].tolist() == [[0, 1, 1], [1, 1, 0]][cue]
        assert env.step({"walker_0": UP})[0]["walker_0"].tolist() == [[0, 1, 1], [1, 1, 0]][cue]  # a wall
        assert env.step({"walker_0": RIGHT})[0]["walker_0"].tolist() == [1, 0, 1]
        assert env.step({"walker_0": RIGHT})[0]["walker_0"].tolist() == [0, 1, 0]
        obs, rewards, terminations, *_ = env.step({"walker_0": UP if cue == 0 else DOWN})
        assert (rewards["walker_0"], terminations["walker_0"]) == (4, True)
        assert env.metrics()["success"] == 1
        env.reset()
        for action in (RIGHT, RIGHT, DOWN if env.vec.arrays.cue[0] == 0 else UP):
            _, rewards, terminations, *_ = env.step({"walker_0": action})
        assert rewards["walker_0"] == pytest.approx(-0.1)
        assert (terminations["walker_0"], env.metrics()["success"]) == (True, 0)
    assert cues == {0, 1}


def test_walls_change_after_so_many_steps_over_all_episodes():
    """Along the right edge the way is 3, 6 .. cells up; the gap there is open in the first `change_at` steps alone."""
    env = gridworld_v0.parallel_env(world="blocking_maze", change_at=22, start=(4, 8))
    env.reset(seed=0)
    for episode in range(6):  # 4 steps each, the first 20
        for _ in range(4):
            obs, _, terminations, *_ = env.step({"walker_0": UP})
            if episode == 5 and env.vec.arrays.clock[0] == 22:
                assert obs["walker_0"] == 2 * 9 + 8  # through the gap, which closes now
                break
        if episode < 5:
            assert terminations["walker_0"]
            env.reset()
    assert env.step({"walker_0": DOWN})[0]["walker_0"] == 2 * 9 + 8
    env.reset()
    assert env.step({"walker_0": UP})[0]["walker_0"] == 4 * 9 + 8  # the change outlives the episode
    env.reset(seed=0)
    assert env.step({"walker_0": UP})[0]["walker_0"] == 3 * 9 + 8  # a seed starts over


def test_the_clock_of_a_batch_goes_on_as_a_single_environment_s():
    arguments = {"world": "blocking_maze", "change_at": 30, "max_cycles": 7, "start": (4, 8)}
    vec, env = gridworld_v0.vector_env(3, **arguments), gridworld_v0.parallel_env(**arguments)
    vec.reset(seed=5)
    env.reset(seed=5)
    rng, half = np.random.default_rng(0), None
    for t in range(80):
        if not env.agents:
            env.reset()
        actions = rng.choice(4, (3, 1), p=(0.7, 0.1, 0.1, 0.1))
        obs, _, _, _, info = vec.step(actions)
        seen = env.step({"walker_0": int(actions[0, 0])})[0]["walker_0"]
        assert seen == (info["final_obs"] if info["ended"][0] else obs)[0, 0]
        if t == 35:
            half = vec.get_state()
    assert vec.arrays.clock.tolist() == [80] * 3
    vec.set_state(half)
    assert vec.arrays.clock.tolist() == [36] * 3
    first = vec.reset(seed=5)
    assert vec.arrays.clock.tolist() == [0] * 3
    assert_same(gridworld_v0.vector_env(3, **arguments).reset(seed=5)[0], first[0])


def test_the_time_limit_truncates():
    env = gridworld_v0.parallel_env(world="dyna_maze", max_cycles=2)
    env.reset(seed=0)
    env.step({"walker_0": UP})
    _, _, terminations, truncations, _ = env.step({"walker_0": UP})
    assert (terminations["walker_0"], truncations["walker_0"]) == (False, True)


def test_a_drawing_with_rewards_of_one_s_own():
    world = "S.C\n#.G"
    env = gridworld_v0.parallel_env(
        world=world, step_reward=-1, goal_reward=5, cliff_reward=-7, bump_reward=-0.5, observation="vector"
    )
    obs, _ = env.reset(seed=0)
    assert obs["walker_0"].tolist() == [1, 0, 1, 0, 0]
    rewards = [env.step({"walker_0": a})[1]["walker_0"] for a in (DOWN, RIGHT, RIGHT, RIGHT, DOWN, RIGHT)]
    assert rewards == [-1.5, -1, -7, -1, -1, 5]
    assert env.agents == []
    assert env.metrics()["bumps"] == env.metrics()["falls"] == 1
