"""Pictures of signals: what is shown where, and text."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs import traffic_signals_v0
from marl_envs.render.scene import Polygon, Polygons
from marl_envs.render.theme import DARK, LIGHT
from marl_envs.traffic.signals.render import artist


@pytest.fixture
def env():
    """A junction after five minutes."""
    made = traffic_signals_v0.parallel_env(demand="uniform-800", warmup=60.0)
    made.reset(seed=1)
    for k in range(24):
        made.step({"signal_0": k // 6})
    return made


def test_the_picture_shows_every_vehicle_and_signal(env):
    frame, drawn = env.frame(), artist(env.params)
    for theme in (LIGHT, DARK):
        scene = drawn.scene(frame, theme)
        assert all(0 <= x <= scene.width + 60 for s in scene.shapes if isinstance(s, Polygon) for x, _ in s.points)
        bars = [s for s in scene.shapes if isinstance(s, Polygon) and s.fill in (theme.goal, theme.wanted)]
        assert bars
        values = dict(scene.values)
        assert values["driving"] == str(int((frame["place"] >= 0).sum()))
    there = np.flatnonzero(frame["place"] >= 0).tolist()
    boxes = [
        drawn.map.box(*(f(frame[n][v]) for f, n in ((int, "place"), (float, "dis"), (float, "body"))), 1.0)
        for v in there
    ]
    shown = [box for box in boxes if drawn.map.holds(Polygon(box, LIGHT.agent))]
    bodies, glass = (s for s in scene.shapes if isinstance(s, Polygons))
    assert len(bodies.fills) == len(glass.fills) == len(shown) > 10
    np.testing.assert_allclose(bodies.corners, shown, atol=1e-3)


def test_a_vehicle_is_where_it_is(env):
    drawn, frame = artist(env.params), env.frame()
    v = int(np.flatnonzero(frame["place"] >= 0)[0])
    d, dis = int(frame["place"][v]), float(frame["dis"][v])
    corners = np.array(drawn.map.box(d, dis, 5.0, 1.0))
    x, y, dx, dy = drawn.map.tracks[d].place(dis)
    np.testing.assert_allclose(corners[:2].mean(axis=0), (x - drawn.map.left, drawn.map.top - y))
    np.testing.assert_allclose(corners[2:].mean(axis=0), (x - 5 * dx - drawn.map.left, drawn.map.top - y + 5 * dy))
    assert drawn.map.tracks[d].at[-1] == pytest.approx(drawn.network.length[d])


def test_vehicles_move_between_two_frames(env):
    drawn, before = artist(env.params), env.frame()
    short = traffic_signals_v0.parallel_env(demand="uniform-800", decision_interval=1.0, yellow=3.0, max_cycles=500)
    short.reset(seed=1)
    for _ in range(60):
        short.step({"signal_0": 0})
    before = short.frame()
    short.step({"signal_0": 0})
    after = short.frame()
    half = drawn.between(before, after, 0.5)
    same = (before["place"] == after["place"]) & (before["place"] >= 0) & (after["dis"] > before["dis"])
    assert same.any()
    np.testing.assert_allclose(half["dis"][same], (before["dis"] + after["dis"])[same] / 2, rtol=1e-6)


def test_text_names_phases_and_numbers(env):
    text = env.render("ansi")
    frame = env.frame()
    assert text.startswith(f"signal_0 phase {int(frame['phase'][0])} (")
    created, finished, driving = frame["trips"].tolist()
    assert f"{driving} driving, {created - finished - driving} outside, {finished} arrived" in text
