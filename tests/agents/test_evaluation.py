"""Evaluation: which episodes count, that nothing is disturbed, and what is refused."""

import numpy as np
import pytest

from agents import IndependentQLearning, evaluate
from agents.history import Evaluation, History
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import COST, Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


class Always:
    """The policy that always takes one action."""

    def __init__(self, action):
        self.action, self.seeds = action, []

    def reset(self, seed):
        self.seeds.append(seed)

    def act(self, vec, obs):
        return np.full((vec.num_envs, vec.num_agents), self.action)


def walker(vec):
    """A learner that knows the exact values."""
    learner = IndependentQLearning(vec)
    learner.q[0] = vec.optimal_q(0.99)
    return learner


@pytest.mark.parametrize("episodes", [1, 3, 4, 6, 9])
def test_the_number_of_episodes_is_exact(episodes):
    policy = Always(0)
    results = evaluate(policy, Corridor(num_envs=4), episodes, seed=5)
    assert len(results) == episodes
    assert policy.seeds == [5]
    assert all(one["episode_length"] == 20 and one["return"] == 2 * 20 * COST for one in results)
    assert all(np.isnan(one["mean_arrival"]) for one in results)


def test_each_row_plays_its_share_so_short_episodes_are_not_favoured():
    """With 2 rows and 4 episodes each row counts twice, though one row may play more in the time."""
    vec = Corridor(num_envs=2, num_agents=1, length=9, max_cycles=50)
    lengths = [one["episode_length"] for one in evaluate(walker(vec), vec, 8, seed=1)]
    alone = []
    for row in range(2):
        vec.reset(seed=1)
        found = []
        while len(found) < 4:
            *_, info = vec.step(np.full((2, 1), 2))
            if info["_metrics"][row]:
                found.append(info["metrics"]["episode_length"][row])
        alone += found
    assert lengths == alone
    assert len(set(lengths)) > 2


def test_a_learner_plays_greedily_and_keeps_everything():
    vec = Corridor()
    learner = walker(vec)
    before, rng, steps = learner.q.copy(), learner.rng.copy(), learner.steps
    results = evaluate(learner, Corridor(), 8, seed=0)
    assert all(one["arrivals"] == 2 for one in results)
    assert results == evaluate(learner, Corridor(), 8, seed=0)
    np.testing.assert_array_equal(learner.q, before)
    np.testing.assert_array_equal(learner.rng, rng)
    assert learner.steps == steps


def test_any_batch_size_serves():
    learner = walker(Corridor(num_envs=4))
    assert len(evaluate(learner, Corridor(num_envs=7), 7, seed=0)) == 7


def test_random_ties_follow_the_seed():
    learner = IndependentQLearning(Corridor())  # all values are equal: a random walk
    first, again, other = (evaluate(learner, Corridor(), 8, seed=seed) for seed in (1, 1, 2))
    assert repr(first) == repr(again)
    assert repr(first) != repr(other)


def test_another_environment_is_refused_unless_asked_for():
    learner = walker(Corridor(max_cycles=20))
    with pytest.raises(ParameterError, match=r"params\.max_cycles is 20 there, 40 here"):
        evaluate(learner, Corridor(max_cycles=40), 4, seed=0)
    assert len(evaluate(learner, Corridor(max_cycles=40), 4, seed=0, transfer=True)) == 4
    with pytest.raises(ValueError, match=r"observations must be in \[0, 6\)"):
        evaluate(learner, Corridor(length=40), 4, seed=0, transfer=True)


def test_separate_tables_refuse_another_number_of_agents():
    learner = IndependentQLearning(Corridor(num_agents=2), share_table=False)
    with pytest.raises(ValueError, match="tables for 2 agents, but obs has 3"):
        evaluate(learner, Corridor(num_agents=3), 4, seed=0, transfer=True)


def test_no_episodes_are_refused():
    with pytest.raises(ParameterError, match="episodes must be an integer at least 1, not 0"):
        evaluate(Always(0), Corridor(), 0, seed=0)


def test_means_leave_out_what_is_undefined():
    one = Evaluation(0, [{"a": 1.0, "b": np.nan}, {"a": 3.0, "b": np.nan}, {"a": np.nan, "b": np.nan}])
    assert one.mean("a") == 2.0
    assert np.isnan(one.mean("b"))
    with pytest.raises(KeyError, match="no metric 'c'; there are a, b"):
        one.mean("c")


def test_histories_compare_by_value():
    def history(value, cpu_seconds):
        return History(10, 10, [Evaluation(0, [{"a": value}])], cpu_seconds)

    assert history(float("nan"), 1.0) == history(float("nan"), 2.0)
    assert history(1.0, 1.0) != history(2.0, 1.0)
    assert history(1.0, 1.0) != "history"
    assert History.from_config(history(1.0, 3.0).to_config()) == history(1.0, 0.0)
