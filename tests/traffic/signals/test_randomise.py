"""Drivers who differ from demand set to demand set."""

import copy
import pickle

import numpy as np
import pytest

import marl_envs
from marl_envs import traffic_signals_v0
from marl_envs.core.params import ParameterError
from marl_envs.traffic.signals.controllers import FixedTime
from marl_envs.traffic.signals.randomise import vector_env

PLACE = {"network": "cross", "demand": "uniform-500", "demand_sets": 3, "max_cycles": 60}


def played(vec, seed=4):
    """Return the metrics of the first episodes under fixed times."""
    policy = FixedTime(25)
    policy.reset(0)
    obs, info = vec.reset(seed=seed)
    while not info["ended"].all():
        obs, _, _, _, info = vec.step(policy.act(vec, obs))
    return {name: values.copy() for name, values in info["metrics"].items()}


def test_factors_of_one_change_nothing():
    plain = played(traffic_signals_v0.vector_env(num_envs=4, **PLACE))
    ours = played(vector_env(4, drivers={"headway": (1.0, 1.0)}, **PLACE))
    assert plain["created"].sum() > 0
    for name, values in plain.items():
        assert np.array_equal(values, ours[name], equal_nan=True), name


@pytest.mark.parametrize(("name", "factor"), [("headway", 2.0), ("max_speed", 0.5), ("max_acceleration", 0.3)])
def test_slower_drivers_take_longer(name, factor):
    plain = played(vector_env(8, drivers={}, **PLACE))["travel_time"].mean()
    assert played(vector_env(8, drivers={name: (factor, factor)}, **PLACE))["travel_time"].mean() > 1.1 * plain


def test_each_set_has_drivers_of_its_own_which_its_seed_draws():
    def tops(seed):
        vec = vector_env(1, drivers={"max_speed": (0.5, 0.9)}, drivers_seed=seed, **PLACE)
        return vec.simulation.settings.top_speed

    drawn = tops(1)
    assert len(drawn) == 3
    assert len(set(drawn)) == 3
    assert ((drawn >= 0.5 * 16.66) & (drawn <= 0.9 * 16.67)).all()
    assert np.array_equal(drawn, tops(1))
    assert not np.array_equal(drawn, tops(2))


def test_a_copy_knows_its_drivers():
    vec = vector_env(2, drivers={"headway": (0.8, 1.5)}, drivers_seed=7, **PLACE)
    assert vec.fingerprint["drivers"] == {"ranges": {"headway": [0.8, 1.5]}, "seed": 7}
    for other in (copy.deepcopy(vec), pickle.loads(pickle.dumps(vec))):
        assert other.fingerprint == vec.fingerprint
        for name, values in played(vec).items():
            assert np.array_equal(values, played(other)[name], equal_nan=True), name


def test_it_is_not_made_again_without_its_drivers():
    """Their fingerprint's parameters alone would give plain ones, and a replay of other cars."""
    vec = vector_env(1, drivers={"headway": (0.8, 1.5)}, **PLACE)
    with pytest.raises(ValueError, match=r"traffic_signals_v0 cannot be made from its parameters alone.*drivers"):
        marl_envs.from_fingerprint(vec.fingerprint)


@pytest.mark.parametrize(
    ("drivers", "said"),
    [
        ({"length": (1.0, 2.0)}, "drivers must name some of .*headway.*not 'length'"),
        ({"headway": (1.5, 1.0)}, "upper bound of headway"),
        ({"headway": (0.0, 1.0)}, "lower bound of headway"),
        ({"headway": (1.0, 1.5, 2.0)}, "two bounds"),
        ({"headway": 1.0}, "two bounds"),
    ],
)
def test_bad_ranges_are_refused(drivers, said):
    with pytest.raises(ParameterError, match=said):
        vector_env(drivers=drivers, **PLACE)
