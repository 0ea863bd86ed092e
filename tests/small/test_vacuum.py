"""The robot vacuums: the essay's numbers exactly, three times over; and every rule against plain Python."""

import numpy as np
import pytest

from agents import IndependentQLearning, train
from agents.exploration import EpsilonGreedy
from marl_envs import vacuum_v0
from marl_envs.small.vacuum.types import REWARD_TERMS, RULES
from tests.small.apartment import B1, B2, DOCK, LR, K, begin, best, number, possible, step, value

# Optimal values in the living room at the start, and in the kitchen after cleaning it
VALUES = {
    "visits": ({K: 5, B1: 1}, {B2: 4, B1: -1, LR: -1}),
    "dock": ({K: 5, B1: 1, DOCK: 0}, {B2: 4, B1: 0, LR: -1, DOCK: 0}),
}


def after(rules: str, battery: int, *moves: int):
    """Return the plain state that a lone robot's moves lead to."""
    state = begin(1, battery)
    for move in moves:
        state = step(rules, state, (move,))[0]
    return state


@pytest.mark.parametrize("rules", RULES)
def test_the_plain_rules_have_the_essay_s_values(rules):
    battery = RULES[rules]
    for moves, expected in zip(((), (K,)), VALUES[rules], strict=True):
        state = after(rules, battery, *moves)
        assert {a: value(rules, state, (a,)) for a in range(5) if possible(rules, state, 0, a)} == expected


def test_with_more_time_the_detour_costs_only_its_penalty():
    start = begin(1, 3)
    assert value("visits", start, (K,)) == 5
    assert value("visits", after("visits", 3, K), (B2,)) == 4
    assert value("visits", start, (B1,)) == 4


def search(env) -> float:
    """Return the optimal value of the environment as it stands, trying everything from snapshots."""
    return max(try_out(env, action) for action in range(int(env.action_space("robot_0").n)) if allows(env, action))


def allows(env, action: int) -> bool:
    return bool(env.vec.action_mask[0, 0, action])


def try_out(env, action: int) -> float:
    """Return Q* of one action, and leave the environment as it was."""
    before = env.get_state()
    _, rewards, terminations, _, _ = env.step({"robot_0": action})
    found = rewards["robot_0"] + (0.0 if terminations["robot_0"] else search(env))
    env.set_state(before)
    return found


@pytest.mark.parametrize("rules", RULES)
def test_the_environment_has_the_essay_s_values(rules):
    env = vacuum_v0.parallel_env(rules=rules)
    env.reset(seed=0)
    for expected in VALUES[rules]:
        assert {a: try_out(env, a) for a in range(len(env.vec.action_mask[0, 0])) if allows(env, a)} == expected
        env.step({"robot_0": K})


@pytest.mark.parametrize("rules", RULES)
def test_q_learning_finds_the_essay_s_values(rules):
    battery = RULES[rules]
    vec = vacuum_v0.vector_env(64, rules=rules)
    learner = IndependentQLearning(vec, alpha=0.1, gamma=1.0, exploration=EpsilonGreedy(0.3), seed=0)
    train(learner, vec, 128_000, seed=0, progress=False)
    start, kitchen = number(begin(1, battery), 0, battery), number(after(rules, battery, K), 0, battery)
    found = learner.q[0, start, K], learner.q[0, kitchen, B2], learner.q[0, start, B1]
    np.testing.assert_allclose(found, (5, 4, 1), atol=5e-5)


def test_the_essay_s_walk_under_dock():
    env = vacuum_v0.parallel_env(rules="dock")
    env.reset(seed=0)
    steps = [env.step({"robot_0": room}) for room in (K, B1, B2)]
    assert [rewards["robot_0"] for _, rewards, *_ in steps] == [1, -1, 2 - 1]
    assert [bool(done["robot_0"]) for _, _, done, _, _ in steps] == [False, False, True]
    last = dict(zip(REWARD_TERMS, steps[-1][4]["robot_0"]["reward_terms"].tolist(), strict=True))
    assert last == {"cleaning": 2, "wasted": 0, "bonus": 0, "stranded": -1}
    assert env.metrics() == {
        **{"cleaned": 2, "clean": 1, "wasted": 1, "clashes": 0, "waits": 0, "stranded": 1, "masked_actions": 0},
        **{"episode_length": 3, "return": 1},
    }


def plain_state(vec, e: int):
    """Return the environment's state in the plain form."""
    s = vec.arrays
    dirty = frozenset(np.flatnonzero(s.dirty[e]).tolist())
    return tuple(s.room[e].tolist()), tuple(s.charge[e].tolist()), tuple((s.fate[e] == 2).tolist()), dirty


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(("robots", "battery"), [(1, 2), (1, 5), (2, 3), (3, 4)])
def test_random_play_follows_the_plain_rules(rules, robots, battery):
    vec = vacuum_v0.vector_env(24, rules=rules, num_robots=robots, battery=battery, max_cycles=50)
    vec.reset(seed=0)
    states = [begin(robots, battery)] * 24
    rng, ends = np.random.default_rng(robots), 0
    for _ in range(40):
        actions = rng.integers(0, 5 if rules == "dock" else 4, (24, robots))
        mask = vec.action_mask.copy()
        obs, reward, terminated, truncated, info = vec.step(actions)
        assert not truncated.any()
        for e, state in enumerate(states):
            allowed = [[possible(rules, state, a, n) for n in range(mask.shape[2])] for a in range(robots)]
            np.testing.assert_array_equal(mask[e], allowed)
            state, paid, over = step(rules, state, tuple(actions[e].tolist()))
            np.testing.assert_allclose(reward[e], paid, rtol=1e-6)
            assert terminated[e].tolist() == [over] * robots
            seen = info["final_obs"] if over else obs
            assert seen[e].tolist() == [number(state, a, battery) for a in range(robots)]
            states[e] = begin(robots, battery) if over else state
            assert plain_state(vec, e) == states[e]
            ends += over
    assert ends > 24


def test_two_robots_in_one_room():
    env = vacuum_v0.parallel_env(num_robots=2)
    env.reset(seed=0)
    _, rewards, *_ = env.step({"robot_0": K, "robot_1": K})
    assert rewards == {"robot_0": 1, "robot_1": -1}  # the first cleans, the other finds it clean
    _, rewards, terminations, _, _ = env.step({"robot_0": K, "robot_1": B2})  # the first waits
    assert rewards == {"robot_0": 1, "robot_1": 3}  # both share the bonus
    assert all(terminations.values())
    assert {k: env.metrics()[k] for k in ("clashes", "waits", "wasted", "return")} == {
        **{"clashes": 1, "waits": 1, "wasted": 1, "return": 4}
    }


def test_what_a_team_can_get():
    """One robot cleans while the others stand by: more robots gain nothing in two visits, but lose nothing."""
    assert [best("visits", begin(robots, 2)) for robots in (1, 2, 3)] == [5, 5, 5]
    assert best("dock", begin(2, 3)) == pytest.approx(5)


def test_a_battery_that_is_empty_everywhere_ends_the_episode():
    env = vacuum_v0.parallel_env(rules="visits")
    env.reset(seed=0)
    env.step({"robot_0": B1})
    _, rewards, terminations, truncations, _ = env.step({"robot_0": LR})
    assert (rewards, terminations, truncations) == ({"robot_0": -1}, {"robot_0": True}, {"robot_0": False})


def test_a_finished_episode_pays_nothing_more():
    """Where the caller resets, it stands still; a batch that is given its snapshot begins the next episode."""
    env, vec = vacuum_v0.parallel_env(), vacuum_v0.vector_env(1)
    env.reset(seed=0)
    env.step({"robot_0": K})
    env.step({"robot_0": B2})
    for stepped in (env.vec, vec):
        stepped.set_state(env.get_state())
        _, reward, terminated, truncated, info = stepped.step(np.array([[K]]))
        assert (reward.item(), terminated.item(), truncated.item(), info["ended"].item()) == (0, True, False, True)
    assert env.metrics()["episode_length"] == 2
    assert vec.step(np.array([[K]]))[1] == 1


def test_the_time_limit_truncates():
    env = vacuum_v0.parallel_env(battery=50, max_cycles=3)
    env.reset(seed=0)
    ends = [env.step({"robot_0": room})[2:4] for room in (B1, LR, B1)]
    assert ends == [({"robot_0": False}, {"robot_0": cut}) for cut in (False, False, True)]


def test_the_vector_says_what_the_number_says():
    env = vacuum_v0.parallel_env(num_robots=2, battery=4, observation="vector")
    obs, _ = env.reset(seed=0)
    np.testing.assert_array_equal(obs["robot_1"], [1, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1])
    obs, *_ = env.step({"robot_0": K, "robot_1": B1})
    np.testing.assert_array_equal(obs["robot_0"], [0, 1, 0, 0, 0.75, 0, 0, 0, 1, 0, 0, 1, 0, 0.75])
    np.testing.assert_array_equal(obs["robot_1"], [0, 0, 1, 0, 0.75, 0, 0, 0, 1, 0, 1, 0, 0, 0.75])
    np.testing.assert_allclose(env.state(), [0.99, 0, 0, 0, 1, 0, 1, 0, 0, 0.75, 0, 0, 1, 0, 0.75])


def test_other_rewards():
    env = vacuum_v0.parallel_env(dirt=[0, 3, 4, 0], bonus=10, wasted=-0.5)
    env.reset(seed=0)
    assert env.step({"robot_0": B1})[1] == {"robot_0": 4}
    assert env.step({"robot_0": K})[1] == {"robot_0": 13}
