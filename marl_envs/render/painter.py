"""What an environment holds to be rendered: its family's artist, a picture size, and a window if somebody looks."""

from __future__ import annotations

import importlib
from typing import Any

from marl_envs.render.canvas import Canvas, Image
from marl_envs.render.scene import Artist, Frame
from marl_envs.render.theme import Theme, get_theme
from marl_envs.render.window import Window


class Painter:
    """Draws the frames of one environment; imports pygame on the first drawing, not before.

    Args:
        module: the family's module with `artist(params)`, such as "marl_envs.warehouse.render".
        params: the environment's parameters, as the object or as a mapping of its fields.
        fps: frames a second in the window.
        size: (width, height) of every picture [pixels]; None fits the scene.
        theme: "light", "dark" or a Theme.

    Raises:
        ValueError: for a size or a theme that does not exist.
    """

    def __init__(
        self,
        module: str,
        params: Any,
        fps: float = 10,
        size: tuple[int, int] | None = (640, 480),
        theme: str | Theme = "light",
    ) -> None:
        self.artist: Artist = importlib.import_module(module).artist(params)
        self.fps, self.theme = fps, get_theme(theme)
        self._canvas = Canvas(self.artist.fitted_size() if size is None else size)
        self._window: Window | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the window, which belongs to this process."""
        return {**self.__dict__, "_window": None}

    def draw(self, frame: Frame, mode: str) -> Image | str | None:
        """Draw `frame`: a picture for "rgb_array", text for "ansi", None after showing it for "human".

        Raises:
            DisplayError: "human" without a display; the message says what to do.
        """
        if mode == "ansi":
            return self.artist.ansi(frame)
        if mode == "rgb_array":
            return self.picture(frame)
        self._show(frame)
        return None

    def picture(self, frame: Frame) -> Image:
        """Return the picture of `frame`, uint8 (height, width, 3); opens no display."""
        return self._canvas.draw(self.artist.scene(frame, self.theme))

    def _show(self, frame: Frame) -> None:
        if self._window is None:
            self._window = Window(self._canvas.size, "marl_envs", self.fps)
        self._window.show(self._canvas.surface(self.artist.scene(frame, self.theme)))

    def close(self) -> None:
        """Close the window, if there is one; drawing for "human" opens a new one."""
        if self._window is not None:
            self._window.close()
            self._window = None
