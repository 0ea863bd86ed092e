"""Speed of traffic: what is counted, that windows come round, ratios, and plain words where a peer is missing."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.speed import report, roads, traffic, traffic_peers, traffic_report
from benchmarks.speed.measure import Case
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import CREATED, FINISHED
from marl_envs.traffic.formats.cityflow import read_demand, read_network
from tests.benchmarks.fakes import printed, quiet_console


def test_a_window_comes_round_and_all_updates_count() -> None:
    log: list[str] = []

    def step() -> int:
        log.append("step")
        return 3

    block = traffic.Rolling(step, lambda: log.append("rewind"), window=20, each=2)
    assert [block() for _ in range(3)] == [30, 30, 30]
    assert log == ["rewind", *["step"] * 20, "rewind", *["step"] * 10]
    assert (block.updates, block.steps, block.vehicles) == (90, 60, 1.5)


@pytest.mark.parametrize("by_step", [True, False])
def test_updates_are_the_vehicles_that_drive(by_step: bool) -> None:
    demand = roads.town(2)
    block = traffic.engine(lambda: demand, 3, filling=50, window=100, by_step=by_step)
    for _ in range(1 if by_step else 10):
        block()
    check = Traffic(demand, 150, program=True)
    driving = []
    for _ in range(150):
        check.step()
        tally = check.state.tally[0]
        waiting = (check.state.trip_inserted[0] < 0)[: tally[CREATED]].sum()
        driving.append(int(tally[CREATED] - tally[FINISHED] - waiting))
    assert min(driving[50:]) > 5
    if by_step:
        assert block.updates == 3 * sum(driving[50:60])
    else:
        assert block.updates == 3 * 10 * sum(driving[50:150])
        assert block.vehicles == pytest.approx(3 * np.mean(driving[50:150]))


def test_a_town_has_trips_from_every_road_that_goes_on() -> None:
    demand = roads.town(3)
    network = demand.network
    ends = np.array([network.virtual[j] for j in network.road_end])
    assert sorted(demand.flow_road.tolist()) == np.flatnonzero(~ends).tolist()
    assert all(len(route) == roads.LEGS or (len(route) < roads.LEGS and ends[route[-1]]) for route in demand.routes)
    assert (demand.flow_interval == roads.EVERY).all()


def test_a_town_is_written_for_cityflow() -> None:
    with roads.files("town 2x2") as (network, demand):
        again = read_demand(demand, read_network(network))
    np.testing.assert_array_equal(again.flow_start, roads.town(2).flow_start)
    assert again.routes == roads.town(2).routes


def test_sumo_gets_the_same_flows() -> None:
    pytest.importorskip("sumolib")
    demand = roads.rilsa()
    routes = traffic_peers._routes(demand)
    rates = 3600 / demand.flow_interval
    assert rates.sum() == pytest.approx(2370)
    assert routes.count("<flow ") == len(rates)
    trucks = demand.kinds[demand.flow_kind, 0] > 5.0
    assert routes.count('type="truck"') == trucks.sum() > 0


def test_ratios_are_to_the_peer_on_the_same_roads() -> None:
    block = traffic.Rolling(lambda: 5, lambda: None, 10)
    block()
    cases = [
        Case("batch of 1", lambda: block, "here", rates=[8e6]),
        Case("theirs", lambda: block, "here", peer=True, rates=[2e6]),
        Case("batch of 1", lambda: block, "there", rates=[9e6]),
    ]
    console = quiet_console()
    console.print(traffic_report.engine_table(cases, [block] * 3))
    rows = [line.split() for line in printed(console).splitlines() if "%" in line]
    assert rows == [
        ["here", "batch", "of", "1", "5", "8.00", "8.00", "0%", "4.0"],
        ["here", "theirs", "5", "2.00", "2.00", "0%"],
        ["there", "batch", "of", "1", "5", "9.00", "9.00", "0%"],
    ]


def test_measures_for_real_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_report, "TOWNS", {2: (1, 2)})
    monkeypatch.setattr(traffic_report, "SIZES", (1, 2))
    for name in ("has_cityflow", "has_sumo"):
        monkeypatch.setattr(traffic_peers, name, lambda: False)
    monkeypatch.setattr(roads, "has_hangzhou", lambda: False)
    console = quiet_console()
    report.run_speed(0.01, 1, console, "traffic")
    text = " ".join(printed(console).split())
    for words in ("town 2x2 batch of 2", "(2x2)", "through PettingZoo", "MARL_ENVS_DATA"):
        assert words in text
    assert "cityflow is not installed" in text
    assert "libsumo is not installed" in text
    assert "RWARE" not in text
