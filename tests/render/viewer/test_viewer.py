"""The viewer's commands, without a window: what keys and clicks do, and what is then seen."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pygame
import pytest

from marl_envs import gridworld_v0, warehouse_v0
from marl_envs.render import load, rollout
from marl_envs.render.theme import DARK, LIGHT
from marl_envs.render.viewer import Film, Session, Viewer
from marl_envs.render.viewer.keys import BY_KEY, COMMANDS
from marl_envs.render.viewer.pace import SPEEDS, Pace
from marl_envs.render.viewer.policies import RandomPolicy


def make_viewer(tmp_path: Any = ".", size: tuple[int, int] = (400, 300), **parameters: Any) -> Viewer:
    env = warehouse_v0.parallel_env(layout="5x5", num_robots=2, max_cycles=30, **parameters)
    return Viewer(Session(env, RandomPolicy(), 3), size, folder=tmp_path)


def pixels(viewer: Viewer) -> np.ndarray:
    return pygame.surfarray.array3d(viewer.draw()).swapaxes(0, 1).copy()


def test_every_key_has_one_meaning_and_every_command_a_method():
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys)) == len(BY_KEY)
    assert all(callable(getattr(Viewer, command.name)) for command in COMMANDS)


def test_steps_pause_and_their_keys():
    viewer = make_viewer()
    assert viewer.running
    for key in ("right", ".", "right"):
        viewer.press(key)
    assert (viewer.source.at, viewer.running) == (3, False)
    viewer.press("left")
    assert viewer.source.at == 2
    viewer.tick(10.0)
    assert viewer.source.at == 2  # still paused
    viewer.press("space")
    viewer.tick(0.5)  # 10 steps a second
    assert viewer.source.at == 7
    viewer.press("r")
    assert viewer.source.at == 0
    viewer.press("n")
    assert viewer.source.seed == 4
    viewer.press("shift+n")
    assert viewer.source.seed == 3


def test_speed_goes_from_a_tenth_to_a_hundred():
    viewer = make_viewer()
    for _ in SPEEDS:
        viewer.press("[")
    assert viewer.pace.speed == 0.1
    viewer.tick(0.95)
    assert viewer.source.at == 0
    viewer.tick(0.1)
    assert viewer.source.at == 1
    for _ in SPEEDS:
        viewer.press("]")
    assert viewer.pace.speed == 100.0


def test_time_that_was_too_short_for_all_steps_is_dropped():
    pace = Pace(10.0)
    pace.pass_time(5.0)
    assert pace.take()
    pace.drop()
    assert pace.take()
    assert not pace.take()


def test_the_viewer_stops_at_the_end_of_an_episode():
    viewer = make_viewer()
    for _ in range(40):
        viewer.tick(0.1)
    assert (viewer.source.at, viewer.running) == (30, False)
    viewer.press("space")
    viewer.tick(0.2)
    assert viewer.source.at == 30
    viewer.press("left")
    assert viewer.source.at == 29


def test_a_click_chooses_the_agent_that_is_drawn_there():
    viewer = make_viewer()
    for agent in (0, 1):
        place = viewer.source.artist.places(viewer.source.moment(None, False).frame)[agent]
        x, y = viewer.eye.camera.placing(viewer.eye.size).to_pixel(*place)
        viewer.click(x, y)
        assert viewer.eye.chosen == agent
    viewer.click(1, 1)
    assert viewer.eye.chosen is None
    viewer.press("tab")
    viewer.press("tab")
    assert viewer.eye.chosen == 1
    viewer.press("shift+tab")
    assert viewer.eye.chosen == 0
    viewer.press("escape")
    assert viewer.eye.chosen is None


def test_a_click_finds_agents_where_a_camera_has_put_them():
    viewer = make_viewer()
    viewer.press("+")
    viewer.press("+")
    viewer.drag(35, -20)
    place = viewer.source.artist.places(viewer.source.moment(None, False).frame)[1]
    viewer.click(*viewer.eye.camera.placing(viewer.eye.size).to_pixel(*place))
    assert viewer.eye.chosen == 1


def test_a_driven_agent_obeys_arrows_and_digits_and_others_keys_still_work():
    viewer = make_viewer()
    viewer.running = False
    viewer.press("tab")
    viewer.press("t")
    viewer.press("up")  # forward; a step each, as time stands
    viewer.release("up")
    viewer.press("4")  # the fourth action: turn right
    assert viewer.source.at == 2
    assert viewer.source.moment(0, False).actions[0] == 3
    viewer.press("]")
    assert viewer.pace.speed == 2.0
    viewer.press("t")
    viewer.press("left")  # no longer drives: one step back
    assert viewer.source.at == 1


def test_choosing_another_agent_ends_the_drive():
    viewer = make_viewer()
    viewer.choose(0)
    viewer.drive()
    assert viewer.source.driver == 0
    viewer.choose(1)
    assert viewer.source.driver is None


def test_overlays_and_theme_change_the_picture():
    viewer = make_viewer(shaping=0.01)  # shaping: targets are kept up
    for _ in range(10):
        viewer.press("right")
    before = pixels(viewer)
    for key, name in (("h", "heat"), ("p", "paths")):
        viewer.press(key)
        assert name in viewer.eye.overlays
        assert (pixels(viewer)[:250] != before[:250]).any(), name
        viewer.press(key)
        assert name not in viewer.eye.overlays
    assert (pixels(viewer)[:250] == before[:250]).all()
    viewer.press("m")  # this family has no times to collision
    assert viewer.eye.overlays == set()
    assert viewer.eye.theme == LIGHT
    viewer.press("b")
    assert viewer.eye.theme == DARK
    assert pixels(viewer)[60, 5].tolist() == list(DARK.page[:3])


def test_the_picture_follows_the_agent():
    viewer = make_viewer()
    viewer.press("tab")
    viewer.press("f")
    assert viewer.eye.camera.zoom == 2.0
    for _ in range(6):
        viewer.press("right")
        viewer.draw()
        assert viewer.eye.camera.centre == viewer.source.artist.places(viewer.source.moment(0, False).frame)[0]
    viewer.drag(10, 10)
    assert not viewer.eye.following
    viewer.press("0")
    assert viewer.eye.camera.zoom == 1.0


@pytest.mark.parametrize("size", [(700, 300), (200, 800), (10, 10), (10_000, 100)])
def test_a_window_of_any_size_is_filled(size):
    viewer = make_viewer()
    viewer.resize(*size)
    viewer.press("?")
    viewer.press("tab")
    shown = viewer.draw().get_size()
    assert shown == viewer.size
    assert 64 <= shown[0] <= 8192
    if min(size) > 100 and max(size) < 1000:
        assert shown == size


def test_a_screenshot_is_what_is_shown(tmp_path):
    viewer = make_viewer(tmp_path)
    shown = pixels(viewer)
    viewer.press("s")
    path = tmp_path / "warehouse-v0-seed-3-1.png"
    assert (pygame.surfarray.array3d(pygame.image.load(path)).swapaxes(0, 1) == shown).all()
    viewer.press("s")
    assert (tmp_path / "warehouse-v0-seed-3-2.png").exists()


def test_closing_keeps_what_is_being_recorded(tmp_path):
    from PIL import Image

    viewer = make_viewer(tmp_path)
    viewer.press("v")
    for _ in range(6):
        viewer.tick(0.1)
    assert list(tmp_path.iterdir()) == []
    viewer.close()
    viewer.close()
    with Image.open(tmp_path / "warehouse-v0-seed-3-1.gif") as gif:
        assert gif.size == viewer.eye.size
        assert gif.n_frames == 6


def test_single_steps_are_recorded_too(tmp_path):
    from PIL import Image

    viewer = make_viewer(tmp_path)
    for key in ("space", "v", "right", "right", "right", "v"):
        viewer.press(key)
    with Image.open(tmp_path / "warehouse-v0-seed-3-1.gif") as gif:
        assert gif.n_frames == 3
    for key in ("v", "v"):
        viewer.press(key)
    assert "nothing recorded" in viewer._status()


def test_a_recording_that_is_full_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("marl_envs.render.viewer.keeping.MOST", 2)
    viewer = make_viewer(tmp_path)
    viewer.press("v")
    viewer.press("right")
    assert viewer.keeper.recording
    viewer.press("right")
    assert not viewer.keeper.recording
    assert [path.suffix for path in tmp_path.iterdir()] == [".gif"]


def test_another_seed_ends_a_recording_too(tmp_path):
    viewer = make_viewer(tmp_path)
    viewer.press("v")
    viewer.tick(0.3)
    viewer.resize(300, 260)  # pictures of another size are scaled
    viewer.tick(0.3)
    viewer.press("n")
    assert not viewer.keeper.recording
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse-v0-seed-3-1.gif"]


def test_the_episode_is_kept_as_a_trajectory(tmp_path):
    viewer = make_viewer(tmp_path)
    viewer.tick(0.5)
    viewer.press("k")
    assert load(tmp_path / "warehouse-v0-seed-3-1.npz").steps == 5


def test_a_folder_that_is_not_there_is_told_and_nothing_breaks(tmp_path):
    viewer = make_viewer(tmp_path / "nowhere")
    for key in ("s", "v", "k"):
        viewer.press(key)
        assert "nowhere" in viewer._status()
    assert not viewer.keeper.recording
    viewer.close()


def test_what_a_film_cannot_do_is_said():
    trajectory = rollout(warehouse_v0.parallel_env(layout="5x5"), lambda obs: dict.fromkeys(obs, 1), steps=5)
    viewer = Viewer(Film(trajectory, "a film"), (300, 260))
    viewer.press("n")
    assert "not possible" in viewer._status()
    for _ in range(9):
        viewer.press("right")
    assert viewer.source.at == 5
    viewer.press("tab")
    assert viewer.draw().get_size() == (300, 260)
    viewer.press("r")
    assert viewer.source.at == 0


def test_movements_are_drawn_in_between():
    env = gridworld_v0.parallel_env(world="cliff")
    viewer = Viewer(Session(env, lambda obs: {"agent_0": 0}), (400, 300))
    viewer.tick(0.1)
    pictures = []
    for _ in range(3):
        viewer.tick(0.02)
        pictures.append(pixels(viewer))
    assert viewer.source.at == 1
    assert all((one != other).any() for one, other in itertools.pairwise(pictures))
