"""Writing CityFlow's files: what is read again is what was written, and traffic on it runs the same."""

import dataclasses

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.arrivals import CAR
from marl_envs.traffic.demand import FlowPlan, build_demand
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.formats.cityflow import read_demand, read_network
from marl_envs.traffic.formats.cityflow_out import write_demand, write_network
from marl_envs.traffic.names import network_named
from marl_envs.traffic.phases import with_signals
from marl_envs.traffic.rilsa import rilsa
from marl_envs.traffic.vehicles.crosswalks import with_crosswalks
from tests.traffic.cases import GOLDEN


def assert_same(one, other):
    """Fail unless two tables are equal; real numbers may differ in their last digits, as the parser loses some."""
    for field in dataclasses.fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("name", "network", "roads", "junctions"):
            continue
        if isinstance(mine, np.ndarray) and mine.dtype == np.float64:
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-9, err_msg=field.name)
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)
        else:
            assert mine == theirs, field.name


@pytest.mark.parametrize("name", ["cross", "cross-2", "tee", "grid-2x3", "arterial-3"])
def test_a_network_comes_back(name, tmp_path):
    network = network_named(name)
    write_network(network, tmp_path / "roadnet.json")
    assert_same(read_network(tmp_path / "roadnet.json"), network)


def test_signals_that_were_put_up_later_are_written(tmp_path):
    network = with_signals(network_named("cross"), ["J"], kind="two", green=17.0)
    write_network(network, tmp_path / "roadnet.json")
    again = read_network(tmp_path / "roadnet.json")
    assert_same(again, network)
    assert 17.0 in again.phase_time


def test_lanes_that_were_cut_for_crosswalks_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="cut after they were made"):
        write_network(with_crosswalks(network_named("cross")), tmp_path / "roadnet.json")


def test_the_reference_s_own_files_come_back(tmp_path):
    case = GOLDEN / "h01_free"
    network = read_network(case / "roadnet.json")
    demand = read_demand(case / "flow.json", network)
    write_network(network, tmp_path / "roadnet.json")
    write_demand(demand, tmp_path / "flow.json")
    assert_same(read_network(tmp_path / "roadnet.json"), network)
    assert_same(read_demand(tmp_path / "flow.json", network), demand)


def test_traffic_runs_the_same_on_what_was_written(tmp_path):
    network = network_named("grid-2x2")
    ends = [(a, b) for a in ("W0", "N1") for b in ("E1", "S0")]
    roads = {network.junction_ids[j]: network.road_ids[r] for r, j in enumerate(network.road_start.tolist())}
    exits = {network.junction_ids[j]: network.road_ids[r] for r, j in enumerate(network.road_end.tolist())}
    flows = [FlowPlan(CAR, (roads[a], exits[b]), 7.0, start=k, end=200.0 + k) for k, (a, b) in enumerate(ends)]
    demand = build_demand(network, flows, "four ways")
    write_network(network, tmp_path / "roadnet.json")
    write_demand(demand, tmp_path / "flow.json")
    again = read_demand(tmp_path / "flow.json", read_network(tmp_path / "roadnet.json"))
    ran = [Traffic(each, 300, program=True) for each in (demand, again)]
    for traffic in ran:
        traffic.step(300)
    assert ran[0].state.tally.any()
    np.testing.assert_array_equal(ran[0].state.tally, ran[1].state.tally)
    np.testing.assert_array_equal(ran[0].state.trip_finished, ran[1].state.trip_finished)


def test_what_cityflow_has_not_is_refused(tmp_path):
    for lines in (rilsa().network, network_named("roundabout")):
        with pytest.raises(ParameterError, match=r"road '.+' has lanes of their own"):
            write_network(lines, tmp_path / "roadnet.json")
    network = network_named("cross")
    route = tuple(network.road_ids[road] for road in network.road_link_roads[0])
    dawdling = dataclasses.replace(CAR, imperfection=0.5)
    for kind, wrong, told in (
        (CAR, {"start": 0.5}, "whole seconds"),
        (CAR, {"speed": 5.0}, "begin with a speed"),
        (dawdling, {}, "have imperfection"),
    ):
        demand = build_demand(network, [FlowPlan(kind, route, 10.0, **wrong)], "odd")
        with pytest.raises(ParameterError, match=f"odd: flow 0: .*{told}"):
            write_demand(demand, tmp_path / "flow.json")
    assert not list(tmp_path.iterdir())
