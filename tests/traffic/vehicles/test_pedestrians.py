"""Crosswalks: people against cars as rectangles in plain Python, who yields, what a hit costs, what agents see."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import intersection_v0
from marl_envs.core import params
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import EXIT, PLACE, SPEED
from marl_envs.traffic.vehicles.env import build
from marl_envs.traffic.vehicles.layouts import network_of, walks_of
from marl_envs.traffic.vehicles.lookout import OF_WALKS
from marl_envs.traffic.vehicles.params import Params
from marl_envs.traffic.vehicles.pedestrians import APPROACH, NOBODY, QUICKEST, SLOWEST, YIELD
from marl_envs.traffic.vehicles.types import (
    AT_END,
    AT_START,
    DIS,
    DRIVING,
    NONE,
    OWN,
    PACE,
    PERSON,
    SETBACK,
    VEHICLE_STEPS,
    WALK_AT,
    WALK_HIT,
)
from tests.traffic.vehicles.oracle import rectangle

LAYOUTS = ("cross", "cross-2", "cross-turns", "tee", "roundabout", "grid-2x2", "rilsa1")


def _distance(point: Any, corners: list[tuple[float, float]]) -> float:
    """Return how far a point is from a rectangle, 0 inside [m]."""
    (ax, ay), (bx, by), (cx, cy), _ = corners
    parts = []
    for x, y in ((bx - ax, by - ay), (cx - bx, cy - by)):
        size = math.hypot(x, y)
        mx, my = (ax + cx) / 2, (ay + cy) / 2
        parts.append(max(0.0, abs((point[0] - mx) * x + (point[1] - my) * y) / size - size / 2))
    return math.hypot(*parts)


def _people(env: Any, frame: dict[str, Any]) -> dict[tuple[int, int], Any]:
    """Return where everybody is on the plane, by crosswalk and slot."""
    return {
        (b, i): walk.start + float(frame["walker"][b, i, WALK_AT]) * walk.along
        for b, walk in enumerate(walks_of(env.params))
        for i in np.flatnonzero(frame["walker"][b, :, PACE]).tolist()
    }


def _touched(env: Any, network: Any, frame: dict[str, Any], room: float) -> set[tuple[int, int]]:
    """Return who is nearer than `room` [m] to a car that has not crashed."""
    boxes = [
        rectangle(network, frame, v) for v in np.flatnonzero((frame["place"] >= 0) & (frame["wreck"] == 0)).tolist()
    ]
    people = _people(env, frame)
    return {key for key, point in people.items() if any(_distance(point, box) < room for box in boxes)}


def _by_engine(chosen: dict[str, Any], num_envs: int) -> VectorEnv:
    """Return a batch in which the engine drives every vehicle."""
    simulation = build(params.build(Params, chosen))
    driven = simulation.settings._replace(background=1.0)
    return VectorEnv(type(simulation)(**{**vars(simulation), "settings": driven}), num_envs)


@pytest.mark.parametrize("layout", ["cross-turns", "roundabout", "rilsa1"])
def test_cars_of_the_engine_never_touch_anyone(layout: str):
    """At every step of the engine, all cars are out of reach of all people, who do cross."""
    chosen = {"layout": layout, "arrivals": "flow", "flow": 900.0, "num_vehicles": 1, "max_cycles": 1200}
    vec = _by_engine({**chosen, "decision_interval": 0.25, "crosswalks": True, "pedestrians": 400.0}, 1)
    network = network_of(vec.params)
    vec.reset(seed=1)  # ten minutes pass, as no agent ever drives
    for _ in range(40):
        vec.step(np.zeros((1, 1), int))
        assert not _touched(vec, network, vec.frame(0), PERSON)
    metrics = vec.metrics()
    assert metrics["pedestrian_collisions"][0] == metrics["background_collisions"][0] == metrics["collisions"][0] == 0
    assert metrics["pedestrians"][0] > 100
    assert metrics["arrived"][0] > 60
    assert metrics["deadlock_size"][0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_cars_of_the_engine_never_touch_anyone_in_a_million_steps(layout: str):
    steps = 0
    for flow, people in ((600.0, 1500.0), (1500.0, 200.0), (3000.0, 800.0)):
        chosen = {"layout": layout, "arrivals": "flow", "flow": flow, "num_vehicles": 1, "max_cycles": 1200}
        vec = _by_engine({**chosen, "crosswalks": True, "pedestrians": people}, 16)
        vec.reset(seed=2)
        for _ in range(600):
            vec.step(np.zeros((16, 1), int))
        assert (vec.arrays.counts[:, WALK_HIT] == 0).all()
        assert (vec.arrays.counts[:, OWN] == 0).all()
        steps += int(vec.arrays.counts[:, VEHICLE_STEPS].sum())
    assert steps > 1_000_000


def test_who_is_touched_is_hit_and_nobody_else():
    """Agents drive at random: every contact with a car is a hit in that step, and every hit was a contact."""
    env = intersection_v0.parallel_env(
        num_vehicles=6, within=4.0, turns=(1, 0, 1), decision_interval=0.25, crosswalks=True, pedestrians=3600.0,
        max_cycles=70,
    )  # fmt: skip
    network, rng = network_of(env.params), np.random.default_rng(0)
    term, hits = env.reward_terms.index("pedestrian"), 0
    for seed in range(4):
        env.reset(seed=seed)
        before = env.frame()
        while env.agents:
            *_, infos = env.step({agent: int(rng.choice([0, 1, 1, 1, 2])) for agent in env.agents})
            frame, count = env.frame(), int(env.metrics()["pedestrian_collisions"])
            assert not _touched(env, network, frame, PERSON - 1e-3)
            told = [info for info in infos.values() if info["reward_terms"][term] < 0.0]
            for info in told:
                assert info["fault"] == 2
                assert info["reward_terms"][term] == -10.0
                assert info["reward_terms"][env.reward_terms.index("collision")] == 0.0
            gone = _gone(env, before, frame)
            boxes = [rectangle(network, frame, v) for v in np.flatnonzero(frame["wreck"]).tolist()]
            assert bool(gone) == bool(told)
            assert all(any(_distance(point, box) < PERSON + 0.01 for box in boxes) for point in gone)
            hits += len(gone)
            assert len(gone) <= count
            before = frame
    assert hits > 3


def _gone(env: Any, before: dict[str, Any], frame: dict[str, Any]) -> list[Any]:
    """Return where those would be who have disappeared in a step without having got to the other side."""
    walks, points = walks_of(env.params), []
    for (b, i), _ in _people(env, before).items():
        at, pace, _ = before["walker"][b, i].tolist()
        now = frame["walker"][b, i]
        to = at + pace * 0.25
        if now[PACE] != pace and 0.0 <= to <= walks[b].length:
            points.append(walks[b].start + float(now[WALK_AT]) * walks[b].along)
    return points


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    people=st.sampled_from((50.0, 600.0, 2500.0)),
    layout=st.sampled_from(("cross", "cross-2", "roundabout", "grid-1x2")),
)
def test_agents_that_obey_the_mask_never_hit_anyone(seed: int, people: float, layout: str):
    """Whatever they choose; and people only stand at the edge of a lane, for at most as long as a car is there."""
    chosen: dict[str, Any] = {"num_vehicles": 6, "within": 3.0, "max_cycles": 80, "layout": layout}
    vec = intersection_v0.vector_env(4, mask_unsafe=True, crosswalks=True, pedestrians=people, **chosen)
    vec.reset(seed=seed)
    rng, s = np.random.default_rng(seed), vec.simulation.settings
    for _ in range(60):
        mask = vec.action_mask
        assert mask is not None
        vec.step(np.where(mask, rng.random(mask.shape) * [1, 2, 1, 0.3], -1).argmax(axis=2))
        assert (vec.arrays.counts[:, WALK_HIT] == 0).all()
        for e, b, i in zip(*np.nonzero(vec.arrays.walker[..., 2]), strict=True):
            if vec.arrays.walker[e, b, i, PACE] != 0.0:
                gates = slice(s.gate_first[b], s.gate_first[b + 1])
                edges = s.gate_place[gates][:, None] + np.array((-s.gate_half, s.gate_half))
                assert np.abs(edges - vec.arrays.walker[e, b, i, WALK_AT]).min() < 1e-9


def test_people_come_by_a_poisson_process_and_walk_as_weidmann_says():
    vec = intersection_v0.vector_env(
        40,
        layout="tee",
        num_vehicles=1,
        within=0.0,
        crosswalks=True,
        pedestrians=720.0,
        max_cycles=10**6,
        clear_time=0.0,
        decision_interval=0.25,
    )
    vec.reset(seed=3)
    paces, crossed = [], vec.metrics()["pedestrians"]
    start = vec.arrays.next_walker.copy()
    vec.arrays.status[:] = 1  # the only trip goes on: nobody ever ends the episode
    for _ in range(800):
        vec.step(np.full((40, 1), 3))
        walker = vec.arrays.walker
        fresh = np.minimum(walker[..., WALK_AT] + APPROACH, 6.4 + APPROACH - walker[..., WALK_AT]) < 1e-9
        fresh &= walker[..., PACE] != 0
        paces += np.abs(walker[..., PACE][fresh]).tolist()
    assert (start > 0).all()
    # 120 crosswalks, 200 s, 0.2 a second: 4,800
    came = float((vec.metrics()["pedestrians"] - crossed).sum() + (vec.arrays.walker[..., PACE] != 0).sum())
    assert came == pytest.approx(4800, rel=0.05)
    assert np.mean(paces) == pytest.approx(1.34, abs=0.02)
    assert np.std(paces) == pytest.approx(0.26, abs=0.02)
    assert min(paces) >= SLOWEST
    assert max(paces) <= QUICKEST


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


@pytest.mark.parametrize("side", [AT_END, AT_START])
def test_a_car_of_the_engine_stops_before_the_line_until_the_lane_is_free(side: int):
    """One who walks slowly enough that the car has to wait: it stands before the crosswalk, then drives on."""
    chosen = {"arrivals": "flow", "flow": 1.0, "num_vehicles": 1, "turns": (0, 1, 0), "max_cycles": 400}
    vec = _by_engine({**chosen, "crosswalks": True, "pedestrians": 0.0, "decision_interval": 0.25}, 1)
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
