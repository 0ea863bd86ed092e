"""What policies say they expect of each action, for viewers: the entries of their tables."""

import numpy as np

from agents import IndependentQLearning, train
from agents.multi import CentralQLearning, HystereticQLearning
from agents.tabular.policy import GreedyTable, values_in
from marl_envs import matrix_v0
from marl_envs.core.policy import Explains


def test_values_are_the_rows_of_the_agents_own_tables():
    q = np.arange(2 * 3 * 2, dtype=np.float32).reshape(2, 3, 2)  # two agents, three rows, two actions
    found = values_in(q, np.array([[0, 2], [1, 1]]), [3])
    assert found.tolist() == [[[0, 1], [10, 11]], [[2, 3], [8, 9]]]


def test_values_of_several_tables_are_summed():
    q = np.array([[[1.0], [2.0], [30.0], [40.0], [50.0]]], np.float32)  # two rows, then three
    assert values_in(q, np.array([[[1, 0], [0, 2]]]), [2, 3]).tolist() == [[[32.0], [51.0]]]


def test_greedy_plays_what_it_says_promises_most_and_says_nothing_of_what_is_forbidden():
    vec = matrix_v0.vector_env(num_envs=3, game="climbing")
    learner = IndependentQLearning(vec, alpha=0.1, gamma=0.0, seed=0)
    train(learner, vec, 3000, seed=0, progress=False)
    policy = learner.greedy()
    obs, _ = vec.reset(seed=1)
    assert isinstance(policy, Explains)
    assert (policy.values(vec, obs).argmax(axis=2) == policy.act(vec, obs)).all()
    masked = np.array(vec.action_mask)
    masked[:, :, 1] = 0
    fake = type("Masked", (), {"action_mask": masked})
    assert np.isnan(policy.values(fake, obs)[:, :, 1]).all()
    assert not np.isnan(policy.values(fake, obs)[:, :, 0]).any()


def test_teams_say_what_their_agents_tables_hold_and_nothing_of_joint_actions():
    vec = matrix_v0.vector_env(num_envs=2, game="climbing", reward="team")
    obs, _ = vec.reset(seed=0)
    own, joint = HystereticQLearning(vec, seed=0), CentralQLearning(vec, seed=0)
    own.q[:] = np.arange(own.q.size, dtype=np.float32).reshape(own.q.shape)
    assert own.greedy().values(vec, obs)[0, 0].tolist() == own.q[0, 0].tolist()
    assert np.isnan(joint.greedy().values(vec, obs)).all()
    assert isinstance(GreedyTable(own.q), Explains)
