"""Division of labour: specialists, generalists, and agents that differ by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.metrics import division_of_labour


def test_specialists() -> None:
    found = division_of_labour(np.tile(np.diag([5, 9, 7]), (10, 1, 1)))
    assert (found.of_tasks, found.of_agents) == pytest.approx((1.0, 1.0))
    assert found.spread == pytest.approx([0.0, 0.0, 0.0])
    assert found.p_value < 0.02
    assert found.null_mean < 0.2 < found.information


def test_generalists() -> None:
    found = division_of_labour(np.full((3, 2, 4), 6))
    assert (found.of_tasks, found.of_agents, found.information) == pytest.approx((0.0, 0.0, 0.0))
    assert found.spread == pytest.approx([1.0, 1.0])
    assert found.p_value == 1.0


def test_by_hand() -> None:
    # Agent 0 does task 0 alone, agent 1 both: H(task) of 3:1, I = H(task) - H(task | agent) = H(task) - 1/2
    found = division_of_labour([[[2, 0], [1, 1]]])
    tasks = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert found.information == pytest.approx(tasks - 0.5)
    assert found.of_tasks == pytest.approx((tasks - 0.5) / tasks)
    assert found.of_agents == pytest.approx(tasks - 0.5)
    assert math.isnan(found.p_value)  # a single episode has no null


def test_agents_that_differ_by_chance_in_every_episode_have_no_roles() -> None:
    rng = np.random.default_rng(0)
    p_values = []
    for k in range(40):
        # In every episode anew, one agent happens to do mostly one kind of task.
        counts = np.stack([rng.multinomial(10, rng.dirichlet(np.ones(3) / 3), size=2) for _ in range(8)])
        counts = np.take_along_axis(counts, np.argsort(rng.random((8, 2)), axis=1)[:, :, None], axis=1)
        p_values.append(division_of_labour(counts, permutations=99, seed=k).p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.15


def test_bad_counts_are_refused() -> None:
    with pytest.raises(ParameterError, match="counts must have 3 axes"):
        division_of_labour([[1, 2]])
    with pytest.raises(ParameterError, match="an episode, an agent and a task"):
        division_of_labour(np.zeros((0, 2, 2), int))
    assert math.isnan(division_of_labour([[[0, 0], [0, 0]]]).of_tasks)
