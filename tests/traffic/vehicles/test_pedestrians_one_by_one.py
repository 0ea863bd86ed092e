"""Crosswalks, one car and one person at a time: who yields, what a hit costs, what agents see; bad values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import END_LANE, EXIT, LANE_INDEX, LENGTH, PLACE, SPEED
from marl_envs.traffic.vehicles.layouts import network_of, walks_of
from marl_envs.traffic.vehicles.lookout import OF_WALKS
from marl_envs.traffic.vehicles.params import Params
from marl_envs.traffic.vehicles.pedestrians import NOBODY, YIELD
from marl_envs.traffic.vehicles.types import (
    AT_END,
    AT_START,
    DIS,
    DRIVING,
    KEEP,
    NONE,
    NUM_ACTIONS,
    SETBACK,
    TURN_ACTIONS,
    WALK_HIT,
)
from tests.traffic.vehicles.crossing import by_engine


def _alone(**chosen: Any) -> VectorEnv:
    """Return an environment with one car straight ahead on a cross, and nobody who would walk by chance."""
    vec = intersection_v0.vector_env(
        1, num_vehicles=1, within=0.0, turns=(0, 1, 0), crosswalks=True, pedestrians=0.0, **chosen
    )
    vec.reset(seed=0)
    return vec


def _put(vec: VectorEnv, lane: int, side: int, at: float, pace: float) -> int:
    """Put somebody `at` metres from the middle of a lane, before it as they walk; return the gate."""
    s = vec.simulation.settings
    x = int(s.lane_gate[lane, side])
    b = int(np.searchsorted(s.gate_first, x, side="right")) - 1
    vec.arrays.walker[0, b, 0] = (s.gate_place[x] - np.sign(pace) * at, pace, 0.0)
    return x


def test_who_does_not_brake_hits_and_stops_and_is_told():
    shown = []
    for at, pace in ((7.0, 1.0), (4.2, 0.6)):  # in the gate when the car cannot stop any more, and before that
        vec = _alone(decision_interval=0.25)
        lane = int(vec.arrays.vehicle[0, vec.arrays.slot[0, 0], PLACE])
        _put(vec, lane, AT_END, at, pace)
        ended = False
        while not ended:
            _, reward, terminated, _, info = vec.step(np.array([[1]]))
            ended = bool(info["ended"][0])
        shown.append((reward[0, 0], info["metrics"]))
    metrics = shown[0][1]
    assert metrics["pedestrian_collisions"][0] == metrics["wrecks"][0] == 0
    assert metrics["pedestrian_conflicts"][0] == 1  # it waited at the edge
    assert terminated[0, 0]
    assert info["metrics"]["pedestrian_collisions"][0] == info["metrics"]["wrecks"][0] == 1
    assert info["metrics"]["collisions"][0] == 0
    assert info["metrics"]["pedestrian_conflicts"][0] == 1
    assert info["fault"][0, 0] == 2
    assert reward[0, 0] < -9.5


def test_the_mask_looks_at_the_crosswalk_behind_the_turn_and_not_at_the_one_straight_on():
    """A turn is open as long as the car can keep its speed until the next decision and then stop there."""
    vec = _alone(layout="grid-2x2", route_choice=True, mask_unsafe=True, hard_brake=2.0, length=150.0)
    s, state = vec.simulation.settings, vec.arrays
    v, shown = int(state.slot[0, 0]), set()
    lane = int(state.vehicle[0, v, PLACE])
    goal = s.goal[state.fresh_route[0, state.trip[0, v]]]
    ways = {turn: int(s.turn_place[goal, lane, turn]) for turn in range(TURN_ACTIONS)}
    link_of = {turn: int(s.choice[s.leg[at] + s.drivable[lane, LANE_INDEX]]) for turn, at in ways.items() if at != NONE}
    own = int(state.vehicle[0, v, EXIT])
    other = next(turn for turn, link in link_of.items() if link != own)
    link = link_of[other]
    x = _put(vec, int(s.drivable[link, END_LANE]), AT_START, 0.0, 0.01)
    while True:
        vec.step(np.array([[KEEP]]))
        speed, rest = state.motion[0, v, SPEED], s.measure[lane, LENGTH] - state.motion[0, v, DIS]
        if state.vehicle[0, v, PLACE] != lane or rest < speed * speed / 9.0:
            break
        assert state.gate_in[0, x] == 0.0
        room = rest + s.measure[link, LENGTH] - SETBACK
        keeps = 0.5 * speed + speed * speed / 4.0 + 2.0 * 0.25**2 / 8.0 <= room
        mask = vec.action_mask
        assert mask is not None
        assert mask[0, 0, KEEP]
        assert bool(mask[0, 0, NUM_ACTIONS + other]) == keeps
        shown.add(keeps)
    assert shown == {False, True}


@pytest.mark.parametrize("side", [AT_END, AT_START])
def test_a_car_of_the_engine_stops_before_the_line_until_the_lane_is_free(side: int):
    """One who walks slowly enough that the car has to wait: it stands before the crosswalk, then drives on."""
    chosen = {"arrivals": "flow", "flow": 1.0, "num_vehicles": 1, "turns": (0, 1, 0), "max_cycles": 400}
    vec = by_engine({**chosen, "crosswalks": True, "pedestrians": 0.0, "decision_interval": 0.25}, 1)
    vec.reset(seed=0)
    trip = int(vec.arrays.next_trip[0])
    vec.arrays.fresh_step[0, trip], vec.arrays.fresh_route[0, trip] = vec.arrays.step[0] + 1, 0
    vec.arrays.fresh_kind[0, trip], vec.arrays.fresh_speed[0, trip] = 0, 13.89
    network = network_of(vec.params)
    stood, last, put = 0, 0.0, NONE
    for _ in range(200):
        vec.step(np.zeros((1, 1), int))
        there = np.flatnonzero(vec.arrays.vehicle[0, :, PLACE] != NONE)
        if not len(there):
            continue
        v = there[0]
        d = int(vec.arrays.vehicle[0, v, PLACE])
        if put == NONE and d < network.num_lanes:
            link = int(vec.arrays.vehicle[0, v, EXIT]) - network.num_lanes
            lane = d if side == AT_END else int(network.link_end[link])
            put = _put(vec, lane, side, 3.0, 0.3)
        if put != NONE and vec.arrays.gate_in[0, put] == 0.0 and d != NONE:
            stop = network.length[lane] if side == AT_END else network.length[network.num_lanes + link] - SETBACK
            on_way = d == lane if side == AT_END else d == network.num_lanes + link
            assert on_way or vec.arrays.motion[0, v, DIS] < 90.0
            if on_way:
                assert vec.arrays.motion[0, v, DIS] <= stop
                stood += int(vec.arrays.motion[0, v, SPEED] < 0.1)
                last = stop - vec.arrays.motion[0, v, DIS]
    assert stood > 5
    assert last < 4.0
    assert vec.arrays.counts[0, WALK_HIT] == 0
    assert (vec.arrays.vehicle[0, :, PLACE] == NONE).all()


def test_what_agents_see_of_people():
    chosen: dict[str, Any] = {
        "num_vehicles": 6,
        "within": 4.0,
        "crosswalks": True,
        "pedestrians": 1200.0,
        "conflicts": 2,
    }
    vec = intersection_v0.vector_env(6, **chosen)
    vec.reset(seed=5)
    network, s, rng = network_of(vec.params), vec.simulation.settings, np.random.default_rng(1)
    assert vec.observation_space.shape == (15 + 24 + OF_WALKS,)
    near = 0
    for _ in range(60):
        obs, *_ = vec.step(rng.choice(4, (6, 6), p=[0.4, 0.4, 0.15, 0.05]))
        assert vec.state_space.contains(vec.state()[0])
        for e, a in zip(*np.nonzero(vec.arrays.status == DRIVING), strict=True):
            v = vec.arrays.slot[e, a]
            d, dis = int(vec.arrays.vehicle[e, v, PLACE]), float(vec.arrays.motion[e, v, DIS])
            link = (
                d - network.num_lanes
                if d >= network.num_lanes
                else int(vec.arrays.vehicle[e, v, EXIT]) - network.num_lanes
            )
            shown = obs[e, a, -OF_WALKS:].reshape(2, 4)
            if link < 0:
                assert not shown.any()
                continue
            rooms = []
            if d < network.num_lanes:
                rooms.append((network.length[d] - dis, s.lane_gate[d, AT_END]))
                dis = dis - network.length[d]
            rooms.append(
                (
                    network.length[network.num_lanes + link] - SETBACK - dis,
                    s.lane_gate[network.link_end[link], AT_START],
                )
            )
            if d >= network.num_lanes and dis < s.gate_way[0]:
                rooms.insert(0, (-dis, s.lane_gate[network.link_start[link], AT_END]))
            rooms = [(room, x) for room, x in rooms if room + s.gate_way[x] > 0]
            assert shown[:, 0].sum() == len(rooms)
            for part, (room, x) in zip(shown, rooms, strict=False):
                assert part[1] == pytest.approx(np.clip(room / 100.0, -1, 1), abs=1e-6)
                times = _times(vec, e, int(x))
                assert part[2] == pytest.approx(min(1.0, times[0] / 20.0), abs=1e-6)
                assert part[3] == pytest.approx(min(1.0, times[1] / 20.0), abs=1e-6)
                near += times[0] < YIELD
    assert near > 50


def _times(vec: VectorEnv, e: int, x: int) -> tuple[float, float]:
    """Return when the next one is in a gate, and when all who walk there have left it, in plain Python [s]."""
    s = vec.simulation.settings
    b = int(np.searchsorted(s.gate_first, x, side="right")) - 1
    inside, out = NOBODY, 0.0
    for at, pace, _ in vec.arrays.walker[e, b].tolist():
        low, high = sorted((s.gate_place[x] + side * s.gate_half - at) / pace for side in (-1, 1)) if pace else (0, -1)
        if high > 0.0:
            inside, out = min(inside, max(0.0, low)), max(out, high)
    return inside, out


@pytest.mark.parametrize("layout", ["cross-2-turns", "roundabout", "grid-1x2", "rilsa1"])
def test_stop_lines_move_back_and_ways_stay_as_long(layout: str):
    plain, walked = (Params(layout=layout, crosswalks=on) for on in (False, True))
    before, after = network_of(plain), network_of(walked)
    lanes, drawn = before.num_lanes, []
    for d in range(len(after.length)):
        line = after.xy[after.first_point[d] : after.first_point[d + 1]]
        drawn.append(float(np.hypot(*np.diff(line, axis=0).T).sum()))
    for k in range(before.num_links):
        a, b = before.link_start[k], before.link_end[k]
        whole = [float(n.length[a] + n.length[lanes + k] + n.length[b]) for n in (before, after)]
        other = sum(float(after.length[lane] - before.length[lane]) % SETBACK for lane in (a, b))
        assert other == pytest.approx(0.0, abs=1e-6) or other == pytest.approx(SETBACK, abs=1e-6)
        cut = float(before.length[a] + before.length[b] - after.length[a] - after.length[b])
        added = float(after.length[lanes + k] - before.length[lanes + k])
        assert cut >= added - 1e-6  # a lane between two junctions is cut at both ends
        assert whole[1] <= whole[0] + 1e-6
    if layout != "rilsa1":  # SUMO's links are not as long as they are drawn
        np.testing.assert_allclose(after.length, drawn, rtol=1e-6)
    walks = walks_of(walked)
    assert len(walks) == {"cross-2-turns": 4, "roundabout": 4, "grid-1x2": 8, "rilsa1": 4}[layout]
    for walk in walks:
        for gate in walk.gates:
            assert abs(float((gate.at - walk.start) @ walk.along)) < walk.length
            assert abs(float(gate.ahead @ walk.along)) < 0.1


def test_bad_values_are_refused():
    with pytest.raises(ParameterError, match="pedestrians"):
        intersection_v0.parallel_env(crosswalks=True, pedestrians=-1.0)
    with pytest.raises(ParameterError, match="crosswalks"):
        intersection_v0.parallel_env(crosswalks="yes")
    with pytest.raises(ParameterError, match="25 m"):
        intersection_v0.parallel_env(length=30.0, crosswalks=True)
