"""The window, on SDL's dummy driver, and what happens without any display."""

import copy
import subprocess
import sys
import time
import types
from math import inf
from typing import ClassVar

import numpy as np
import pygame
import pytest

from marl_envs.render.painter import Painter
from marl_envs.render.scene import WHOLE, Frame, Overlay, Point, Rect, Scene, View
from marl_envs.render.theme import Theme
from marl_envs.render.window import DisplayError


class Square:
    """An artist of one square, placed at the frame's `x`."""

    reach, rest, actions = 0.7, 0, ("stay",)
    keys: ClassVar[dict[str, int]] = {}
    overlays: ClassVar[dict[str, Overlay]] = {}

    def extent(self) -> tuple[float, float]:
        return 4, 4

    def places(self, frame: Frame) -> list[Point | None]:
        return [(float(frame["x"]) + 0.5, 1.5)]

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        square = Rect(float(frame["x"]), 1, 1, 1, theme.agent, 0.1)
        return Scene(4, 4, theme.page, theme.ink, theme.faint, (), (square,))

    def fitted_size(self) -> tuple[int, int]:
        return 300, 200

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        return {"x": before["x"] + share * (after["x"] - before["x"])}

    def ansi(self, frame: Frame) -> str:
        return f"{frame['x']}\n"


@pytest.fixture(autouse=True)
def square_family(monkeypatch):
    module = types.ModuleType("square_family")
    module.artist = lambda params: Square()
    monkeypatch.setitem(sys.modules, "square_family", module)


@pytest.fixture
def painter():
    painter = Painter("square_family", None, size=(120, 100), fps=1000)
    yield painter
    painter.close()
    pygame.display.quit()


def show(painter: Painter, x: float) -> None:
    assert painter.draw({"x": x}, "human") is None


def shown() -> np.ndarray:
    """The window's pixels, (height, width, 3)."""
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def test_the_window_shows_what_the_array_holds_above_a_line_of_text(painter):
    show(painter, 1)
    picture = painter.picture({"x": 1})
    assert (shown()[: len(picture)] == picture).all()
    assert len(shown()) > len(picture)


def test_closing_twice_is_fine_and_showing_again_opens_again(painter):
    show(painter, 1)
    painter.close()
    painter.close()
    assert not pygame.display.get_init()
    show(painter, 2)
    assert pygame.display.get_surface().get_width() == 120


def test_a_paused_window_makes_the_player_wait_until_a_key_asks_for_a_step(painter):
    show(painter, 0)
    onlooker, keys = painter._window, ["space", "tab", "?", "left", "right", "right"]
    took = iter(keys)

    def look() -> None:  # a key a picture
        onlooker._viewer.press(next(took))
        onlooker._drawn = time.perf_counter()

    onlooker._look, onlooker._drawn = look, -inf
    show(painter, 1)  # space pauses; left: frame 0; right: frame 1 again; right: the next one
    assert next(took, None) is None
    assert onlooker._viewer.running is False


def test_the_episode_goes_on_after_the_user_closed_the_window(painter):
    show(painter, 1)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    painter._window._drawn = -inf  # the next picture is due
    show(painter, 2)
    assert not pygame.display.get_init()
    show(painter, 3)
    assert not pygame.display.get_init()


def test_a_second_window_takes_the_place_of_the_first(painter):
    second = Painter("square_family", None, size=(200, 150), fps=1000)
    show(painter, 1)
    show(second, 1)
    show(painter, 2)
    assert pygame.display.get_surface().get_width() == 200
    painter.close()
    assert pygame.display.get_init()
    second.close()
    assert not pygame.display.get_init()


def test_a_painter_with_an_open_window_can_be_copied(painter):
    show(painter, 1)
    twin = copy.deepcopy(painter)
    twin.close()
    assert pygame.display.get_init()
    assert (twin.picture({"x": 2}) == painter.picture({"x": 2})).all()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these always have a display")
def test_without_a_display_the_error_says_what_to_do(painter, monkeypatch):
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DisplayError, match=r"DISPLAY.*rgb_array.*SDL_VIDEODRIVER=dummy"):
        show(painter, 1)
    assert painter.picture({"x": 1}).shape == (100, 120, 3)


def test_a_display_that_does_not_answer_is_an_error_too():
    code = """
import marl_envs.render.window as window
try:
    window.Window((100, 100), "t")
except window.DisplayError as error:
    print("refused:", error)
"""
    env = {"SDL_VIDEODRIVER": "x11", "DISPLAY": ":987", "PATH": ""}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert out.startswith("refused: cannot open a window (")


def test_a_missing_pygame_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(ImportError, match=r"marl-envs\[render\]"):
        Painter("square_family", None).picture({"x": 1})


def test_the_modes_of_drawing():
    painter = Painter("square_family", None, size=None, theme="dark")
    assert painter.draw({"x": 1}, "ansi") == "1\n"
    assert painter.draw({"x": 1}, "rgb_array").shape == (200, 300, 3)
