"""Small generated networks and demand for the tests."""

import random
from functools import lru_cache

from marl_envs.traffic.assemble import assemble
from marl_envs.traffic.demand import Demand, FlowPlan, Kind, build_demand
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import (
    STRAIGHT,
    TURN_LEFT,
    TURN_RIGHT,
    JunctionPlan,
    LaneLinkPlan,
    PhasePlan,
    RoadLinkPlan,
    RoadPlan,
)

CAR = Kind(5.0, 2.0, 2.0, 4.5, 2.0, 4.5, 2.5, 11.111, 2.0)
TRUCK = Kind(12.0, 2.5, 1.2, 4.0, 1.0, 2.5, 3.0, 8.0, 2.2)
NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))
Node = tuple[int, int]


@lru_cache
def grid(size: int, spacing: float, lanes: int) -> Network:
    """Return `size` x `size` junctions with roads in both directions, in from and out to all sides."""
    nodes = [(r, c) for r in range(size + 2) for c in range(size + 2) if inner((r, c), size) or edge((r, c), size)]
    roads: dict[tuple[Node, Node], RoadPlan] = {}
    for a in nodes:
        for dr, dc in NEIGHBOURS:
            b = (a[0] + dr, a[1] + dc)
            if b in nodes and (inner(a, size) or inner(b, size)):
                points = tuple((c * spacing, r * spacing) for r, c in (a, b))
                roads[a, b] = RoadPlan(f"{a}>{b}", str(a), str(b), points, (3.5,) * lanes, (13.9,) * lanes)
    junctions = [junction(node, roads, spacing, lanes, inner(node, size)) for node in nodes]
    return assemble(list(roads.values()), junctions, "grid")


def inner(node: Node, size: int) -> bool:
    return all(1 <= k <= size for k in node)


def edge(node: Node, size: int) -> bool:
    return sum(k in (0, size + 1) for k in node) == 1


def junction(node: Node, roads: dict, spacing: float, lanes: int, signal: bool) -> JunctionPlan:
    ins = [a for a, b in roads if b == node]
    outs = [b for a, b in roads if a == node]
    names = tuple(road.id for ends, road in roads.items() if node in ends)
    point = (node[1] * spacing, node[0] * spacing)
    if not signal:
        return JunctionPlan(str(node), point, virtual=True, roads=names)
    links, vertical = [], []
    pairs = tuple(LaneLinkPlan(i, j) for i in range(lanes) for j in range(lanes))
    for a in ins:
        for b in (b for b in outs if b != a):
            turn = (node[1] - a[1]) * (b[0] - node[0]) - (node[0] - a[0]) * (b[1] - node[1])
            kind = STRAIGHT if turn == 0 else TURN_LEFT if turn > 0 else TURN_RIGHT
            links.append(RoadLinkPlan(kind, roads[a, node].id, roads[node, b].id, pairs))
            vertical.append(a[1] == node[1])
    ways = [tuple(k for k, v in enumerate(vertical) if v is wanted) for wanted in (False, True)]
    phases = PhasePlan(4.0, ()), PhasePlan(20.0, ways[0]), PhasePlan(4.0, ()), PhasePlan(20.0, ways[1])
    return JunctionPlan(str(node), point, 10.0, False, names, tuple(links), phases)


def crowd(network: Network, flows: int, seed: int, end: float = 60.0) -> Demand:
    """Return flows between random places on the border."""
    rnd = random.Random(seed)
    starts, ends = (
        [road for road, j in zip(network.road_ids, at, strict=True) if network.virtual[j]]
        for at in (network.road_start, network.road_end)
    )
    plans: list[FlowPlan] = []
    while len(plans) < flows:
        route = rnd.choice(starts), rnd.choice(ends)
        if route[0].split(">")[0] != route[1].split(">")[1]:
            interval, first = rnd.choice([2.0, 3.5, 5.0]), float(rnd.randrange(20))
            plans.append(FlowPlan(rnd.choice([CAR, CAR, TRUCK]), route, interval, first, end))
    return build_demand(network, plans, "crowd")
