"""What an environment holds to be rendered: its family's artist, a picture size, and a window if somebody looks."""

from __future__ import annotations

import importlib
from typing import Any

from marl_envs.render.canvas import Canvas, Image
from marl_envs.render.placing import fitted
from marl_envs.render.scene import Artist, Frame
from marl_envs.render.theme import Theme, get_theme


class Painter:
    """Draws the frames of one environment; imports pygame on the first drawing, not before.

    Args:
        module: the family's module with `artist(params)`, such as "marl_envs.warehouse.render".
        params: the environment's parameters, as the object or as a mapping of its fields.
        fps: frames a second in the window.
        size: (width, height) of every picture [pixels]; None fits the scene.
        theme: "light", "dark" or a Theme.
        name: the window's title.

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
        name: str = "marl_envs",
    ) -> None:
        self.artist: Artist = importlib.import_module(module).artist(params)
        self.fps, self.theme, self.name = fps, get_theme(theme), name
        self._canvas = Canvas(self.artist.fitted_size() if size is None else size)
        self._window: Any = None  # an Onlooker

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the window, which belongs to this process."""
        return {**self.__dict__, "_window": None}

    def draw(self, frame: Frame, mode: str, vec: Any = None) -> Image | str | None:
        """Draw `frame`: a picture for "rgb_array", text for "ansi", None after showing it for "human".

        The window shows more of the agents if it knows the batch of one, `vec`, that the frame is of.

        Raises:
            DisplayError: "human" without a display; the message says what to do.
        """
        if mode == "ansi":
            return self.artist.ansi(frame)
        if mode == "rgb_array":
            return self.picture(frame)
        self._show(frame, vec)
        return None

    def picture(self, frame: Frame) -> Image:
        """Return the picture of `frame`, uint8 (height, width, 3); opens no display."""
        view = fitted(self._canvas.size, *self.artist.extent()).view(self._canvas.size)
        return self._canvas.draw(self.artist.scene(frame, self.theme, view))

    def _show(self, frame: Frame, vec: Any) -> None:
        if self._window is None:
            from marl_envs.render.viewer.loop import Onlooker

            self._window = Onlooker(self.artist, self.name, self._canvas.size, self.theme, self.fps)
        self._window.show(frame, vec)

    def close(self) -> None:
        """Close the window, if there is one; drawing for "human" opens a new one."""
        if self._window is not None:
            self._window.close()
            self._window = None
