"""Pictures of junctions with vehicles: what is shown where, and text."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.render.scene import Circle, Line, Polygon
from marl_envs.render.theme import DARK, LIGHT
from marl_envs.traffic.vehicles.layouts import walks_of
from marl_envs.traffic.vehicles.render import artist
from tests.traffic.vehicles.oracle import rectangle


@pytest.fixture
def env():
    """A junction with some vehicles on it."""
    made = intersection_v0.parallel_env(num_vehicles=8, within=3.0, background=0.3)
    made.reset(seed=1)
    for _ in range(14):
        made.step(dict.fromkeys(made.agents, 1))
    return made


def test_every_vehicle_is_drawn_where_it_is(env):
    frame, drawn = env.frame(), artist(env.params)
    shown = 0
    for theme in (LIGHT, DARK):
        polygons = [s for s in drawn.scene(frame, theme).shapes if isinstance(s, Polygon)]
        for v in np.flatnonzero(frame["place"] >= 0).tolist():
            expected = sorted(drawn.map.at(*corner) for corner in rectangle(drawn.network, frame, v))
            if not drawn.map.holds(Polygon(tuple(expected), theme.ink)):
                continue
            shown += 1
            assert any(len(p.points) == 4 and np.allclose(sorted(p.points), expected, atol=1e-3) for p in polygons), (
                f"vehicle {v} is not shown"
            )
    assert shown > 4


def test_wrecks_and_conflicts_are_marked(env):
    drawn = artist(env.params)
    lines, edges = 0, 0
    for _ in range(20):
        frame = env.frame()
        shapes = drawn.scene(frame, LIGHT).shapes
        lines += sum(isinstance(s, Line) for s in shapes)
        edges += sum(isinstance(s, Polygon) and s.fill == LIGHT.wanted for s in shapes) and int(frame["wreck"].sum())
        env.step(dict.fromkeys(env.agents, 1))
        if not env.agents:
            break
    assert lines > 0
    assert edges > 0


def test_text_says_what_each_agent_does(env):
    text = env.render("ansi")
    assert text.count("vehicle_") == 8
    assert "drives on" in text
    assert "collisions" in text.splitlines()[-1]


def test_people_are_drawn_where_they_walk_and_crosswalks_once():
    env = intersection_v0.parallel_env(num_vehicles=2, within=0.0, crosswalks=True, pedestrians=2000.0)
    env.reset(seed=1)
    for _ in range(12):
        env.step(dict.fromkeys(env.agents, 3))
    drawn, frame = artist(env.params), env.frame()
    scene = drawn.scene(frame, LIGHT)
    dots = [(s.x, s.y) for s in scene.shapes if isinstance(s, Circle) and s.fill == LIGHT.ink]
    shown = 0
    for walk, people in zip(walks_of(env.params), frame["walker"], strict=True):
        for at, _, _ in people[people[:, 1] != 0].tolist():
            assert any(np.allclose(dot, drawn.map.at(*(walk.start + at * walk.along))) for dot in dots)
            shown += 1
    assert shown == len(dots) > 4
    stripes = [s for s in scene.background if isinstance(s, Polygon) and _area(s.points) == pytest.approx(0.5 * 3.0)]
    assert len(stripes) == 4 * 6  # one a metre on 6.4 m
    assert ("people hit", "0") in scene.values


def _area(points) -> float:
    """Return the area of a polygon."""
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(points, (*points[1:], points[0]), strict=True))) / 2
