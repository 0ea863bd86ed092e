"""Exploration rules: strengths, what they refuse, and the way through JSON."""

import json

import pytest

from agents.exploration import Boltzmann, EpsilonGreedy, from_rule_config
from agents.schedules import Exponential, Linear
from marl_envs.core.params import ParameterError


def test_strength_follows_the_schedule():
    assert EpsilonGreedy(Linear(1.0, 0.0)).strength(0.25) == 0.75
    assert EpsilonGreedy().strength(0.0) == 0.2
    assert EpsilonGreedy().strength(0.8) == 0.0
    assert Boltzmann(2).strength(0.5) == 2.0


@pytest.mark.parametrize("rule", [EpsilonGreedy(0.3), EpsilonGreedy(), Boltzmann(Exponential(1.0, 0.01))])
def test_json_round_trip(rule):
    assert from_rule_config(json.loads(json.dumps(rule.to_config()))) == rule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EpsilonGreedy(1.1), "epsilon must be a number from 0.0 to 1.0"),
        (lambda: EpsilonGreedy(Linear(0.5, -0.5)), "epsilon must stay from 0.0 to 1.0"),
        (lambda: Boltzmann(0), "temperature must be a number"),
        (lambda: Boltzmann(Linear(1.0, 0.0)), "temperature must stay"),
        (lambda: from_rule_config({"rule": "ucb"}), "epsilon_greedy, boltzmann, not 'ucb'"),
        (lambda: from_rule_config({"rule": "boltzmann"}), "schedule kind"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
