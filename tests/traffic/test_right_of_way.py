"""Who goes first at a cross is what the network says, not only what the kinds of movement say."""

from dataclasses import replace

import numpy as np
import pytest

from marl_envs.core.jit import ENABLED
from marl_envs.traffic.demand import URBAN_IDM, FlowPlan, build_demand
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import CROSS_FIRST, TURNS
from marl_envs.traffic.names import network_named
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.rilsa import rilsa
from tests.traffic.cases import demand_of


def claims_of(network: Network, settings) -> dict[tuple[int, int], int]:
    """Return what the engine's table says of each pair of links."""
    first = settings.drivable[:, CROSS_FIRST]
    link = np.repeat(np.arange(len(network.length)), np.diff(first)) - network.num_lanes
    foe = settings.cross_foe - network.num_lanes
    return dict(zip(zip(link.tolist(), foe.tolist(), strict=True), settings.cross_claim.tolist(), strict=True))


def test_cityflows_networks_go_by_kind():
    demand = demand_of("h08_fourarm")
    network = demand.network
    claims = claims_of(network, Traffic(demand, 1).settings)
    kind = network.road_link_kind[network.link_movement].astype(int)
    assert len(claims) == 2 * len(network.cross_links) > 0
    assert all(claim == np.sign(kind[a] - kind[b]) for (a, b), claim in claims.items())
    assert set(claims.values()) == {-1, 0, 1}


def test_sumos_networks_go_by_the_file():
    junction = rilsa()
    network = junction.network
    plan = FlowPlan(URBAN_IDM, tuple(network.road_ids[r] for r in network.road_link_roads[0]), 1.0)
    claims = claims_of(network, Traffic(build_demand(network, [plan], "some"), 1).settings)
    for (a, b), (mine, theirs) in zip(network.cross_links.tolist(), junction.cross_rank.tolist(), strict=True):
        assert claims[a, b] == np.sign(int(mine) - int(theirs)) == -claims[b, a]
    kind = network.road_link_kind[network.link_movement].astype(int)
    assert any(claim != np.sign(kind[a] - kind[b]) for (a, b), claim in claims.items())


@pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
@pytest.mark.parametrize("parity", [True, False])
@pytest.mark.parametrize("first", ["W", "S"])
def test_vehicles_go_by_it(parity, first):
    """Two that go straight and would meet: the one whose street goes first never brakes, the other does."""
    network = network_named("cross-1-shared-open")
    start = [network.road_ids[network.lane_road[lane]][0] for lane in network.link_start]
    rank = np.array([[start[k] == first for k in pair] for pair in network.cross_links.tolist()], np.uint8)
    network = replace(network, cross_rank=rank)
    kind = replace(URBAN_IDM, max_deceleration=4.5, usual_deceleration=4.5)
    plans = [FlowPlan(kind, route, 1e6, 0.0, 0.0, 13.0) for route in (("W-J", "J-E"), ("S-J", "J-N"))]
    traffic = Traffic(build_demand(network, plans, "two"), 1, parity=parity)
    traffic.step(200)
    went = dict(zip(traffic.trips[0].flow.tolist(), traffic.state.trip_finished[0].tolist(), strict=True))
    if first == "S":
        assert went[1] < went[0] - 1
    else:
        assert went[0] < went[1] - 1


def test_ways_from_one_lane_do_not_cross_in_sumos_networks():
    network = rilsa().network
    pairs = network.link_start[network.cross_links]
    assert len(pairs) > 0
    assert (pairs[:, 0] != pairs[:, 1]).all()


def test_turns_have_the_references_speed_only_where_the_file_says_none():
    """RiLSA's ways have limits of their own, CityFlow's have none."""
    town = rilsa().network
    plan = FlowPlan(URBAN_IDM, tuple(town.road_ids[r] for r in town.road_link_roads[0]), 1.0)
    for demand, slow in ((build_demand(town, [plan], "some"), False), (demand_of("h08_fourarm"), True)):
        network = demand.network
        kind = network.road_link_kind[network.link_movement]
        turns = Traffic(demand, 1).settings.drivable[network.num_lanes : -1, TURNS]
        assert turns.tolist() == (np.isin(kind, (TURN_LEFT, TURN_RIGHT)) & slow).tolist()
