"""PIBT for compass moves: no conflict ever, nobody starves, and as many tasks as published programs do."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.errands.pibt import PIBTPolicy
from tests.warehouse.errands.planning import kiva_rate, least_errands, played, refused, step, teams

few = settings(max_examples=60 if ENABLED else 3, deadline=None)
compiled = pytest.mark.skipif(not ENABLED, reason="plain Python is too slow")

# Tasks per step on the Kiva floor, of an independent PIBT in plain Python, 1,000 steps.
KIVA = {60: 1.86, 100: 2.43, 140: 2.57}


@few
@given(teams(moves="compass"), st.integers(0, 2**32))
def test_nobody_ever_meets(vec, seed):
    policy = PIBTPolicy(seed)
    for _ in range(40):
        step(vec, policy.act(vec, None))
        assert refused(vec) == 0


@few
@given(teams(moves="compass", collision="all_wait"), st.integers(0, 2**32))
def test_the_strictest_rule_never_stops_it(vec, seed):
    policy = PIBTPolicy(seed)
    for _ in range(20):
        step(vec, policy.act(vec, None))
        assert refused(vec) == 0


@compiled
@pytest.mark.parametrize(
    ("floor", "robots"), [("empty-4x4", 15), ("empty-6x7", 30), ("empty-2x3", 5), ("aisles-2x2", 60)]
)
def test_nobody_starves_where_there_are_no_dead_ends(floor, robots):
    assert least_errands(PIBTPolicy(), floor, robots, 600) >= 2


@compiled
@pytest.mark.parametrize("robots", KIVA)
def test_as_many_tasks_as_elsewhere(robots):
    assert kiva_rate(PIBTPolicy(), robots, "compass") == pytest.approx(KIVA[robots], rel=0.05)


def test_a_robot_alone_takes_the_shortest_way():
    vec = errands_v0.vector_env(4, floor="random-9x9-35-1", num_robots=1, goals="anywhere", max_cycles=300)
    obs, _ = vec.reset(seed=0)
    policy = PIBTPolicy()
    for _ in range(200):
        obs, *_ = vec.step(policy.act(vec, obs))
    assert vec.arrays.tally[:, :, 10].min() >= 5
    assert (vec.arrays.travelled == vec.arrays.shortest_sum).all()


def test_the_seed_alone_decides():
    policy = PIBTPolicy(7)
    first = played(policy, "compass")
    policy.reset(7)
    assert played(policy, "compass") == first
    assert played(PIBTPolicy(7), "compass", envs=1) == first
    assert played(PIBTPolicy(8), "compass") != first


def test_a_policy_goes_from_one_batch_to_another():
    policy = PIBTPolicy()
    for floor, robots in (("empty-3x3", 8), ("empty-9x9", 8), ("empty-3x3", 4)):
        vec = errands_v0.vector_env(2, floor=floor, num_robots=robots, goals="anywhere")
        vec.reset(seed=0)
        for _ in range(10):
            step(vec, policy.act(vec, None))


def test_copies_go_on_alike():
    vec = errands_v0.vector_env(2, floor="empty-4x4", num_robots=9, goals="anywhere")
    vec.reset(seed=0)
    policy = PIBTPolicy()
    for _ in range(5):
        step(vec, policy.act(vec, None))
    others = [copy.deepcopy((vec, policy)), pickle.loads(pickle.dumps((vec, policy)))]
    for _ in range(5):
        actions = policy.act(vec, None)
        step(vec, actions)
        for other, twin in others:
            assert (twin.act(other, None) == actions).all()
            step(other, actions)


def test_it_says_for_which_moves_it_plans():
    vec = errands_v0.vector_env(1, floor="empty-3x3", num_robots=2, goals="anywhere", moves="rotate")
    vec.reset(seed=0)
    with pytest.raises(ParameterError, match='PIBTPolicy plans for moves="compass"'):
        PIBTPolicy().act(vec, np.zeros(0))
