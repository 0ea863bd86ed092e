"""Diversity by closed forms; a shared policy has none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from marl_envs.core.params import ParameterError
from marl_envs.metrics import (
    disagreement,
    diversity,
    mean_policy_change,
    policy_distances,
    total_variation,
)

POLICIES = arrays(np.float64, (3, 4, 5), elements=st.floats(0.01, 1)).map(lambda p: p / p.sum(axis=-1, keepdims=True))


def test_a_shared_policy_has_no_diversity() -> None:
    one = np.random.default_rng(0).dirichlet(np.ones(5), size=7)
    assert diversity([one, one, one]) == 0.0


def test_policies_without_a_common_action_have_all() -> None:
    apart = np.zeros((3, 2, 3))
    for a in range(3):
        apart[a, :, a] = 1.0
    assert diversity(apart) == 1.0
    apart[1] = apart[0]  # one of three pairs agrees
    assert diversity(apart) == pytest.approx(2 / 3)


@given(POLICIES)
def test_distances_are_a_metric(policies: np.ndarray) -> None:
    d = policy_distances(policies)
    assert (d >= 0).all()
    assert (d <= 1).all()
    assert np.array_equal(d, d.T)
    assert (d.diagonal() == 0).all()
    assert d[0, 2] <= d[0, 1] + d[1, 2] + 1e-12
    assert diversity(policies) == pytest.approx((d[0, 1] + d[0, 2] + d[1, 2]) / 3)


def test_total_variation_is_the_transport_under_the_0_1_metric() -> None:
    p, q = np.random.default_rng(1).dirichlet(np.ones(4), size=2)
    cost = 1.0 - np.eye(4)
    rows = np.kron(np.eye(4), np.ones(4)), np.kron(np.ones(4), np.eye(4))
    plan = linprog(cost.ravel(), A_eq=np.vstack(rows), b_eq=np.concatenate([p, q]))
    assert total_variation(p, q) == pytest.approx(plan.fun)


def test_of_greedy_policies_it_is_the_disagreement_rate() -> None:
    actions = np.random.default_rng(2).integers(3, size=(4, 200))
    assert diversity(np.eye(3)[actions]) == pytest.approx(disagreement(actions))


def test_moving_target() -> None:
    before, after = np.eye(2)[[[0, 0, 1, 1]]], np.eye(2)[[[0, 1, 1, 1]]]
    assert mean_policy_change(before, after) == 0.25
    with pytest.raises(ParameterError, match="must have the same shape"):
        mean_policy_change(before, after[:, :2])


def test_a_single_agent_and_bad_policies() -> None:
    assert math.isnan(diversity(np.ones((1, 3, 1))))
    assert math.isnan(disagreement([[0, 1]]))
    with pytest.raises(ParameterError, match=r"policies\[0, 0\] must be probabilities that sum to 1, not to 0.9"):
        diversity([[[0.4, 0.5]], [[0.5, 0.5]]])
