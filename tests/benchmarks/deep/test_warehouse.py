"""Robots that learn on networks: stages of a curriculum, and what they are measured by."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from benchmarks.deep import table
from benchmarks.deep.warehouse import EXPERIMENTS, Task

pytestmark = pytest.mark.deep


def test_every_experiment_is_a_group_of_the_table():
    assert set(table.WAREHOUSE) == set(EXPERIMENTS)
    assert {f"warehouse-{name}" for name in EXPERIMENTS} <= set(table.GROUPS)


def test_a_curriculum_takes_as_many_steps_as_none():
    """Steps of agents: as many as robots in each of the environment."""
    straight = Task("goal", 1000, num_robots=4)
    easier, same = replace(straight, curriculum=True).stages()
    assert [stage.most_steps for stage in straight.stages()] == [4000]
    assert (easier.most_steps, same.most_steps) == (1200, 2800)
    assert easier.params == {"layout": "5x5"}


def test_the_second_stage_explores_less():
    task = Task("goal", 1000, curriculum=True, num_envs=2)
    strengths = [task.learner(task.env(floor), 0).chosen.exploration.strength(0.0) for floor in ("5x5", "tiny")]
    assert strengths == [1.0, 0.2]
    alone = replace(task, curriculum=False)
    assert alone.learner(alone.env(), 0).chosen.exploration.strength(0.0) == 1.0


def test_robots_that_have_not_learned_deliver_nothing_and_the_planner_does():
    task = Task("goal", 64, num_envs=16)
    assert task.learned(seed=0, episodes=16) < 2.0
    assert task.planned(episodes=16) == pytest.approx(30.4, abs=1.0)  # docs/warehouse.md


@pytest.mark.slow
def test_a_quarter_of_a_million_steps_deliver():
    assert Task("goal", 250_000).learned(seed=5, episodes=64) > 5.0
