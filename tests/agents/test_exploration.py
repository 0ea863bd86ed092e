"""Exploration rules: strengths, what they refuse, and the way through JSON."""

import json

import numpy as np
import pytest

from agents import IndependentQLearning, train
from agents.exploration import UCB1, Boltzmann, EpsilonGreedy, Optimistic, from_rule_config
from agents.schedules import Exponential, Linear
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor


def test_strength_follows_the_schedule():
    assert EpsilonGreedy(Linear(1.0, 0.0)).strength(0.25) == 0.75
    assert EpsilonGreedy().strength(0.0) == 0.2
    assert EpsilonGreedy().strength(0.8) == 0.0
    assert Boltzmann(2).strength(0.5) == 2.0


@pytest.mark.parametrize(
    "rule", [EpsilonGreedy(0.3), EpsilonGreedy(), Boltzmann(Exponential(1.0, 0.01)), UCB1(), Optimistic(2.5)]
)
def test_json_round_trip(rule):
    assert from_rule_config(json.loads(json.dumps(rule.to_config()))) == rule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EpsilonGreedy(1.1), "epsilon must be a number from 0.0 to 1.0"),
        (lambda: EpsilonGreedy(Linear(0.5, -0.5)), "epsilon must stay from 0.0 to 1.0"),
        (lambda: Boltzmann(0), "temperature must be a number"),
        (lambda: Boltzmann(Linear(1.0, 0.0)), "temperature must stay"),
        (lambda: from_rule_config({"rule": "ucb"}), "epsilon_greedy, boltzmann, ucb1, optimistic, not 'ucb'"),
        (lambda: from_rule_config({"rule": "boltzmann"}), "schedule kind"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


def ucb_choices(width, rewards, steps):
    """What UCB1 does in a world of one state that pays `rewards` by action, with values that are means."""
    from agents.tabular.kernels import OK, act_ucb1, count_tries

    q, tries = np.zeros((1, 1, len(rewards)), np.float32), np.zeros((1, 1, len(rewards)), np.int64)
    mask, obs = np.ones((1, 1, len(rewards)), np.int8), np.zeros((1, 1), np.int32)
    actions, rng, chosen = np.zeros((1, 1), np.int64), np.array([5], np.uint64), []
    for _ in range(steps):
        before = tries.copy()
        assert act_ucb1(q, tries, obs, mask, rng, width, actions) == OK
        count_tries(tries, obs, actions, np.ones((1, 1), bool))
        chosen.append((int(actions[0, 0]), q[0, 0].astype(float), before[0, 0]))
        q[0, 0, actions[0, 0]] = rewards[int(actions[0, 0])]
    return chosen


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_ucb1_chooses_the_highest_bound():
    chosen = ucb_choices(0.7, [0.2, 0.5, 0.4], 60)
    assert sorted(action for action, _, _ in chosen[:3]) == [0, 1, 2]  # what was not tried comes first
    for action, q, tries in chosen[3:]:
        bounds = q + 0.7 * np.sqrt(np.log(tries.sum()) / tries)
        assert bounds[action] == pytest.approx(bounds.max())
    counts = np.bincount([action for action, _, _ in chosen])
    assert counts[1] > counts[2] > counts[0] > 1


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_ucb1_learns_the_corridor_and_its_counts_are_saved(tmp_path):
    vec = Corridor(num_envs=4)
    learner = IndependentQLearning(vec, alpha=0.5, gamma=0.9, exploration=UCB1(1.0), seed=1)
    train(learner, vec, 4000, seed=0, progress=False)
    assert (learner.q[0, 1:5].argmax(axis=1) == 2).all()
    assert learner.q[0, 0, 2] > learner.q[0, 0, 0]
    assert 1000 < learner.tries.sum() < 4000  # not of agents that have finished
    assert (learner.tries[0, :5][learner.q[0, :5] != 0] > 1).all()
    learner.save(tmp_path / "a.npz")
    np.testing.assert_array_equal(IndependentQLearning.load(tmp_path / "a.npz", vec).tries, learner.tries)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_optimism_tries_everything_without_any_exploration():
    tables = []
    for exploration in (Optimistic(2.0), Optimistic(-5.0)):
        vec = Corridor(num_envs=2, mask=False)
        learner = IndependentQLearning(vec, alpha=0.5, gamma=0.9, exploration=exploration, seed=1)
        start = learner.q.copy()
        train(learner, vec, 4000, seed=0, progress=False)
        tables.append((learner.q[0, :5] != start[0, :5]).mean())
    assert tables[0] == 1.0
    assert tables[1] < 0.7  # where all is better than hoped for, the first action that was tried stays the best
    assert (IndependentQLearning(Corridor(), exploration=Optimistic(2.0)).q == 2.0).all()
