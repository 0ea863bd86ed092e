"""Reading CityFlow's files: numbers as its parser has them, and what broken files are told."""

import copy
import gc
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError
from marl_envs.traffic.formats.cityflow import read_demand, read_network
from marl_envs.traffic.formats.numbers import read_real
from tests.traffic.cases import GOLDEN

ROADNET = json.loads((GOLDEN / "h01_free" / "roadnet.json").read_text())
FLOWS = json.loads((GOLDEN / "h01_free" / "flow.json").read_text())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("11.111", 11.111),
        ("-0", 0.0),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ("1e-400", 0.0),
        ("0.000000000000000000001", 1e-21),
        ("123456789012345678901.5", 123456789012345678901.5),
    ],
)
def test_numbers(text, value):
    assert read_real(text) == value


@given(st.integers(1, 8), st.text("0123456789", min_size=9, max_size=16))
def test_long_numbers_are_rounded_twice(whole, fraction):
    """All digits as one integer, rounded; then divided by a power of ten, and rounded again."""
    assert read_real(f"-{whole}.{fraction}") == -(float(int(f"{whole}{fraction}")) / 10.0 ** len(fraction))


def test_where_two_roundings_differ_from_one():
    roadnet = (GOLDEN / "h14_routes" / "roadnet.json").read_text()
    assert json.loads(roadnet) == json.loads(roadnet, parse_float=read_real)  # short numbers
    assert read_real("7.2308195334439838") == 72308195334439838.0 / 1e16 != float("7.2308195334439838")


def written(folder: Path, roadnet=ROADNET, flows=FLOWS) -> tuple[Path, Path]:
    paths = folder / "roadnet.json", folder / "flow.json"
    for path, data in zip(paths, (roadnet, flows), strict=True):
        path.write_text(data if isinstance(data, str) else json.dumps(data))
    return paths


def changed(data, place: str, value):
    """Return a copy of `data` with what stands at `place`, as "roads.0.id", replaced, or taken out."""
    data = copy.deepcopy(data)
    *path, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    item = data
    for part in path:
        item = item[part]
    if value is KeyError:
        del item[last]
    else:
        item[last] = value
    return data


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("roads", KeyError, "the key 'roads' is missing"),
        ("intersections", [], "intersections must be an array that is not empty"),
        ("roads.0", 5, "roads[0] must be a JSON object"),
        ("roads.0.lanes", [], "road 'in' has no lanes"),
        ("roads.0.lanes", KeyError, "roads[0] ('in'): the key 'lanes' is missing"),
        ("roads.0.lanes.0.width", "4", "roads[0] ('in'): width must be a number, not '4'"),
        ("roads.0.lanes.0.maxSpeed", -3, "road 'in': speed limit of lane 0 must be a number"),
        ("roads.0.points.0.x", KeyError, "roads[0] ('in'): the key 'x' is missing"),
        ("roads.0.startIntersection", "Q", "road 'in': there is no junction 'Q'"),
        ("intersections.1.virtual", 0, "intersections[1] ('J'): virtual must be true or false"),
        ("intersections.1.roadLinks.0.laneLinks.0.endLaneIndex", 9, "names lane 9 of road 'out', which has 1"),
        ("intersections.1.roadLinks.0.laneLinks.0.endLaneIndex", 0.5, "endLaneIndex must be an integer"),
        ("intersections.1.roadLinks.0.type", 3, "roadLinks[0]: type must be a string"),
        ("intersections.1.trafficLight", [], "intersections[1] ('J'): trafficLight must be an object"),
        ("intersections.1.trafficLight.lightphases.0.availableRoadLinks", [4], "phase 0 names road link 4"),
        ("intersections.1.trafficLight.lightphases.0.time", -5, "time of phase 0 must be a number from 0"),
        ("intersections.1.trafficLight.lightphases.0.time", KeyError, "lightphases[0]: the key 'time' is missing"),
    ],
)
def test_a_broken_network_file(tmp_path, place, value, message):
    path, _ = written(tmp_path, roadnet=changed(ROADNET, place, value))
    with pytest.raises(ParameterError) as error:
        read_network(path)
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("0.route", ["in", "off"], "flow 0: there is no road 'off'"),
        ("0.route", ["out", "in"], "flow 0: route ['out', 'in']: the route is not connected"),
        ("0.route", [], "flow 0: route must be an array that is not empty"),
        ("0.route", [1], "flow 0: route must be names of roads"),
        ("0.interval", -1, "flow 0: interval must be a number from 0"),
        ("0.startTime", -4, "flow 0: start must be a number from 0"),
        ("0.startTime", 1.5, "flow 0: startTime must be an integer"),
        ("0.vehicle", "car", "flow 0: vehicle must be an object"),
        ("0.vehicle.length", 400.0, "a vehicle of 400 m is longer than a lane of road 'in'"),
        ("0.vehicle.length", [], "flow 0: vehicle: length must be a number"),
        ("0.vehicle.maxSpeed", KeyError, "flow 0: the key 'maxSpeed' is missing"),
    ],
)
def test_a_broken_flow_file(tmp_path, place, value, message):
    roadnet, path = written(tmp_path, flows=changed(FLOWS, place, value))
    with pytest.raises(ParameterError) as error:
        read_demand(path, read_network(roadnet))
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[\n{"vehicle": }\n]', "line 2, column 13: not JSON"),
        ("", "line 1, column 1: not JSON"),
        ("{}", "must hold a JSON array"),
        ("[]", "there are no flows"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_files_that_are_no_flows(tmp_path, text, message):
    roadnet, path = written(tmp_path, flows=text)
    with pytest.raises(ParameterError, match=message):
        read_demand(path, read_network(roadnet))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ParameterError, match="cannot be read"):
        read_network(tmp_path / "nowhere.json")


def test_many_vehicles(tmp_path):
    flow = FLOWS[0]
    flows = [dict(flow, startTime=k // 10, endTime=k // 10) for k in range(20_000)]
    roadnet, path = written(tmp_path, flows=flows)
    demand = read_demand(path, read_network(roadnet))
    assert len(demand.flow_kind) == 20_000
    assert len(demand.kinds) == len(demand.routes) == 1
    assert demand.flow_start[-1] == 1999.0


def test_the_garbage_collector_is_left_as_it_was(tmp_path):
    network = read_network(GOLDEN / "h01_free" / "roadnet.json")
    (tmp_path / "flow.json").write_text("[{}]")
    for switch, on in ((gc.disable, False), (gc.enable, True)):
        switch()
        with pytest.raises(ParameterError, match="the key 'vehicle' is missing"):
            read_demand(tmp_path / "flow.json", network)
        read_demand(GOLDEN / "h01_free" / "flow.json", network)
        assert gc.isenabled() is on


def test_a_broken_flow_after_many_good_ones_is_named(tmp_path):
    network = read_network(GOLDEN / "h01_free" / "roadnet.json")
    flows = [copy.deepcopy(FLOWS[0]) for _ in range(5)]
    flows[3]["interval"] = 0
    flows[4]["vehicle"]["length"] = 1e9
    (tmp_path / "flow.json").write_text(json.dumps(flows))
    with pytest.raises(ParameterError, match=r"flow 3: interval must be positive"):
        read_demand(tmp_path / "flow.json", network)
    flows[3]["interval"] = 1
    (tmp_path / "flow.json").write_text(json.dumps(flows))
    with pytest.raises(ParameterError, match=r"flow 4: length of its vehicles must be a number from 0.0 to 10000.0"):
        read_demand(tmp_path / "flow.json", network)
