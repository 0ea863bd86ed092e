"""The PettingZoo face: what goes beyond the promises that the conformance test checks for every environment."""

import numpy as np
import pytest

import marl_envs
from marl_envs.warehouse.planner import GreedyPolicy
from tests.conformance.play import assert_same, differ, joint, plan, walk

TINY = "marl_envs/warehouse-tiny-2ag-v0"


def greedy_course(env, steps):
    policy, shown = GreedyPolicy(), []
    for _ in range(steps):
        shown.append(policy.act(env.vec, None)[0].tolist())
        env.step(joint(env, np.array(shown[-1])))
    return shown


def test_a_planner_sees_the_same_on_both_faces():
    """It asks the batch below for targets, which from then on must be kept up by the face's own steps."""
    env, vec = marl_envs.make(TINY), marl_envs.make_vec(TINY)
    policy = GreedyPolicy()
    env.reset(seed=3)
    obs, _ = vec.reset(seed=3)
    chosen = []
    for _ in range(120):
        chosen.append(policy.act(vec, obs)[0].tolist())
        obs, *_ = vec.step(np.array([chosen[-1]]))
    assert greedy_course(env, 120) == chosen
    assert env.metrics()["deliveries"] == vec.metrics()["deliveries"][0] > 0


def test_a_frame_and_a_planner_do_not_disturb_each_other():
    env, looked_at = marl_envs.make(TINY), marl_envs.make(TINY)
    env.reset(seed=3)
    looked_at.reset(seed=3)
    looked_at.frame()
    for _ in range(40):
        assert greedy_course(env, 1) == greedy_course(looked_at, 1)
        looked_at.frame()


def test_frames_are_copies_of_the_present():
    env = marl_envs.make(TINY)
    env.reset(seed=1)
    first = env.frame()
    kept = {key: value.copy() for key, value in first.items()}
    for _ in walk(env, 9):
        pass
    assert_same(first, kept)
    assert differ(env.frame(), kept)
    assert int(env.frame()["step"]) == 9


def test_turns_and_joint_steps_are_the_same_game():
    from marl_envs import warehouse_v0

    turns = warehouse_v0.env(layout="tiny", max_cycles=15)
    env = warehouse_v0.parallel_env(layout="tiny", max_cycles=15)
    turns.reset(seed=2)
    obs, _ = env.reset(seed=2)
    for row in plan(env.vec, 15)[:, 0]:
        for agent in env.possible_agents:
            assert turns.agent_selection == agent
            np.testing.assert_array_equal(turns.observe(agent), obs[agent])
            turns.step(joint(env, row)[agent])
        obs, _, _, truncations, _ = env.step(joint(env, row))
        assert turns.truncations == truncations
    assert not env.agents
    for agent in env.possible_agents:
        assert turns.last()[3]
        turns.step(None)
        assert agent not in turns.agents


def test_parameters_are_frozen():
    env = marl_envs.make(TINY)
    with pytest.raises(AttributeError):
        env.params.layout = "small"


def test_an_error_names_the_agent_and_not_the_buffer():
    env = marl_envs.make(TINY)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action of robot_1 must be in 0\.\.4, not 1099511627776"):
        env.step({"robot_0": 0, "robot_1": 2**40})
    with pytest.raises(TypeError, match="action of robot_0 must be an integer, not None"):
        env.step({"robot_0": None, "robot_1": 2**40})
