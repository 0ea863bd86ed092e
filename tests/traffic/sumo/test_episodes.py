"""Episodes in SUMO: seeds, ends, tables, warm-up, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from agents.tabular.policy import GreedyTable
from marl_envs.core.params import ParameterError
from marl_envs.traffic.signals.controllers import MaxPressure, RandomSignals
from marl_envs.traffic.signals.observe import TABULAR_STATES
from marl_envs.traffic.sumo import evaluate, vector_env
from tests.traffic.sumo.rilsa_files import network_file, play, route_file

RILSA = {"network": "rilsa", "demand": "rilsa", "demand_sets": 2}


@pytest.fixture
def vec():
    made = vector_env(**RILSA, max_cycles=30)
    yield made
    made.close()


def test_equal_seeds_give_equal_episodes(vec):
    first, again = play(vec, RandomSignals(), 30, seed=4), play(vec, RandomSignals(), 30, seed=4)
    other = play(vec, RandomSignals(), 30, seed=5)
    for one, two in zip(first, again, strict=True):
        for x, y in zip(one[:4], two[:4], strict=True):
            np.testing.assert_array_equal(x, y)
    assert any((one[0] != two[0]).any() for one, two in zip(first, other, strict=True))


def test_the_end(vec):
    steps = play(vec, RandomSignals(), 30)
    assert [bool(step[3].all()) for step in steps] == [False] * 29 + [True]
    info = steps[-1][4]
    for name, value in vec.metrics().items():
        np.testing.assert_array_equal(info["metrics"][name], value, name)
    np.testing.assert_array_equal(info["final_obs"], steps[-1][0])
    with pytest.raises(RuntimeError, match="the episode has ended: call reset"):
        vec.step(np.zeros((1, 1), np.int64))


def test_a_table_plays_as_it_would_in_our_simulation():
    table = GreedyTable(np.zeros((1, TABULAR_STATES, 2), np.float32))
    task = {"observation": "tabular", "actions": "fullest", "max_cycles": 30}
    found = evaluate(table, "rilsa", "rilsa", demand_sets=1, isolated=False, **task)
    assert found.metrics["masked_actions"][0] == 0
    assert found.metrics["switches"][0] > 0
    assert found.metrics["throughput"][0] > 50


def test_a_warm_up_fills_the_roads():
    vec = vector_env(**RILSA, warmup=120.0, max_cycles=10)
    try:
        vec.reset(seed=1)
        assert vec.arrays.step[0] == 120
        assert vec.metrics()["driving"][0] > 20
        assert vec.arrays.cycle[0] == 0
    finally:
        vec.close()


def test_one_simulation_at_a_time(vec):
    vec.reset(seed=0)
    with pytest.raises(RuntimeError, match="SUMO runs already in this process"):
        evaluate(MaxPressure(), "rilsa", "rilsa", demand_sets=1, max_cycles=2, isolated=False)
    vec.close()
    evaluate(MaxPressure(), "rilsa", "rilsa", demand_sets=1, max_cycles=2, isolated=False)


def test_a_vehicle_that_sumo_refuses_ends_the_run_with_its_reason(tmp_path):
    path = route_file(tmp_path)
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace('departSpeed="0.0"', 'departSpeed="99"', 1))
    with pytest.raises(RuntimeError, match="SUMO stopped: Departure speed for vehicle '0' is too high"):
        evaluate(MaxPressure(), network_file(), path, max_cycles=20, isolated=False)


def test_what_sumo_refuses_is_an_error_with_its_reason():
    with pytest.raises(ParameterError, match="SUMO does not start: Could not parse commandline options"):
        evaluate(MaxPressure(), **RILSA, max_cycles=2, isolated=False, options=("--no-such-option", "1"))
    found = evaluate(MaxPressure(), **RILSA, max_cycles=2, isolated=False)  # it can be started again
    assert found.metrics["episode_length"][0] == 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": "cross"}, "network must be rilsa or a file of SUMO's"),
        ({"demand": "flow.json"}, "demand must be a name or a file of SUMO's routes"),
        ({"dt": 0.0625, "decision_interval": 10.0}, "dt must be a multiple of 0.001 s"),
        ({"mask": "obs"}, 'mask "obs" is for PettingZoo'),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ParameterError, match=message):
        vector_env(**{**RILSA, **parameters})


def test_bad_arguments_of_evaluate():
    with pytest.raises(ParameterError, match='policy must be a policy or "program"'):
        evaluate("fixed", "rilsa", "rilsa")
    with pytest.raises(ParameterError, match="episodes must be"):
        evaluate(MaxPressure(), "rilsa", "rilsa", episodes=0)
    with pytest.raises(ParameterError, match="policy must be a policy"):
        evaluate(3, "rilsa", "rilsa")
    with pytest.raises(ParameterError, match="seed must be an integer from 0 to 2147483645"):
        evaluate(MaxPressure(), "rilsa", "rilsa", seed=2**31 - 2, episodes=2)
    with pytest.raises(ParameterError, match="seed must be an integer"):
        evaluate(MaxPressure(), "rilsa", "rilsa", seed="first")
    with pytest.raises(ParameterError, match="demand must be a name or a path"):
        evaluate(MaxPressure(), "rilsa", None)


def test_no_snapshots_and_no_copies(vec):
    vec.reset(seed=0)
    with pytest.raises(NotImplementedError, match="no snapshots"):
        vec.get_state()
    with pytest.raises(NotImplementedError, match="no snapshots"):
        vec.set_state(None)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(vec)
