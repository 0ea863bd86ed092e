"""Networks: geometry to the last bit, and what a broken description is told."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.assemble import assemble
from marl_envs.traffic.demand import FlowPlan, Kind, build_demand, expand
from marl_envs.traffic.names import network_named
from marl_envs.traffic.plans import STRAIGHT, JunctionPlan, LaneLinkPlan, PhasePlan, RoadLinkPlan, RoadPlan
from tests.traffic.cases import GOLDEN, NAMES, demand_of


def golden_geometry(case: str) -> dict:
    plain = GOLDEN / case / "geometry.json"
    return json.loads(
        plain.read_text() if plain.exists() else gzip.decompress((plain.parent / f"{plain.name}.gz").read_bytes())
    )


@pytest.mark.parametrize("case", [name for name in NAMES if name != "h16_api"])  # its network is that of h14
def test_lengths_and_crosses_equal_the_reference(case):
    network, golden = demand_of(case).network, golden_geometry(case)
    lanes = network.num_lanes
    assert dict(zip(network.drivable_ids[:lanes], network.length[:lanes], strict=True)) == golden["lanes"]
    links = zip(
        network.drivable_ids[lanes:], network.road_link_kind[network.link_movement], network.length[lanes:], strict=True
    )
    assert [list(link) for link in links] == golden["laneLinks"]
    crosses = np.concatenate((network.cross_links, network.cross_at), axis=1).tolist()
    assert sorted(crosses) == sorted(golden["crosses"])


ROADS = (
    RoadPlan("in", "A", "J", ((-100.0, 0.0), (0.0, 0.0)), (4.0, 4.0), (10.0, 10.0)),
    RoadPlan("out", "J", "Z", ((0.0, 0.0), (100.0, 0.0)), (4.0,), (10.0,)),
)
LINK = RoadLinkPlan(STRAIGHT, "in", "out", (LaneLinkPlan(0, 0), LaneLinkPlan(1, 0)))
JUNCTIONS = (
    JunctionPlan("A", (-100.0, 0.0), virtual=True, roads=("in",)),
    JunctionPlan("J", (0.0, 0.0), 10.0, False, ("in", "out"), (LINK,), (PhasePlan(30.0, (0,)),)),
    JunctionPlan("Z", (100.0, 0.0), virtual=True, roads=("out",)),
)


def road(k: int, **changes):
    return tuple(replace(item, **changes) if i == k else item for i, item in enumerate(ROADS)), JUNCTIONS


def junction(**changes):
    return ROADS, (JUNCTIONS[0], replace(JUNCTIONS[1], **changes), JUNCTIONS[2])


def link(**changes):
    return junction(road_links=(replace(LINK, **changes),))


def test_a_good_network():
    network = assemble(ROADS, JUNCTIONS, "net")
    assert network.drivable_ids == ("in_0", "in_1", "out_0", "in_0_TO_out_0", "in_1_TO_out_0")
    assert network.length[:3].tolist() == [90.0, 90.0, 90.0]
    assert network.links_from == ((0,), (1,), ())
    assert network.signals == (1,)
    # They lead into one lane, so they meet at its beginning
    np.testing.assert_allclose(network.cross_at, [network.length[3:]])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (road(0, widths=(), limits=()), "net: road 'in' has no lanes"),
        (road(0, limits=(10.0,)), "net: road 'in': 1 speed limits for 2 lanes"),
        (road(0, limits=(10.0, 0.0)), "speed limit of lane 1 must be positive"),
        (road(0, limits=(10.0, -1.0)), "speed limit of lane 1 must be a number"),
        (road(0, points=((0.0, 0.0),)), "road 'in': a road needs at least 2 points"),
        (road(0, points=((1.0, 0.0), (1.0, 0.0))), "points 0 and 1 are the same"),
        (road(0, points=((float("nan"), 0.0), (1.0, 0.0))), "x of point 0 must be a number"),
        (road(0, points=((-5.0, 0.0), (0.0, 0.0))), "must be longer than the widths of the junctions"),
        (road(0, start="Q"), "road 'in': there is no junction 'Q'"),
        (road(1, id="in"), "net: road 'in' is there twice"),
        (junction(id="A"), "net: junction 'A' is there twice"),
        (junction(roads=("in", "on")), "junction 'J': there is no road 'on'"),
        (junction(width=-1.0), "junction 'J': width must be a number"),
        (junction(phases=()), "junction 'J' has no signal phases"),
        (junction(phases=(PhasePlan(30.0, (1,)),)), "junction 'J': phase 0 names road link 1; there are 1"),
        (junction(phases=(PhasePlan(-1.0, (0,)),)), "junction 'J': time of phase 0 must be a number from 0"),
        (junction(phases=(PhasePlan(0.0, (0,)),)), "times of its phases must not all be 0"),
        (link(end_road="off"), "junction 'J': road link 0: there is no road 'off'"),
        (link(start_road="out", end_road="in"), "'out' must end and 'in' start at this junction"),
        (link(lane_links=(LaneLinkPlan(2, 0),)), "a lane link names lane 2 of road 'in', which has 2"),
        (link(lane_links=(LaneLinkPlan(0, -1),)), "a lane link names lane -1 of road 'out', which has 1"),
        (link(kind=7), "road link 0: kind must be from 0 to 3"),
    ],
)
def test_a_broken_network_says_where_and_why(broken, message):
    with pytest.raises(ParameterError) as error:
        assemble(*broken, "net")
    assert message in str(error.value)
    assert str(error.value).startswith("net: ")


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (None, "demand: there are no flows"),
        (FlowPlan(Kind(), ("in", "off"), 1.0), "demand: flow 0: there is no road 'off'"),
        (FlowPlan(Kind(), ("out", "in"), 1.0), "flow 0: route ['out', 'in']: the route is not connected"),
        (FlowPlan(Kind(), ("in",), 1.0), "flow 0: route ['in']: the route must have at least 2"),
        (FlowPlan(Kind(), ("in", "out"), 0.0), "flow 0: interval must be positive"),
        (FlowPlan(Kind(), ("in", "out"), 1.0, -1.0), "flow 0: start must be a number from 0"),
        (FlowPlan(Kind(), ("in", "out"), 1.0, 5.0, 4.0), "flow 0: end must be a number from 5"),
        (FlowPlan(Kind(length=91.0), ("in", "out"), 1.0), "of 91 m is longer than a lane of road 'in', 90 m"),
        (FlowPlan(Kind(max_speed=0.0), ("in", "out"), 1.0), "flow 0: max_speed of its vehicles must be positive"),
        (FlowPlan(Kind(headway=-1.0), ("in", "out"), 1.0), "flow 0: headway of its vehicles must be a number"),
    ],
)
def test_broken_demand_says_where_and_why(flow, message):
    network = assemble(ROADS, JUNCTIONS, "net")
    with pytest.raises(ParameterError) as error:
        build_demand(network, [] if flow is None else [flow], "demand")
    assert message in str(error.value)


def steps_of(dt: float, steps: int, interval: float, start: float, end: float | None) -> list[int]:
    network = assemble(ROADS, JUNCTIONS, "net")
    demand = build_demand(network, [FlowPlan(Kind(), ("in", "out"), interval, start, end)], "demand")
    return expand(demand, dt, steps).step.tolist()


def test_when_flows_create_vehicles():
    assert steps_of(1.0, 12, 2.5, 0.0, None) == [0, 3, 5, 8, 10]
    assert steps_of(1.0, 100, 5.0, 7.0, 7.0) == [7]  # the end belongs to it
    assert steps_of(1.0, 100, 5.0, 7.0, 12.0) == [7, 12]
    assert steps_of(0.5, 100, 5.0, 7.0, 12.0) == [14, 24]
    assert steps_of(1.0, 3, 0.5, 0.0, None) == [0, 1, 1, 2, 2]


def test_vehicles_come_by_step_and_then_by_flow():
    network = assemble(ROADS, JUNCTIONS, "net")
    flows = [FlowPlan(Kind(), ("in", "out"), 2.0, start, 6.0) for start in (2.0, 0.0)]
    trips = expand(build_demand(network, flows, "demand"), 1.0, 5)
    assert list(zip(trips.step, trips.flow, trips.number, strict=True)) == [
        (0, 1, 0),
        (2, 0, 0),
        (2, 1, 1),
        (4, 0, 1),
        (4, 1, 2),
    ]


def test_more_vehicles_than_memory_is_meant_for_are_refused():
    demand = build_demand(network_named("cross"), [FlowPlan(Kind(), ("W-J", "J-E"), interval=1e-6)], "the flows")
    with pytest.raises(ParameterError, match=r"the flows: about 3,.* vehicles; at most 20,000,000 are allowed"):
        expand(demand, 1.0, 3600)
