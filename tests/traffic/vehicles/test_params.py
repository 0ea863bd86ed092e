"""Bad input: clear errors that name what is wrong and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.params import ParameterError


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"layout": "crossing"}, "layout must be one of cross, tee"),
        ({"layout": "cross-4"}, "layout must be one of"),
        ({"layout": 3}, "layout must be a name"),
        ({"num_vehicles": 0}, "num_vehicles must be an integer from 1 to 1000"),
        ({"arrivals": "twice"}, "arrivals must be one of 'once', 'flow'"),
        ({"within": -1.0}, "within must be a number from 0"),
        ({"flow": float("nan"), "arrivals": "flow"}, "flow must be a number"),
        ({"background": 1.0}, "background must be a number from 0.0 to 0.99"),
        ({"turns": (1, 1)}, "turns must be the shares"),
        ({"turns": (0, 0, 0)}, "turns must not all be 0"),
        ({"turns": (-1, 1, 1)}, "turns must be a number from 0"),
        ({"length": 10.0}, "length must be a number from 30"),
        ({"speed": 0.0}, "speed must be a number from 1.0"),
        ({"dt": 0.3}, "decision_interval must be a multiple of dt"),
        ({"dt": 1.0}, "dt must be at most decision_interval"),
        ({"clear_time": 1.1}, "clear_time must be a multiple of dt"),
        ({"brake": 5.0}, "brake must be at most hard_brake"),
        ({"reward_weights": {"speed": 1.0}}, "reward_weights' terms must be one of 'progress'"),
        ({"reward_weights": {}}, "reward_weights must be a dict"),
        ({"altruism": 1.5}, "altruism must be a number from 0.0 to 1.0"),
        ({"demand": "much"}, 'demand must be None, "rilsa", or a file'),
        ({"demand": "flow.json"}, 'a file as demand goes with arrivals="flow"'),
        ({"demand": "flow.json", "arrivals": "flow"}, "flow.json"),
        ({"demand": "rilsa"}, r"layout=\"rilsa1\" of vehicles\), not with 'cross', which has other roads"),
        ({"actions": "continuous", "mask_unsafe": True}, "mask_unsafe must not be True"),
        ({"actions": "continuous", "mask": "obs"}, "mask must not be 'obs'"),
        ({"observation": "tabular", "noise": 0.1}, "noise must be 0"),
        ({"right_of_way": "left"}, "right_of_way must be one of"),
        ({"capacity": 0}, "capacity must be an integer"),
    ],
)
def test_a_bad_parameter_is_refused(chosen, message):
    with pytest.raises(ParameterError, match=message):
        intersection_v0.parallel_env(**chosen)


def _network(tmp_path: Path, change) -> str:
    """Write a CityFlow network of one junction between two roads, after `change` has spoilt it."""
    point = {"x": 0, "y": 0}
    lane = {"width": 3.0, "maxSpeed": 10.0}
    link = {
        "type": "go_straight",
        "startRoad": "a",
        "endRoad": "b",
        "laneLinks": [{"startLaneIndex": 0, "endLaneIndex": 0, "points": []}],
    }
    made = {
        "intersections": [
            {"id": "A", "point": {"x": -100, "y": 0}, "width": 0, "roads": ["a"], "roadLinks": [], "virtual": True},
            {
                "id": "J",
                "point": point,
                "width": 5,
                "roads": ["a", "b"],
                "roadLinks": [link],
                "virtual": False,
                "trafficLight": {"roadLinkIndices": [0], "lightphases": [{"time": 5, "availableRoadLinks": [0]}]},
            },
            {"id": "B", "point": {"x": 100, "y": 0}, "width": 0, "roads": ["b"], "roadLinks": [], "virtual": True},
        ],
        "roads": [
            {
                "id": "a",
                "points": [{"x": -100, "y": 0}, point],
                "lanes": [lane],
                "startIntersection": "A",
                "endIntersection": "J",
            },
            {
                "id": "b",
                "points": [point, {"x": 100, "y": 0}],
                "lanes": [lane],
                "startIntersection": "J",
                "endIntersection": "B",
            },
        ],
    }
    change(made)
    path = tmp_path / "roadnet.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return str(path)


def _flow(tmp_path: Path, route: list[str]) -> str:
    vehicle = {
        "length": 5.0,
        "width": 2.0,
        "maxPosAcc": 2.0,
        "maxNegAcc": 4.5,
        "usualPosAcc": 2.0,
        "usualNegAcc": 4.5,
        "minGap": 2.5,
        "maxSpeed": 10.0,
        "headwayTime": 2.0,
    }
    flow = [{"vehicle": vehicle, "route": route, "interval": 5.0, "startTime": 0, "endTime": 100}]
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(flow), encoding="utf-8")
    return str(path)


def test_a_file_is_played(tmp_path: Path):
    network, demand = _network(tmp_path, lambda made: None), _flow(tmp_path, ["a", "b"])
    vec = intersection_v0.vector_env(2, layout=network, arrivals="flow", demand=demand, num_vehicles=3)
    vec.reset(seed=0)
    for _ in range(80):
        vec.step(np.ones((2, 3), int))
    assert (vec.metrics()["arrived"] > 3).all()


@pytest.mark.parametrize(
    ("change", "route", "message"),
    [
        (lambda made: None, ["a", "c"], "c"),
        (lambda made: made["roads"][1]["points"].__setitem__(1, {"x": 0, "y": 0}), ["a", "b"], "'b'"),
        (lambda made: made["intersections"][1]["roadLinks"][0].update(endRoad="a"), ["a", "b"], "road link 0"),
        (
            lambda made: made["intersections"][1]["roadLinks"][0]["laneLinks"][0].update(startLaneIndex=1),
            ["a", "b"],
            "names lane 1",
        ),
        (lambda made: None, ["b", "a"], "route|connect|way"),
    ],
    ids=["missing road", "zero length", "impossible turn", "missing lane", "unreachable"],
)
def test_a_bad_file_is_refused(tmp_path: Path, change, route, message):
    network, demand = _network(tmp_path, change), _flow(tmp_path, route)
    with pytest.raises(ParameterError, match=message):
        intersection_v0.parallel_env(layout=network, arrivals="flow", demand=demand)


def test_accelerations_are_checked_before_anything_changes():
    env = intersection_v0.parallel_env(actions="continuous", num_vehicles=2)
    env.reset(seed=0)
    before = env.get_state().arrays
    good = {agent: np.array([0.5], np.float32) for agent in env.agents}
    for bad, error, message in (
        (np.array([np.nan]), ValueError, r"action of vehicle_1 must be in \[-4.5, 2\], not .*nan"),
        (3.0, ValueError, r"must be in \[-4.5, 2\]"),
        ("fast", TypeError, "must be a number"),
        (np.array([0.1, 0.2]), TypeError, "must be a number"),
        (None, TypeError, "must be a number"),
    ):
        with pytest.raises(error, match=message):
            env.step({**good, "vehicle_1": bad})
    with pytest.raises(KeyError, match="no action for vehicle_1"):
        env.step({"vehicle_0": 0.5})
    with pytest.raises(KeyError, match="unknown agent 'car'"):
        env.step({**good, "car": 0.0})
    for name, array in env.get_state().arrays.items():
        np.testing.assert_array_equal(array, before[name])
    _, rewards, *_ = env.step(good)
    assert set(rewards) == set(good)
    vec = intersection_v0.vector_env(2, actions="continuous", num_vehicles=2)
    vec.reset(seed=0)
    with pytest.raises(ValueError, match=r"action nan of vehicle_0 in environment 1 is not in \[-4.5, 2\]"):
        vec.step(np.array([[0.0, 0.0], [np.nan, 0.0]]))
    with pytest.raises(ValueError, match="actions must have shape"):
        vec.step(np.zeros((2, 3)))
    with pytest.raises(TypeError, match="actions must be numbers"):
        vec.step(np.zeros((2, 2), bool))
    vec.step(np.zeros((2, 2, 1), np.float32))


def test_an_acceleration_is_what_the_vehicle_does():
    vec = intersection_v0.vector_env(4, actions="continuous", num_vehicles=1, turns=(0, 1, 0))
    vec.reset(seed=0)
    assert vec.action_mask is None
    slots = vec.arrays.slot[:, 0]
    for pull in (-3.0, -1.0, 0.0, 0.75):
        before = vec.arrays.motion[np.arange(4), slots, 1].copy()
        vec.step(np.full((4, 1), pull))
        np.testing.assert_allclose(vec.arrays.motion[np.arange(4), slots, 1] - before, pull * 0.5, atol=1e-12)
