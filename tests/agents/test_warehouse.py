"""The learners in a real environment: warehouse robots on a small floor."""

import numpy as np
import pytest

from agents import CheckpointError, IndependentQLearning, SharedRewardQLearning, evaluate, train
from marl_envs import warehouse_v0
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.running import after

pytestmark = pytest.mark.skipif(not jit.ENABLED, reason="trains for too many steps for plain Python")


def floor(num_envs=64, **parameters):
    return warehouse_v0.vector_env(
        num_envs=num_envs, **{"layout": "5x5", "observation": "tabular", "max_cycles": 100, **parameters}
    )


@pytest.mark.parametrize(("kind", "reward"), [(IndependentQLearning, "individual"), (SharedRewardQLearning, "team")])
def test_learning_delivers_many_times_what_chance_does(kind, reward):
    vec = floor(reward=reward)
    learner = kind(vec, seed=0)
    history = train(
        learner, vec, 3_000_000, seed=0, eval_every=3_000_000, eval_env=floor(reward=reward), progress=False
    )
    first, last = (one.mean("deliveries") for one in history.evaluations)
    assert last > 2.0
    assert last > 10 * first


@pytest.mark.parametrize("cut", [1, 40, 137])
def test_a_resumed_training_has_the_same_bits(tmp_path, cut):
    def run(**options):
        vec = floor(num_envs=8)
        learner = IndependentQLearning(vec, seed=3)
        return (
            learner,
            vec,
            train(learner, vec, 3000, seed=5, eval_every=640, eval_episodes=8, progress=False, **options),
        )

    whole, path = run(), tmp_path / "robots.npz"
    run(checkpoint=path, stop=after(cut))
    resumed = run(checkpoint=path, resume=True)
    np.testing.assert_array_equal(whole[0].q, resumed[0].q)
    np.testing.assert_array_equal(whole[0].rng, resumed[0].rng)
    assert whole[2] == resumed[2]
    ours, theirs = whole[1].get_state(), resumed[1].get_state()
    for name, array in ours.arrays.items():
        np.testing.assert_array_equal(array, theirs.arrays[name], err_msg=name)


def test_training_does_not_depend_on_evaluations():
    tables = []
    for options in ({}, {"eval_every": 640, "eval_episodes": 4}):
        vec = floor(num_envs=8)
        learner = IndependentQLearning(vec)
        train(learner, vec, 3000, seed=5, progress=False, **options)
        tables.append(learner.q)
    assert tables[0].any()
    np.testing.assert_array_equal(*tables)


def test_a_table_remembers_its_environment(tmp_path):
    learner = IndependentQLearning(floor())
    learner.save(tmp_path / "robots.npz")
    IndependentQLearning.load(tmp_path / "robots.npz", floor(num_envs=1))
    with pytest.raises(CheckpointError, match=r"params\.num_robots is 2 there, 3 here"):
        IndependentQLearning.load(tmp_path / "robots.npz", floor(num_robots=3))
    with pytest.raises(ParameterError, match=r"params\.max_cycles is 100 there, 50 here"):
        evaluate(learner, floor(max_cycles=50), 1, seed=0)


def test_environments_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match='observation="tabular"'):
        IndependentQLearning(floor(observation="flattened"))
    with pytest.raises(ParameterError, match='reward="team"'):
        SharedRewardQLearning(floor(reward="two_stage"))
    with pytest.raises(ParameterError, match="use SharedRewardQLearning"):
        IndependentQLearning(floor(reward="team"))
