"""What the rule does at each label, against the rule itself at all numbers that have the label."""

from agents import LeaningSarsaLambda, evaluate
from marl_envs import traffic_signals_v0
from marl_envs.traffic.signals.controllers import Threshold
from marl_envs.traffic.signals.labels import threshold_actions


def test_every_label_decides_as_the_rule_does():
    actions = threshold_actions()
    seen = set()
    for here in range(60):
        for there in range(120):
            ratio = sum(there > times * max(here, 0.5) for times in (1, 1.5, 2, 2.5, 3, 4, 6))
            label = ratio * 6 + sum(here >= step for step in (1, 3, 5, 8, 12))
            seen.add(label)
            changes = there > 3 * here or (here <= 2 and there > here)
            assert {actions[load * 48 + label] for load in range(6)} == {int(changes)}, (here, there)
    assert len(seen) == 45  # nobody here: the ratio is 0, 2, 4 ... and falls into three bins never


def test_there_is_an_action_for_each_label():
    vec = traffic_signals_v0.vector_env(1, observation="tabular_load", actions="fullest")
    assert len(threshold_actions()) == vec.observation_space.n == 288


def test_a_learner_that_leans_on_the_rule_begins_as_the_rule():
    vec = traffic_signals_v0.vector_env(
        2, demand=["uniform-200", "uniform-700"], demand_sets=2, observation="tabular_load", actions="fullest"
    )
    learner = LeaningSarsaLambda(vec, preferred=threshold_actions(), lean=0.2)
    played = [[one["travel_time"] for one in evaluate(policy, vec, 4, 3)] for policy in (learner, Threshold())]
    assert played[0] == played[1]
    assert len(set(played[0])) > 1
