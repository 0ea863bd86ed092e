"""SUMO's networks: against sumolib's own figures, and against a second reading of the XML."""

import gzip
import math
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sumolib
import sumolib.net

from marl_envs.traffic.demand import expand
from marl_envs.traffic.formats.sumo import read, read_network
from marl_envs.traffic.formats.sumo_routes import read_demand
from marl_envs.traffic.formats.sumo_signals import green_phases, program_at
from marl_envs.traffic.network import NO_LIMIT
from marl_envs.traffic.plans import OTHER, STRAIGHT, TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.rilsa import rilsa
from tests.traffic.lanes import lanes_that_strand

DATA = ["rilsa1", "cologne1", "ingolstadt1"]
# Shipped with sumolib; the second has one signal for two junctions
INSTALLED = ["RealWorld/RiLSA_example1/rilsa1.net.xml", "RealWorld/RiLSA_example2/rilsa2.net.xml"]


class Case:
    """A network as we read it, and as sumolib does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ours = read(self.path)
        self.plain = read(self.path, lane_changes=False)
        self.theirs = sumolib.net.readNet(str(self.path), withInternal=True, withPrograms=True)
        self.lanes = [
            lane
            for edge in self.theirs.getEdges(False)
            for lane in edge.getLanes()[::-1]  # from the left
            if lane.allows("passenger")
        ]

    def connections(self):
        """Return each lane link's connection of sumolib's, found by its lanes."""
        by_lanes = {
            (c.getFromLane().getID(), c.getToLane().getID()): c
            for lane in self.lanes
            for c in lane.getOutgoing()
            if c.getToLane() in self.lanes
        }
        network = self.plain.network
        pairs = zip(network.link_start.tolist(), network.link_end.tolist(), strict=True)
        return by_lanes, [by_lanes[self.lanes[a].getID(), self.lanes[b].getID()] for a, b in pairs]


@pytest.fixture(scope="module", params=DATA + INSTALLED)
def case(request):
    if request.param in DATA:
        folder = request.getfixturevalue("data_dir")
        return Case(folder / "traffic" / request.param / f"{request.param}.net.xml")
    return Case(Path(sumolib.__file__).parent / "scenario" / "scenarios" / request.param)


def test_lanes_are_sumolibs(case):
    network = case.ours.network
    assert network.num_lanes == len(case.lanes)
    assert [network.road_ids[r] for r in network.lane_road] == [lane.getEdge().getID() for lane in case.lanes]
    lanes = slice(0, network.num_lanes)
    np.testing.assert_array_equal(network.length[lanes], [lane.getLength() for lane in case.lanes])
    np.testing.assert_array_equal(network.limit[lanes], [lane.getSpeed() for lane in case.lanes])
    np.testing.assert_array_equal(network.lane_width, [lane.getWidth() for lane in case.lanes])


def test_lines_are_the_files(case):
    network = case.ours.network
    for d, lane in enumerate(case.lanes):
        line = network.xy[network.first_point[d] : network.first_point[d + 1]]
        np.testing.assert_array_equal(line, lane.getShape())


def test_connections_are_sumolibs(case):
    by_lanes, found = case.connections()
    assert len(found) == case.plain.network.num_links == len(by_lanes)
    assert case.ours.network.num_links == len(by_lanes) + case.ours.added_links
    assert case.plain.added_links == 0


def test_lengths_of_lane_links_are_those_of_the_ways_inside_the_junction(case):
    network = case.plain.network
    for k, connection in enumerate(case.connections()[1]):
        edges, length = case.theirs.getInternalPath([connection])
        assert network.length[network.num_lanes + k] == pytest.approx(length)
        speeds = [edge.getSpeed() for edge in edges]
        assert network.limit[network.num_lanes + k] == min(speeds) < NO_LIMIT


def test_kinds_are_the_directions(case):
    network = case.plain.network
    kinds = {"s": STRAIGHT, "l": TURN_LEFT, "L": TURN_LEFT, "r": TURN_RIGHT, "R": TURN_RIGHT, "t": OTHER}
    for k, connection in enumerate(case.connections()[1]):
        assert network.road_link_kind[network.link_movement[k]] == kinds[connection.getDirection()]


def test_programs_are_the_files(case):
    root = ET.parse(case.path).getroot()
    programs = {
        logic.get("id"): [(float(p.get("duration")), p.get("state")) for p in logic] for logic in root.iter("tlLogic")
    }
    network = case.plain.network
    seen = set()
    for k, connection in enumerate(case.connections()[1]):
        j = network.road_end[network.lane_road[network.link_start[k]]]
        rows = slice(network.first_phase[j], network.first_phase[j + 1])
        movement = network.link_movement[k] - network.first_road_link[j]
        green = network.green[rows, movement].tolist()
        if not connection.getTLSID():
            assert green == [True] * len(green)
            continue
        seen.add(connection.getTLSID())
        phases = programs[connection.getTLSID()]
        assert case.plain.programs[j] == connection.getTLSID()
        assert network.phase_time[rows].tolist() == [time for time, _ in phases]
        letters = [state[connection.getTLLinkIndex()] for _, state in phases]
        assert [state[movement] for state in case.plain.states[j]] == letters
        assert green == [letter in "Gg" for letter in letters]
    assert seen == set(programs)


def test_who_gives_way_is_sumolibs(case):
    network, rank = case.plain.network, case.plain.cross_rank
    connections = case.connections()[1]
    assert rank.shape == network.cross_links.shape
    for (a, b), (mine, theirs) in zip(network.cross_links.tolist(), rank.tolist(), strict=True):
        node = network.road_end[network.lane_road[network.link_start[a]]]
        junction = case.theirs.getNode(network.junction_ids[node])
        i, k = (junction.getLinkIndex(connections[x]) for x in (a, b))
        a_yields = junction.forbids(connections[b], connections[a])
        b_yields = junction.forbids(connections[a], connections[b])
        assert (mine, theirs) == (int(b_yields and not a_yields), int(a_yields and not b_yields))
        if not junction.areFoes(i, k):
            assert mine == theirs


def test_every_pair_of_foes_has_a_cross_on_both_ways(case):
    network = case.plain.network
    known = {tuple(pair) for pair in network.cross_links.tolist()}
    connections = case.connections()[1]
    junction_of = [network.road_end[network.lane_road[a]] for a in network.link_start]
    for a in range(network.num_links):
        for b in range(a + 1, network.num_links):
            if junction_of[a] == junction_of[b]:
                node = case.theirs.getNode(network.junction_ids[junction_of[a]])
                if node.areFoes(*(node.getLinkIndex(connections[x]) for x in (a, b))):
                    assert (a, b) in known
    assert (network.cross_at >= 0.0).all()
    assert (network.cross_at <= network.length[network.num_lanes + network.cross_links] + 1e-6).all()
    order = list(map(tuple, network.cross_links.tolist()))
    assert order == sorted(order)


def test_with_changes_of_lane_no_lane_leads_astray(case):
    assert lanes_that_strand(case.ours.network) == []
    assert bool(lanes_that_strand(case.plain.network)) == bool(case.ours.added_links)


def test_pavements_and_crossings_are_left_out(case):
    ids = case.ours.network.road_ids
    assert not any(name.startswith(":") for name in ids)
    assert {lane.allows("passenger") for lane in case.lanes} == {True}
    everything = [lane for edge in case.theirs.getEdges(False) for lane in edge.getLanes()]
    if any(not lane.allows("passenger") for lane in everything):
        assert len(case.lanes) < len(everything)


@pytest.mark.parametrize(
    ("name", "begin", "trips", "single"), [("cologne1", 25200, 2015, 4), ("ingolstadt1", 57600, 1716, 1)]
)
def test_trips_of_a_file_are_all_there_on_connected_routes(data_dir, name, begin, trips, single):
    folder = data_dir / "traffic" / name
    network = read_network(folder / f"{name}.net.xml")
    demand = read_demand(folder / f"{name}.rou.xml", network, begin=begin, end=begin + 3600, drop_single=True)
    root = ET.parse(folder / f"{name}.rou.xml").getroot()
    wanted = [t for t in root.iter("trip") if t.get("from") != t.get("to")]
    assert len(list(root.iter("trip"))) == trips == len(wanted) + single
    made = expand(demand, 1.0, 3601)
    assert sorted(made.step.tolist()) == sorted(math.ceil(float(t.get("depart"))) - begin for t in wanted)
    joined = {(network.lane_road[a], network.lane_road[b]) for a, b in zip(network.link_start, network.link_end)}  # noqa: B905
    for flow, trip in enumerate(wanted):
        route = demand.routes[demand.flow_route[flow]]
        assert (network.road_ids[route[0]], network.road_ids[route[-1]]) == (trip.get("from"), trip.get("to"))
        assert all(pair in joined for pair in pairwise(route))


def test_the_guidelines_junction_has_its_plan():
    junction = rilsa()
    network = junction.network
    (j,) = (j for j in network.signals if network.num_phases(j) > 1)
    first, last = network.first_phase[j], network.first_phase[j + 1]
    assert network.phase_time[first:last].tolist() == [3, 2, 40, 3, 2, 3, 2, 12, 3, 2]
    assert junction.choices[j] == (2, 7)
    for choice, arms in ((2, "ew"), (7, "ns")):
        roads = {network.road_ids[network.road_link_roads[q, 0]] for q in np.flatnonzero(network.green[first + choice])}
        assert roads == {f"{arm}m" for arm in arms}
    assert network.phase_time[rilsa("0").network.first_phase[j]] != 26.0
    assert rilsa("0").network.phase_time[:10].tolist() == [26, 5, 4, 6, 4, 26, 5, 4, 6, 4]


def test_at_the_guidelines_junction_left_turns_give_way_to_oncoming_traffic():
    junction = rilsa()
    network = junction.network
    names = network.drivable_ids[network.num_lanes :]
    left, ahead, right = names.index("nm_0_TO_me_0"), names.index("sm_1_TO_mn_0"), names.index("sm_1_TO_me_0")
    for way in (ahead, right):
        (row,) = (c for c, pair in enumerate(network.cross_links.tolist()) if sorted(pair) == sorted((left, way)))
        by_link = dict(zip(network.cross_links[row].tolist(), junction.cross_rank[row].tolist(), strict=True))
        assert by_link == {left: 0, way: 1}  # by their kinds the right turn would give way to the left turn


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["GGrr", "yyrr", "rrGG", "rryy"], (0, 2)),
        (["GGrr", "Gyrr", "rrrr", "rrGG", "GGrr"], (0, 3)),
        (["rrGg", "uurr"], (0,)),
        (["rrrr"], ()),
    ],
)
def test_an_agent_chooses_green_phases_without_yellow_each_once(states, expected):
    assert green_phases(states) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [(0.0, (0, 3.0)), (3.0, (1, 2.0)), (6.5, (2, 38.5)), (71.0, (9, 1.0)), (72.0 + 50.0, (5, 3.0))],
)
def test_where_a_program_stands(time, expected):
    junction = rilsa()
    (j,) = (j for j in junction.network.signals if junction.network.num_phases(j) > 1)
    assert program_at(junction.network, j, 0.0, time) == expected
    assert program_at(junction.network, j, 10.0, time + 10.0) == expected


def test_a_signal_of_two_junctions_gives_each_its_part():
    town = Case(Path(sumolib.__file__).parent / "scenario" / "scenarios" / INSTALLED[1]).plain
    network = town.network
    both = [j for j, signal in enumerate(town.programs) if signal]
    assert len(both) == 2
    assert len({town.programs[j] for j in both}) == 1
    first, second = (network.phase_time[network.first_phase[j] : network.first_phase[j + 1]] for j in both)
    np.testing.assert_array_equal(first, second)


def test_a_packed_file_is_read_as_the_plain_one(data_dir, tmp_path):
    plain = data_dir / "traffic" / "cologne1" / "cologne1.net.xml"
    packed = tmp_path / "cologne1.net.xml.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_network(packed).length, read_network(plain).length)
