"""A viewer in a window: events go in, pictures come out."""

from __future__ import annotations

import time
from math import inf
from typing import Any

from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.scene import Artist, Frame
from marl_envs.render.theme import Theme
from marl_envs.render.viewer.film import Live
from marl_envs.render.viewer.panels import Pen
from marl_envs.render.viewer.viewer import LETTERS, Viewer
from marl_envs.render.window import Window

RATE = 60.0  # [pictures/s] of the window, at most
DRAG = 4  # [pixels] from which on a click is a drag


class Hand:
    """Turns a window's events into what they mean to a viewer."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._down: tuple[int, int] | None = None
        self._dragged = False

    def take(self, event: Any) -> None:
        """Act on one of pygame's events."""
        pygame, viewer = load_pygame(), self._viewer
        if event.type == pygame.QUIT:
            viewer.close()
        elif event.type == pygame.VIDEORESIZE:
            viewer.resize(event.w, event.h)
        elif event.type == pygame.KEYDOWN:
            viewer.press(key_name(pygame.key.name(event.key), event.unicode, bool(event.mod & pygame.KMOD_SHIFT)))
        elif event.type == pygame.KEYUP:
            viewer.release(key_name(pygame.key.name(event.key), "", False))
        elif event.type == pygame.MOUSEWHEEL:
            viewer.scroll(event.y, pygame.mouse.get_pos())
        else:
            self._mouse(event)

    def _mouse(self, event: Any) -> None:
        """A click without a move chooses; with one, it moves the picture."""
        pygame = load_pygame()
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._down, self._dragged = event.pos, False
        elif event.type == pygame.MOUSEMOTION and self._down is not None:
            far = abs(event.pos[0] - self._down[0]) + abs(event.pos[1] - self._down[1])
            if self._dragged or far > DRAG:
                self._dragged = True
                self._viewer.drag(*event.rel)
        elif event.type == pygame.MOUSEBUTTONUP and event.button == 1 and self._down is not None:
            self._down = None
            if not self._dragged:
                self._viewer.click(*event.pos)


def key_name(name: str, unicode: str, shift: bool) -> str:
    """Return a key as `keys.py` names it: the sign it writes, or its name, with "shift+" before letters and names."""
    if len(unicode) == 1 and unicode.isprintable() and not unicode.isalpha() and unicode != " ":
        return unicode
    return f"shift+{name}" if shift else name


def watch(viewer: Viewer) -> None:
    """Show a viewer in a window until it is closed; what is being recorded is then written.

    Raises:
        DisplayError: there is no display; says what to do.
    """
    window = Window(viewer.size, viewer.source.title)
    hand, clock = Hand(viewer), load_pygame().time.Clock()
    try:
        while not (viewer.closed or window.closed):
            for event in window.events():
                hand.take(event)
            viewer.tick(clock.tick(RATE) / 1000)
            if not viewer.closed:
                window.show(viewer.draw())
    finally:
        viewer.close()
        viewer.source.close()
        window.close()


class Onlooker:
    """The window of `render_mode="human"`: shows frames as they come, and makes who plays wait while it pauses.

    Once its user has closed it, `show` does nothing: the episode goes on unseen.

    Raises:
        DisplayError: there is no display; says what to do.
    """

    def __init__(self, artist: Artist, title: str, size: tuple[int, int], theme: Theme, fps: float) -> None:
        self._live = Live(artist, title)
        bar = Pen(LETTERS).bar  # below the picture, which keeps the size that was asked for
        self._viewer = Viewer(self._live, (size[0], size[1] + bar), theme, fps, letters=LETTERS)
        self._window = Window(self._viewer.size, title)
        self._hand = Hand(self._viewer)
        self._ticked, self._drawn = time.perf_counter(), -inf  # [s] when time was last counted, and a picture shown

    def show(self, frame: Frame, vec: Any = None) -> None:
        """Show a frame until the next one is due."""
        self._live.push(frame, vec)
        while not self._viewer.closed:
            now = time.perf_counter()
            if now - self._drawn >= 1 / RATE:
                self._look()
            self._viewer.tick(now - self._ticked)
            self._ticked = now
            if self._live.asked:
                return
            time.sleep(0.001)

    def _look(self) -> None:
        """Take what the user asks for, and draw."""
        for event in self._window.events():
            self._hand.take(event)
        if self._window.closed:  # another window has taken its place
            self._viewer.close()
        if self._viewer.closed:
            self._window.close()
            return
        self._window.show(self._viewer.draw())
        self._drawn = time.perf_counter()

    def close(self) -> None:
        """Close the window."""
        self._viewer.close()
        self._window.close()
