"""A choice of route: which turns are open, where they lead, and what they cost, against ways enumerated in Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import DIS, EXIT, KIND, PLACE, SPEED
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.vehicles.layouts import load, network_of
from marl_envs.traffic.vehicles.observe import TABULAR_STATES
from marl_envs.traffic.vehicles.turning import OF_ROUTE
from marl_envs.traffic.vehicles.types import ARRIVED, DRIVING, LOST, MASKED, NONE, NUM_ACTIONS, OWN

KINDS = (TURN_LEFT, STRAIGHT, TURN_RIGHT)
PULL, COMFORT = 2.0, 3.0  # [m/s2]


def _ways(network: Network, lane: int, goal: int, longest: int) -> list[list[int]]:
    """Return all ways as links, from a lane to road `goal`, at most `longest` links."""
    if network.lane_road[lane] == goal:
        return [[]]
    if longest == 0:
        return []
    return [
        [k, *rest]
        for k in network.links_from[lane]
        for rest in _ways(network, int(network.link_end[k]), goal, longest - 1)
    ]


def _alone(network: Network, free: Any, came: int | None, lane: int, at: float, links: list[int]) -> float:
    """Return the time that a car alone needs from `at` on a lane along links, in steps of a centimetre [s]."""
    total, step = 0.0, 0.01
    for k in [*links, None]:
        end, limit = float(network.length[lane]), float(free[lane])
        x = np.arange(at, end, step) + step / 2.0
        speed = np.full(len(x), limit)
        if came is not None:
            speed = np.minimum(speed, np.sqrt(free[came] ** 2 + 2.0 * PULL * x))
        if k is not None:
            slow = float(free[network.num_lanes + k])
            speed = np.minimum(speed, np.sqrt(slow**2 + 2.0 * COMFORT * np.maximum(end - x, 0.0)))
        total += float((step / speed).sum())
        if k is not None:
            came, lane, at = network.num_lanes + k, int(network.link_end[k]), 0.0
            total += float(network.length[came] / free[came])
    return total


def _links_of(vec: VectorEnv, lane: int, place: int) -> list[int]:
    """Return the links that the engine takes from a lane by the route at `place`."""
    s = vec.simulation.settings
    network = network_of(vec.params)
    links = []
    while s.leg[place] != 0:
        links.append(int(s.choice[s.leg[place] + network.lane_index[lane]]) - network.num_lanes)
        lane, place = int(network.link_end[links[-1]]), place + 1
    return links


@pytest.mark.parametrize("layout", ["grid-2x2", "grid-1x2-2-turns", "tee"])
def test_the_ways_on_offer_are_the_quickest_and_their_times_are_right(layout: str):
    vec = intersection_v0.vector_env(1, layout=layout, route_choice=True)
    s, network = vec.simulation.settings, network_of(vec.params)
    seconds = network.length / s.free
    rng = np.random.default_rng(0)
    offered = 0
    routes = load(vec.params).routes
    roads = {int(g): route[-1] for route, g in zip(routes, s.goal, strict=True)}
    assert [roads[int(g)] for g in s.goal] == [route[-1] for route in routes]
    for goal, lane, turn in np.ndindex(s.turn_place.shape):
        found = [
            way
            for way in _ways(network, lane, roads[goal], 5 if layout == "grid-2x2" else 4)
            if way and network.road_link_kind[network.link_movement[way[0]]] == KINDS[turn]
        ]
        place = int(s.turn_place[goal, lane, turn])
        assert (place != NONE) == bool(found), f"goal {goal}, lane {network.drivable_ids[lane]}, turn {turn}"
        if place == NONE:
            continue
        offered += 1
        links = _links_of(vec, lane, place)
        assert network.road_link_kind[network.link_movement[links[0]]] == KINDS[turn]
        assert network.lane_road[network.link_end[links[-1]]] == roads[goal]

        def time(way: list[int]) -> float:
            return sum(seconds[network.num_lanes + k] + seconds[network.link_end[k]] for k in way)

        assert time(links) <= min(map(time, found)) * 1.02 + 0.5  # turns from one lane to another cost a little
        if rng.random() < 0.2:
            alone = _alone(network, s.free, None, lane, float(network.length[lane]), links)
            assert s.after[place, network.lane_index[lane]] == pytest.approx(alone, abs=0.02)
    assert offered >= 6


def _course(steps: int, num_envs: int, wanted: float = 1.0, **chosen: Any):
    """Yield a batch before and after each of some random steps, with the actions; they are allowed."""
    vec = intersection_v0.vector_env(num_envs, **{"layout": "grid-2x2", "route_choice": True, **chosen})
    vec.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        mask = vec.action_mask
        assert mask is not None
        likes = np.array([1.0, 2.0, 0.7, 0.1, wanted, wanted, wanted])
        yield vec, np.where(mask, rng.random(mask.shape) * likes, -1.0).argmax(axis=2)


def test_a_turn_is_taken_and_every_trip_ends_where_it_should():
    roads: dict[tuple[int, int], int] = {}
    turned = arrived = late = 0
    routes: tuple[tuple[int, ...], ...] = ()
    for vec, actions in _course(150, 12, num_vehicles=4, within=5.0, max_cycles=120, mask_unsafe=True):
        s, state, network = vec.simulation.settings, vec.arrays, network_of(vec.params)
        routes = routes or load(vec.params).routes
        before = state.vehicle[..., PLACE].copy(), state.vehicle[..., EXIT].copy(), state.slot.copy()
        driving = state.status == DRIVING
        for e, a in zip(*np.nonzero(driving), strict=True):
            v = state.slot[e, a]
            lane, way = int(before[0][e, v]), before[0][e, v] < network.num_lanes
            rest = network.length[lane] - state.motion[e, v, DIS]
            stops = state.motion[e, v, SPEED] ** 2 / (2.0 * s.hard[state.vehicle[e, v, KIND]]) <= rest
            goal = s.goal[state.fresh_route[e, state.trip[e, v]]]
            open_ = s.turn_place[goal, lane] != NONE if way and stops else np.zeros(3, bool)
            late += bool(way and not stops)
            mask = vec.action_mask[e, a, NUM_ACTIONS:]
            assert not (mask.astype(bool) & ~open_).any()
            if way:
                roads[e, a] = int(network.lane_road[lane])
            else:
                roads[e, a] = int(network.lane_road[network.link_end[lane - network.num_lanes]])
        *_, info = vec.step(actions)
        for e, a in zip(*np.nonzero(driving), strict=True):
            v, turn = before[2][e, a], int(actions[e, a]) - NUM_ACTIONS
            if info["ended"][e]:
                continue
            if info["status"][e, a] == ARRIVED:
                assert roads[e, a] == routes[state.fresh_route[e, state.agent_trip[e, a]]][-1]
                arrived += 1
            elif turn >= 0 and state.slot[e, a] == v and state.vehicle[e, v, PLACE] == before[0][e, v]:
                link = state.vehicle[e, v, EXIT] - network.num_lanes
                assert network.road_link_kind[network.link_movement[link]] == KINDS[turn]
                turned += 1
        metrics = vec.metrics()
        rest = metrics["arrived"] + metrics["driving"] + metrics["outside"] + metrics["removed"]
        np.testing.assert_array_equal(metrics["created"], rest)
    assert turned > 100
    assert arrived > 20
    assert late > 20


def test_a_turn_that_is_not_open_keeps_the_speed_and_the_way():
    chosen: dict[str, Any] = {"layout": "tee", "num_vehicles": 3, "within": 2.0, "route_choice": True, "max_cycles": 90}
    one, other = (intersection_v0.vector_env(8, **chosen) for _ in range(2))
    for vec in (one, other):
        vec.reset(seed=1)
    rng = np.random.default_rng(0)
    closed = 0
    for _ in range(60):
        wish = rng.integers(NUM_ACTIONS, NUM_ACTIONS + 3, (8, 3))
        mask = np.take_along_axis(one.action_mask, wish[..., None], axis=2)[..., 0].astype(bool)
        closed += int((~mask & (one.arrays.status == DRIVING)).sum())
        fast = rng.random((8, 3)) < 0.5
        one.step(np.where(mask | fast, 1, wish))
        other.step(np.where(mask | fast, 1, 0))
        np.testing.assert_array_equal(one.arrays.motion, other.arrays.motion)
        np.testing.assert_array_equal(one.arrays.route_at, other.arrays.route_at)
    assert closed > 100
    assert one.arrays.counts[:, MASKED].sum() > 0
    assert (other.arrays.counts[:, MASKED] == 0).all()


def test_delay_is_against_the_trips_first_way():
    """A car alone that wanders: its delay is its travel time less what its first way takes alone."""
    seen = detours = 0
    start: dict[int, float] = {}
    for vec, actions in _course(
        260, 16, 4.0, num_vehicles=1, within=0.0, max_cycles=200, dt=0.05, decision_interval=0.5
    ):
        s, state, network = vec.simulation.settings, vec.arrays, network_of(vec.params)
        for e in range(16):
            v = state.slot[e, 0]
            if v != NONE and state.cycle[e] == 0:
                first = int(s.route_first[state.fresh_route[e, 0]])
                lane, at = int(state.vehicle[e, v, PLACE]), float(state.motion[e, v, DIS])
                start[e] = _alone(network, s.free, None, lane, at, _links_of(vec, lane, first))
        went = state.step.copy()
        actions = np.where((actions == 2) | (actions == 3), 1, actions)
        sums = state.trip_sum[:, 0, LOST].copy()
        *_, info = vec.step(actions)
        for e in np.flatnonzero(info["ended"] & (info["status"][:, 0] == ARRIVED)):
            if e not in start:
                continue
            seen += 1
            took = float(went[e]) * s.dt
            assert sums[e] == pytest.approx(took - start[e], abs=1.2), f"after {took} s"
            detours += sums[e] > 10.0
            start.pop(e)
    assert seen > 15
    assert detours > 3


def test_what_agents_see_of_their_ways():
    seen = {0: 0, 1: 0, 2: 0, 3: 0}
    for (vec, actions), (tab, _) in zip(
        _course(60, 6, num_vehicles=4, within=4.0, conflicts=2),
        _course(60, 6, num_vehicles=4, within=4.0, observation="tabular"),
        strict=True,
    ):
        obs, label = vec.out.obs, tab.out.label
        assert vec.observation_space.shape == (15 + 24 + OF_ROUTE,)
        assert tab.observation_space.n == 4 * TABULAR_STATES
        for e, a in np.ndindex(6, 4):
            own, turns = obs[e, a, -OF_ROUTE], obs[e, a, 1 - OF_ROUTE :].reshape(3, 3)
            mask = vec.action_mask[e, a, NUM_ACTIONS:]
            np.testing.assert_array_equal(turns[:, 0], mask)
            quicker = int(label[e, a]) // TABULAR_STATES
            seen[quicker] += 1
            if quicker:
                assert own > 0.0
                assert mask[quicker - 1]
                assert turns[quicker - 1, 1] < 1e-6
            assert (obs[e, a] >= -1.0).all()
            if not mask.any():
                assert not obs[e, a, -OF_ROUTE:].any()
                assert quicker == 0
        vec.step(actions)
        tab.step(actions)
    assert min(seen.values()) > 5


def test_cars_of_the_engine_stay_safe_among_agents_that_turn():
    """Agents turn at random but obey the mask: the engine's cars never hit each other."""
    for vec, actions in _course(100, 4, arrivals="flow", flow=2000.0, num_vehicles=8, background=0.5, max_cycles=100):
        vec.step(actions)
        assert (vec.arrays.counts[:, OWN] == 0).all()
    assert math.isfinite(vec.metrics()["delay"].sum())


def test_numbers_as_actions_have_no_choice_of_route():
    with pytest.raises(ParameterError, match="route_choice"):
        intersection_v0.parallel_env(actions="continuous", route_choice=True)
    with pytest.raises(ParameterError, match="route_choice"):
        intersection_v0.parallel_env(route_choice=2)
