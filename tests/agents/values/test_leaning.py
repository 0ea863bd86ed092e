"""SARSA(lambda) that leans on a rule: the two ends, where it leaves the rule, and what it refuses."""

import numpy as np
import pytest

from agents import EpsilonGreedy, LeaningSarsaLambda, SarsaLambda, evaluate, train
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

RATES = {"alpha": 0.3, "gamma": 0.9, "seed": 1}


def rule_of(vec) -> list[int]:
    """Return an action for each state: one after the other in turn."""
    return [s % int(vec.action_space.n) for s in range(int(vec.observation_space.n))]


def leaning(vec, lean: float, **changes) -> LeaningSarsaLambda:
    return LeaningSarsaLambda(vec, **{"preferred": rule_of(vec), "lean": lean, **RATES, **changes})


def test_without_a_lean_it_is_sarsa_lambda():
    vec = Corridor()
    learners = leaning(vec, 0.0), SarsaLambda(vec, **RATES)
    for learner in learners:
        train(learner, Corridor(), 600, seed=3, progress=False)
    assert learners[0].q.any()
    np.testing.assert_array_equal(learners[0].q, learners[1].q)


def test_with_a_strong_one_it_is_the_rule():
    vec = Corridor()
    learner = leaning(vec, 1e6, exploration=EpsilonGreedy(0.0))
    learner.q[...] = np.random.default_rng(0).normal(size=learner.q.shape)
    obs = np.zeros((vec.num_envs, vec.num_agents), np.int32)
    rule = rule_of(vec)
    for s in range(len(rule)):
        obs[...] = s
        assert (learner.act(obs) == rule[s]).all()
        assert (learner.greedy().choose(obs, None) == rule[s]).all()


def test_it_leaves_the_rule_where_its_values_differ_by_more_than_the_lean():
    vec = Corridor()
    learner, rule = leaning(vec, 0.5), rule_of(vec)
    obs = np.zeros((vec.num_envs, vec.num_agents), np.int32)
    other = (rule[0] + 1) % int(vec.action_space.n)
    for more, chosen in ((0.4, rule[0]), (0.6, other)):
        learner.q[:, 0] = 0.0
        learner.q[:, 0, other] = more
        assert (learner.act(obs, explore=False) == chosen).all()
        assert (learner.greedy().choose(obs, None) == chosen).all()
    mask = np.ones((vec.num_envs, vec.num_agents, int(vec.action_space.n)), np.int8)
    mask[..., other] = 0  # what is forbidden is left alone, whatever it promises
    assert (learner.act(obs, mask, explore=False) == rule[0]).all()


def test_a_saved_one_plays_the_same(tmp_path):
    learner = leaning(Corridor(), 0.2)
    train(learner, Corridor(), 400, seed=3, progress=False)
    learner.save(tmp_path / "learner.npz")
    loaded = LeaningSarsaLambda.load(tmp_path / "learner.npz", Corridor())
    assert loaded.preferred == learner.preferred
    np.testing.assert_array_equal(loaded.choosing, learner.choosing)
    assert evaluate(loaded, Corridor(), 8, 5) == evaluate(learner, Corridor(), 8, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lean": -0.1}, "lean must be a number from 0"),
        ({"preferred": [0, 1]}, "preferred must have an action for each of . states, not 2"),
        ({"preferred": [0] * 5 + [3]}, r"preferred\[5\] must be an action from 0 to 2, not 3"),
        ({"preferred": [0] * 5 + [1.0]}, r"preferred\[5\] must be an action from 0 to 2, not 1.0"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        leaning(Corridor(), **{"lean": 0.1, **changes})
