"""Pictures as observations, against rectangles and lines drawn in plain Python from frames alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.params import ParameterError
from marl_envs.traffic.network import Network
from marl_envs.traffic.vehicles.layouts import network_of, walks_of
from marl_envs.traffic.vehicles.types import DRIVING
from tests.traffic.vehicles.oracle import point_at, rectangle

NEAR = 0.03  # places are on lines of points half a metre apart [m]


class Eye:
    """The cells that a vehicle sees, as points of the plane."""

    def __init__(
        self, network: Network, frame: dict[str, Any], v: int, shape: tuple[int, int, int], reach: float
    ) -> None:
        (ax, ay), _, (cx, cy), (dx, dy) = rectangle(network, frame, v)
        self.middle = (ax + cx) / 2, (ay + cy) / 2
        size = math.dist((ax, ay), (dx, dy))
        self.ahead = (ax - dx) / size, (ay - dy) / size
        self.rows, self.cell, self.reach = shape[1], 2 * reach / shape[1], reach

    def point(self, i: int, j: int) -> tuple[float, float]:
        """Return the middle of a cell."""
        ahead, left = self.reach - (i + 0.5) * self.cell, self.reach - (j + 0.5) * self.cell
        (ux, uy), (x, y) = self.ahead, self.middle
        return x + ahead * ux - left * uy, y + ahead * uy + left * ux

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return row and column of a point, with fractions."""
        (ux, uy), dx, dy = self.ahead, x - self.middle[0], y - self.middle[1]
        return (self.reach - dx * ux - dy * uy) / self.cell, (self.reach - dy * ux + dx * uy) / self.cell


def _depth(point: tuple[float, float], corners: list[tuple[float, float]]) -> float:
    """Return how far a point is within a rectangle, given counter-clockwise; negative outside [m]."""
    depths = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        depths.append(((x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0)) / math.dist((x0, y0), (x1, y1)))
    return min(depths)


def _off_road(network: Network, point: tuple[float, float]) -> float:
    """Return how far a point is from the next road, negative within one [m]."""
    best = math.inf
    for d in range(len(network.length)):
        lane = d if d < network.num_lanes else int(network.link_start[d - network.num_lanes])
        line = network.xy[network.first_point[d] : network.first_point[d + 1]]
        a, along = line[:-1], np.diff(line, axis=0)
        share = np.clip(((point - a) * along).sum(1) / np.maximum((along**2).sum(1), 1e-12), 0, 1)
        away = float(np.hypot(*(point - a - share[:, None] * along).T).min())
        best = min(best, away - float(network.lane_width[lane]) / 2)
    return best


def _course(**chosen: Any):
    """Yield an environment with its pictures by agent, after some random steps."""
    env = intersection_v0.parallel_env(observation="image", **chosen)
    rng = np.random.default_rng(2)
    for seed in range(3):
        obs, _ = env.reset(seed=seed)
        for t in range(36):
            if t % 6 == 0:
                yield env, env.frame(), {agent: row.reshape(env.params.image_shape) for agent, row in obs.items()}
            if not env.agents:
                break
            obs, *_ = env.step({agent: int(rng.choice([0, 1, 1, 2])) for agent in env.agents})


@pytest.mark.parametrize(
    "chosen",
    [
        {"num_vehicles": 8, "within": 3.0, "background": 0.2, "image_size": 20, "image_range": 20.0},
        {"layout": "roundabout", "num_vehicles": 6, "within": 3.0, "image_size": 24, "image_range": 15.0},
    ],
)
def test_vehicles_and_speeds_are_where_the_rectangles_are(chosen: dict[str, Any]):
    shown = 0
    for env, frame, images in _course(**chosen):
        network = network_of(env.params)
        boxes = {u: rectangle(network, frame, u) for u in np.flatnonzero(frame["place"] >= 0).tolist()}
        for a, agent in enumerate(env.possible_agents):
            if agent not in images or frame["status"][a] != DRIVING:
                assert agent not in images or not images[agent].any()
                continue
            v, image = int(frame["slot"][a]), images[agent]
            eye = Eye(network, frame, v, env.params.image_shape, env.params.image_range)
            for i, j in np.ndindex(image.shape[1:]):
                depth = {u: _depth(eye.point(i, j), box) for u, box in boxes.items() if u != v}
                holds = [u for u in depth if _in_cell(eye, boxes[u], i, j)]
                inside = [u for u, far in depth.items() if far > NEAR] + holds
                if inside:
                    assert image[2, i, j] == 1.0
                    assert any(_has_speed(image, frame, eye, boxes, u, i, j) for u in depth)
                    shown += 1
                elif all(far < -NEAR for far in depth.values()) and not any(
                    _near_cell(eye, boxes[u], i, j) for u in depth
                ):
                    assert not image[2:5, i, j].any()
    assert shown > 50


def _middle(eye: Eye, box: list[tuple[float, float]]) -> tuple[float, float]:
    return eye.place((box[0][0] + box[2][0]) / 2, (box[0][1] + box[2][1]) / 2)


def _in_cell(eye: Eye, box: list[tuple[float, float]], i: int, j: int) -> bool:
    """Return whether the middle of a rectangle is surely in a cell."""
    row, column = _middle(eye, box)
    return 0.03 < row - i < 0.97 and 0.03 < column - j < 0.97


def _near_cell(eye: Eye, box: list[tuple[float, float]], i: int, j: int) -> bool:
    row, column = _middle(eye, box)
    return -0.03 < row - i < 1.03 and -0.03 < column - j < 1.03


def _has_speed(image: Any, frame: dict[str, Any], eye: Eye, boxes: Any, u: int, i: int, j: int) -> bool:
    (ax, ay), _, _, (dx, dy) = boxes[u]
    size, speed = math.dist((ax, ay), (dx, dy)), float(frame["speed"][u]) / 13.89
    hx, hy, (ux, uy) = (ax - dx) / size, (ay - dy) / size, eye.ahead
    seen = speed * (hx * ux + hy * uy), speed * (hy * ux - hx * uy)
    return bool(np.allclose(image[3:5, i, j], seen, atol=0.01))


def test_road_and_own_path_are_where_the_lines_are():
    road, dots, rng = 0, 0, np.random.default_rng(3)
    for env, frame, images in _course(num_vehicles=3, within=3.0, image_size=21, image_range=30.0):
        network = network_of(env.params)
        for a, agent in enumerate(env.possible_agents):
            if agent not in images or frame["status"][a] != DRIVING:
                continue
            v, image = int(frame["slot"][a]), images[agent]
            eye = Eye(network, frame, v, env.params.image_shape, env.params.image_range)
            for i, j in rng.integers(0, 21, (40, 2)).tolist():
                off = _off_road(network, eye.point(i, j))
                if abs(off) > 0.4:  # the map has cells of half a metre
                    assert image[0, i, j] == (off < 0), f"{off} m off the road"
                    road += off < 0
            cells, points = _path(network, frame, v, eye)
            assert cells
            for i, j in cells:
                assert image[1, i, j] == 1.0
                dots += 1
            for i, j in zip(*np.nonzero(image[1]), strict=True):
                assert min(math.dist((i + 0.5, j + 0.5), point) for point in points) < 0.75
    assert road > 50
    assert dots > 100


def _path(network: Network, frame: dict[str, Any], v: int, eye: Eye) -> tuple[set[tuple[int, int]], list[Any]]:
    """Return the cells whose inner part the way of `v` passes, to the end of the lane behind the junction at most.

    And all points of this way, in rows and columns.
    """
    points: list[Any] = []
    d, at, found = int(frame["place"][v]), float(frame["dis"][v]), set()
    link, left = int(frame["exit"][v]), 2 * eye.reach + 1.0
    while left > 0:
        if at > network.length[d]:
            at -= float(network.length[d])
            d, link = (int(network.link_end[d - network.num_lanes]), -1) if d >= network.num_lanes else (link, link)
            if d < 0:
                break
            continue
        row, column = eye.place(*point_at(network, d, at))
        points.append((row, column))
        inner = left > 2.0 and 0.15 < row % 1 < 0.85 and 0.15 < column % 1 < 0.85
        if inner and 0 <= row < eye.rows and 0 <= column < eye.rows:
            found.add((int(row), int(column)))
        at, left = at + 0.1, left - 0.1
    return found, points


def test_people_are_in_their_cells():
    seen = 0
    for env, frame, images in _course(num_vehicles=4, within=3.0, crosswalks=True, pedestrians=1500.0, layout="tee"):
        network = network_of(env.params)
        assert env.params.image_shape == (6, 40, 40)
        for a, agent in enumerate(env.possible_agents):
            if agent not in images or frame["status"][a] != DRIVING:
                continue
            eye = Eye(network, frame, int(frame["slot"][a]), env.params.image_shape, 25.0)
            image, expected = images[agent], 0
            for b, walk in enumerate(walks_of(env.params)):
                for at, pace, _ in frame["walker"][b].tolist():
                    row, column = eye.place(*(walk.start + at * walk.along).tolist()) if pace else (-1.0, -1.0)
                    if not (0 <= row < 40 and 0 <= column < 40):
                        continue
                    expected += 1
                    if 0.03 < row % 1 < 0.97 and 0.03 < column % 1 < 0.97:
                        assert image[5, int(row), int(column)] == 1.0
                        seen += 1
            assert image[5].sum() <= expected
    assert seen > 30


def test_a_car_right_ahead_and_one_from_the_left():
    """In closed form: a car that follows another by d metres sees it d / cell rows above the middle."""
    vec = intersection_v0.vector_env(
        1, num_vehicles=2, within=0.0, turns=(0, 1, 0), platoon=2, observation="image", image_size=50, image_range=25.0
    )
    vec.reset(seed=0)
    for _ in range(6):
        obs, *_ = vec.step(np.array([[0, 0]]))
    frame = vec.frame(0)
    slots, places = frame["slot"], frame["dis"]
    assert frame["place"][slots[0]] == frame["place"][slots[1]]
    back = int(np.argmin(places[slots]))
    gap = float(places[slots].max() - places[slots].min())
    image = obs[0, back].reshape(vec.params.image_shape)
    rows, columns = np.nonzero(image[2])
    assert set(columns.tolist()) == {24, 25}  # 1.8 m are two cells of 1 m
    assert rows.mean() == pytest.approx(24.5 - gap, abs=0.51)
    np.testing.assert_allclose(image[3][rows, columns], frame["speed"][slots[1 - back]] / 13.89, atol=1e-6)
    assert np.abs(image[4]).max() < 1e-6


def test_bad_values_are_refused():
    for chosen, message in (
        ({"image_size": 2}, "image_size"),
        ({"image_range": 1.0}, "image_range"),
        ({"observation": "image", "noise": 0.1}, "noise must be 0"),
    ):
        with pytest.raises(ParameterError, match=message):
            intersection_v0.parallel_env(**chosen)
