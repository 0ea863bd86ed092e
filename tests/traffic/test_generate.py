"""Generated networks: hand counts, lengths, and lanes that lead where routes go."""

import math

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic import generate
from marl_envs.traffic.names import network_named, parse
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.streets import LANE_WIDTH, Lanes
from tests.traffic.lanes import lanes_that_strand


def kinds(network):
    return network.road_link_kind[network.link_movement]


def test_a_cross_by_hand():
    network = generate.junction(4, Lanes(1, 1, 1), length=300.0)
    assert len(network.road_ids) == 8
    assert network.num_lanes == 24
    assert network.num_links == 12  # three movements an arm, a lane each
    # 4 of straight ways, 2 of each left turn with straight ways (oncoming, and from its left), 4 of left turns
    assert len(network.cross_links) == 16
    width = 3 * LANE_WIDTH + 5.0
    np.testing.assert_allclose(network.length[:24], 300.0 - width)
    links = network.length[24:]
    np.testing.assert_allclose(links[kinds(network) == STRAIGHT], 2.0 * width)


@pytest.mark.parametrize(("kind", "lane"), [(TURN_LEFT, 0.5), (TURN_RIGHT, 2.5)])
def test_turns_are_about_quarter_circles(kind, lane):
    network = generate.junction(4, Lanes(1, 1, 1))
    width = 3 * LANE_WIDTH + 5.0
    radius = width + (lane if kind == TURN_LEFT else -lane) * LANE_WIDTH
    links = network.length[network.num_lanes :][kinds(network) == kind]
    np.testing.assert_allclose(links, radius * math.pi / 2, rtol=0.02)


def test_lanes_serve_the_movements_that_they_are_for():
    network = generate.junction(4, Lanes(2, 3, 1))
    road = network.road_index["W-J"]
    first = network.first_lane[road]
    by_lane = {}
    for k, lane in enumerate(network.link_start.tolist()):
        if first <= lane < first + 6:
            by_lane.setdefault(lane - first, set()).add(int(kinds(network)[k]))
    assert by_lane == {
        0: {TURN_LEFT},
        1: {TURN_LEFT},
        2: {STRAIGHT},
        3: {STRAIGHT},
        4: {STRAIGHT},
        5: {TURN_RIGHT},
    }


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_shared_lanes_turn_from_the_outer_ones(lanes):
    network = generate.junction(4, Lanes(0, lanes, 0))
    road = network.road_index["S-J"]
    start = network.link_start - network.first_lane[road]
    for kind, expected in ((TURN_LEFT, {0}), (TURN_RIGHT, {lanes - 1}), (STRAIGHT, set(range(lanes)))):
        here = (start >= 0) & (start < lanes) & (kinds(network) == kind)
        assert set(start[here].tolist()) == expected


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (4, 4)])
def test_a_grid_by_hand(rows, columns):
    network = generate.grid(rows, columns)
    streets = rows * (columns + 1) + columns * (rows + 1)
    assert len(network.road_ids) == 2 * streets
    assert len(network.signals) == rows * columns
    assert network.virtual.sum() == 2 * (rows + columns)
    assert [network.num_phases(j) for j in network.signals] == [9] * (rows * columns)
    assert [network.junction_ids[j] for j in network.signals][:columns] == [f"J0_{c}" for c in range(columns)]
    # 4 arms x 3 movements; towards another junction to each of 3 lanes, towards the rim to 1
    rim = 2 * (rows + columns)
    assert network.num_links == 3 * (rim * 1 + (4 * rows * columns - rim) * 3)


def test_an_arterial_has_its_own_lanes_for_the_main_street():
    network = generate.arterial(3)
    lanes = dict(zip(network.road_ids, np.diff(network.first_lane).tolist(), strict=True))
    assert lanes["W0-J0_0"] == lanes["J0_0-J0_1"] == 4
    assert lanes["N1-J0_1"] == lanes["J0_1-S1"] == 3


@pytest.mark.parametrize("arms", range(3, 9))
def test_at_a_roundabout_who_enters_meets_the_ring_and_gives_way(arms):
    network = generate.roundabout(arms)
    assert network.num_links == 3 * arms
    # At each arm: leaving and entering each meet the way ahead on the ring
    assert len(network.cross_links) == 2 * arms
    ids = network.road_ids
    for a, b in network.cross_links.tolist():
        ways = [network.road_link_roads[network.link_movement[k]].tolist() for k in (a, b)]
        ring = [ids[x][0] == "R" and ids[y][0] == "R" and "A" not in ids[x] + ids[y] for x, y in ways]
        assert sorted(ring) == [False, True]
        rank = kinds(network)[[a, b]]
        assert rank[ring.index(True)] > rank[ring.index(False)]
    circle = 2.0 * math.pi * max(20.0, 4.0 * arms)
    on_ring = [r for r, name in enumerate(ids) if "A" not in name]
    straight = kinds(network) == STRAIGHT
    around = network.length[network.first_lane[on_ring]].sum() + network.length[network.num_lanes :][straight].sum()
    np.testing.assert_allclose(around, circle, rtol=0.01)


@pytest.mark.parametrize(
    "name",
    [
        "cross",
        "cross-3",
        "cross-2-shared",
        "tee",
        "tee-2-shared",
        "grid-3x2",
        "grid-2x2-2",
        "arterial-3",
        "roundabout-5",
    ],
)
def test_no_lane_leads_astray(name):
    assert lanes_that_strand(network_named(name)) == []


@pytest.mark.parametrize(
    ("name", "junctions", "lanes", "signals"),
    [
        ("cross", 1, 3, True),
        ("cross-2", 1, 4, True),
        ("cross-2-shared", 1, 2, True),
        ("cross-shared-open", 1, 1, False),
        ("tee", 1, 3, True),
        ("grid-2x3", 6, 3, True),
        ("grid-2x2-1-shared-open", 4, 1, False),
        ("arterial-4", 4, 4, True),
        ("arterial-2-1", 2, 3, True),
        ("roundabout", 4, 1, False),
        ("roundabout-3", 3, 1, False),
    ],
)
def test_a_name_says_what_the_network_is(name, junctions, lanes, signals):
    network = network_named(name)
    assert len(network.junction_ids) - network.virtual.sum() == junctions
    assert np.diff(network.first_lane).max() == lanes
    assert all((network.num_phases(j) > 1) == signals for j in network.signals)
    assert parse(name).signals == signals


@pytest.mark.parametrize(
    "name",
    ["", "crossing", "cross-0", "cross-9", "grid", "grid-4", "grid-0x4", "arterial", "roundabout-2", "cross-open-2", 7],
)
def test_a_name_that_means_nothing_names_what_is_allowed(name):
    with pytest.raises(ParameterError, match="network must be one of cross, tee, grid-RxC, arterial-N"):
        network_named(name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: generate.junction(5), "arms must be one of 3, 4"),
        (lambda: generate.junction(length=10.0), "must be longer than the widths"),
        (lambda: generate.junction(speed=0.0), "speed must be a number from 0.1"),
        (lambda: generate.junction(length=math.nan), "length must be a number"),
        (
            lambda: generate.junction(3, phases="eight"),
            "junction 'J': phases: \"eight\" needs a junction with four arms",
        ),
        (lambda: generate.junction(phases="nine"), "phases must be one of 'eight'"),
        (lambda: generate.grid(0, 3), "rows must be an integer"),
        (lambda: generate.roundabout(9), "arms must be an integer from 3 to 8"),
        (lambda: generate.roundabout(4, radius=10.0), "too small for 4 arms"),
        (lambda: Lanes(1, 0, 1), "straight must be an integer from 1"),
    ],
)
def test_what_cannot_be_built_is_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
