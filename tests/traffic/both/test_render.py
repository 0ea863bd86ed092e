"""How vehicles and signals are shown together, and what the viewer knows of either kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import traffic_v0
from marl_envs.render.artists import artist_for
from marl_envs.render.scene import Frame, Moment, Polygon, Text, artist_of
from marl_envs.render.theme import LIGHT
from marl_envs.render.viewer import Session
from marl_envs.render.viewer.policies import find_policy
from tests.render.golden_cases import episode


@pytest.fixture(scope="module")
def artist() -> Any:
    """Of the episode that golden pictures show: 12 vehicles, one signal with four phases."""
    return artist_for(episode("traffic").env)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """Of that episode."""
    return list(episode("traffic").frames())


def test_each_kind_has_its_own_actions_and_keys(artist, frames):
    car, signal = artist_of(artist, 0), artist_of(artist, 12)
    assert car.actions[:2] == ("keep speed", "accelerate")
    assert signal.actions[:2] == ("phase 0", "phase 1")
    assert "up" in car.keys
    assert "up" not in signal.keys
    assert artist.rest(frames[0], 0) == 0
    for frame in frames:
        assert artist.rest(frame, 12) == frame["phase"][0]


def test_signals_are_in_the_middle_of_their_junction_and_can_be_clicked(artist, frames):
    places = artist.places(frames[0])
    assert len(places) == 13
    assert places[12] == pytest.approx((artist.map.width / 2, artist.map.height / 2), abs=0.5)


def test_bars_are_green_where_a_way_is_open(artist, frames):
    network = artist.network
    lanes = sorted(set(network.link_start.tolist()))
    for frame in frames[::10]:
        opened = {int(network.link_start[k]) for k in np.flatnonzero(frame["open"])}
        bars = [shape for shape in artist.lights.bars(frame, LIGHT) if isinstance(shape, Polygon)]
        assert len(bars) == len(lanes)
        assert sum(bar.fill == LIGHT.goal for bar in bars) == len(opened)


def test_what_promises_most_is_told_of_each_kind_in_its_words(artist, frames):
    frame = next(frame for frame in frames if artist.places(frame)[0] is not None)
    values = np.full((13, 4), np.nan)
    values[0, 2], values[12, 1] = 1.0, -0.25
    shown = list(artist.overlays["greedy"](Moment([frame], values=values), LIGHT))
    assert [shape.text for shape in shown if isinstance(shape, Text)] == ["slower", "phase 1: -0.25"]


@pytest.mark.parametrize("actions", ["phase", "next", "fullest"])
def test_the_planner_switches_lights_by_what_their_actions_allow(actions):
    rules = {"layout": "cross", "length": 60.0, "num_vehicles": 8, "flow": 3000.0}
    env = traffic_v0.parallel_env(**rules, signal_actions=actions, max_cycles=160)
    one = Session(env, find_policy("planner", env), 1)
    while one.forward():
        pass
    metrics = env.metrics()
    assert metrics["switches"] > 0
    assert metrics["signal_masked_actions"] == 0


def test_the_keyboard_holds_the_phase_that_it_chose():
    env = traffic_v0.parallel_env(layout="cross-turns", num_vehicles=2, signal_interval=1.0, min_green=0.0)
    one = Session(env, None, 0)
    one.forward()
    signal, wanted = 2, (int(env.frame()["phase"][0]) + 2) % 4
    details = one.details(signal)
    assert len(details.mask) == 4
    assert details.observation.shape == env.observation_space("signal_0").shape
    one.drive(signal)
    one.steer(7)  # there is no such phase
    one.forward()
    one.steer(wanted)
    for _ in range(20):
        one.forward()
    one.steer(None)
    for _ in range(8):
        one.forward()
        assert env.frame()["phase"].tolist() == [wanted]
    assert env.metrics()["signal_masked_actions"] == 0
