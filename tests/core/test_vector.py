"""The batched face: what goes beyond the promises that the conformance test checks for every environment."""

import numpy as np
import pytest

import marl_envs
from marl_envs.core.random import seed_stream
from marl_envs.warehouse.planner import GreedyPolicy
from tests.conformance.play import assert_same, batch_course, plan

TINY = "marl_envs/warehouse-tiny-2ag-v0"


def test_streams_are_those_of_the_seed():
    vec = marl_envs.make_vec(TINY, 5)
    vec.reset(seed=2**64 - 1)
    fresh = marl_envs.make_vec(TINY, 2)
    fresh.reset(seed=2**64 - 1)
    np.testing.assert_array_equal(vec.arrays.rng[:2], fresh.arrays.rng)
    assert seed_stream(2**64 - 1, 0) == 2**64 - 1


def test_without_a_seed_every_batch_is_another():
    one, other = (marl_envs.make_vec(TINY, 3) for _ in range(2))
    assert not np.array_equal(one.reset()[0], other.reset()[0])


def test_reset_says_nothing_of_earlier_steps():
    vec = marl_envs.make_vec(TINY, 3, max_cycles=2)
    vec.reset(seed=0)
    for _ in range(4):
        vec.step(np.zeros((3, 2), int))
    for _ in range(2):
        _, info = vec.reset()
        assert not info["ended"].any()
        assert not info["reward_terms"].any()


def test_a_restored_state_says_nothing_of_earlier_steps():
    vec = marl_envs.make_vec(TINY, 3, max_cycles=2)
    vec.reset(seed=0)
    state = vec.get_state()
    for _ in range(2):
        vec.step(np.zeros((3, 2), int))
    for _ in range(2):
        _, info = vec.set_state(state)
        assert not info["ended"].any()
        assert not info["reward_terms"].any()


def test_each_call_gives_its_own_info():
    vec = marl_envs.make_vec(TINY, 3)
    _, info = vec.reset(seed=0)
    info.clear()
    *_, info = vec.step(np.zeros((3, 2), int))
    info["mine"] = 1
    assert "alive" in info
    vec.step(np.zeros((3, 2), int))
    assert "mine" not in vec.step(np.zeros((3, 2), int))[4]


def test_metrics_of_the_running_episode_go_on_and_are_copies():
    vec = marl_envs.make_vec(TINY, 3, max_cycles=10)
    vec.reset(seed=0)
    lengths = []
    for actions in plan(vec, 12):
        vec.step(actions)
        lengths.append(vec.metrics()["episode_length"])
    assert [set(length.tolist()) for length in lengths] == [{float(n)} for n in (*range(1, 10), 0, 1, 2)]


def test_metrics_at_the_end_are_those_of_the_whole_episode():
    vec, longer = (marl_envs.make_vec(TINY, 4, max_cycles=n) for n in (30, 31))
    vec.reset(seed=5)
    longer.reset(seed=5)
    for actions in plan(vec, 30):
        *_, info = vec.step(actions)
        longer.step(actions)
    assert info["_metrics"].all()
    assert_same(info["metrics"], longer.metrics())


@pytest.mark.parametrize("when", [0, 1, 17])
def test_a_planner_can_come_at_any_time(when):
    vec, planned = marl_envs.make_vec(TINY, 4), marl_envs.make_vec(TINY, 4)
    vec.reset(seed=1)
    planned.reset(seed=1)
    GreedyPolicy().act(planned, None)
    actions = plan(vec, when)
    assert_same(batch_course(vec, actions), batch_course(planned, actions))
    np.testing.assert_array_equal(GreedyPolicy().act(vec, None), GreedyPolicy().act(planned, None))


def test_a_planner_can_come_before_the_first_reset():
    vec, other = marl_envs.make_vec(TINY, 4), marl_envs.make_vec(TINY, 4)
    vec.require_guidance()
    assert_same(vec.reset(seed=1)[0], other.reset(seed=1)[0])
    np.testing.assert_array_equal(GreedyPolicy().act(vec, None), GreedyPolicy().act(other, None))


def test_a_new_time_limit_outlives_guidance_and_copies():
    vec = marl_envs.make_vec(TINY, 2)
    vec.max_cycles = 3
    vec.require_guidance()
    vec.reset(seed=0)
    ended = [bool(vec.step(actions)[4]["ended"].all()) for actions in plan(vec, 6)]
    assert ended == [False, False, True] * 2


def test_properties_say_what_the_arrays_are():
    vec = marl_envs.make_vec(TINY, 3)
    assert (vec.num_envs, vec.num_agents, vec.num_threads) == (3, 2, 1)
    assert vec.agents == ["robot_0", "robot_1"]
    vec.agents.clear()
    assert vec.agents == ["robot_0", "robot_1"]
    assert vec.fingerprint["env"] == "warehouse_v0"
    assert vec.params.max_cycles == vec.max_cycles == 500
