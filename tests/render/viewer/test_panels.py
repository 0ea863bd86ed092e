"""What the panels say, and what keys and the mouse mean, without a window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pygame
import pytest

from marl_envs import warehouse_v0
from marl_envs.render import rollout
from marl_envs.render.viewer import Details, Film
from marl_envs.render.viewer.loop import Hand, key_name
from marl_envs.render.viewer.text import agent_rows, help_rows
from tests.render.viewer.test_viewer import make_viewer


def test_help_lists_what_works_here_and_nothing_else(tmp_path):
    viewer = make_viewer(tmp_path)
    said = [row.text for row in help_rows(viewer.source, list(viewer.source.artist.overlays))]
    assert "paths and goals" in said
    assert "times to collision" not in said  # robots on a grid have none
    film = Film(rollout(warehouse_v0.parallel_env(layout="5x5"), lambda obs: dict.fromkeys(obs, 0), steps=2))
    said = [row.text for row in help_rows(film, [])]
    assert "next seed" not in said
    assert "one step back" in said


def test_panels_say_what_is_known_of_an_agent():
    artist = make_viewer().source.artist
    mask, values = np.array([1, 1, 0, 1, 1], np.int8), np.array([0.5, 2.0, np.nan, -1.0, 0.0])
    rows = agent_rows(
        Details("robot_0", np.arange(3.0), mask, 1.0, -0.5, 1.25, (("delivery", 0.0),), values, True), artist
    )
    said = {row.label.strip(): row for row in rows}
    assert said["robot_0"].text == "driven by the keyboard"
    assert said["did"].text == "forward"
    assert said["reward"].text == "-0.5, +1.25 in all"
    assert said["2 forward"].strong
    assert said["2 forward"].bar == 1.0
    assert said["3 turn left"].text == "not allowed"
    assert said["4 turn right"].bar == -0.5
    assert said["observation"].text == "3, in [0, 2]"
    assert [row.label for row in agent_rows(Details("robot_1"), artist)] == ["robot_1"]
    whole = agent_rows(Details("x", observation=np.array(286)), artist)
    assert whole[-1].text == "286"


@pytest.mark.parametrize(
    ("name", "unicode", "shift", "key"),
    [
        ("space", " ", False, "space"),
        ("n", "N", True, "shift+n"),
        ("n", "n", False, "n"),
        ("/", "?", True, "?"),
        ("=", "+", True, "+"),
        ("[+]", "+", False, "+"),
        ("left", "", False, "left"),
        ("left", "", True, "shift+left"),
        ("5", "5", False, "5"),
        ("tab", "\t", True, "shift+tab"),
    ],
)
def test_keys_are_named_by_what_they_write(name, unicode, shift, key):
    assert key_name(name, unicode, shift) == key


def test_a_press_that_moves_drags_and_one_that_does_not_clicks():
    viewer = make_viewer()
    hand = Hand(viewer)
    place = viewer.source.artist.places(viewer.source.moment(None, False).frame)[0]
    at = tuple(map(round, viewer.eye.camera.placing(viewer.eye.size).to_pixel(*place)))

    def event(kind: int, **fields: Any) -> None:
        hand.take(pygame.event.Event(kind, fields))

    event(pygame.MOUSEBUTTONDOWN, button=1, pos=at)
    event(pygame.MOUSEMOTION, pos=(at[0] + 1, at[1]), rel=(1, 0), buttons=(1, 0, 0))
    event(pygame.MOUSEBUTTONUP, button=1, pos=at)
    assert viewer.eye.chosen == 0
    centre = viewer.eye.camera.centre
    event(pygame.MOUSEBUTTONDOWN, button=1, pos=at)
    event(pygame.MOUSEMOTION, pos=(at[0] + 30, at[1]), rel=(30, 0), buttons=(1, 0, 0))
    event(pygame.MOUSEBUTTONUP, button=1, pos=(at[0] + 30, at[1]))
    assert viewer.eye.camera.centre[0] < centre[0]
    assert viewer.eye.chosen == 0
    event(pygame.QUIT)
    assert viewer.closed
