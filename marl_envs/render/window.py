"""The window of `render_mode="human"`: one at a time, and closing it is fine."""

from __future__ import annotations

import os
import sys
from typing import Any

from marl_envs.render.pygame_loader import load_pygame


class DisplayError(RuntimeError):
    """No window can be opened here; the message says what to do instead."""


_HELP = (
    'set render_mode="rgb_array" to get pictures as arrays, record an episode with marl_envs.render.record(), or set '
    "SDL_VIDEODRIVER=dummy to run without seeing anything"
)
_owner: Window | None = None  # pygame has one display: who it belongs to


class Window:
    """A window of `size` = (width, height) pixels, opened by the first `show`.

    Once its user has closed it, `show` does nothing: the episode goes on unseen. Opening a second window in the same
    process takes the place of the first.
    """

    def __init__(self, size: tuple[int, int], title: str, fps: float) -> None:
        self.size, self.title, self.fps = size, title, fps
        self.closed = False
        self._screen: Any = None
        self._clock: Any = None

    def show(self, surface: Any) -> None:
        """Show a surface, and wait as long as `fps` frames a second ask for.

        Raises:
            DisplayError: if there is no display.
        """
        if self.closed:
            return
        if self._screen is None:
            self._open()
        pygame = load_pygame()
        self._screen.blit(surface, (0, 0))
        pygame.display.flip()
        self._clock.tick(self.fps)
        asked_to_close = bool(pygame.event.get(pygame.QUIT))
        pygame.event.clear()
        if asked_to_close:
            self.close()

    def close(self) -> None:
        """Close the window; any further call does nothing."""
        global _owner
        self.closed = True
        self._screen = None
        if _owner is self:
            _owner = None
            load_pygame().display.quit()

    def _open(self) -> None:
        global _owner
        pygame = load_pygame()
        _require_display()
        if _owner is not None:
            _owner.close()
        try:
            pygame.display.init()
            self._screen = pygame.display.set_mode(self.size)
        except pygame.error as error:
            pygame.display.quit()
            raise DisplayError(f"cannot open a window ({error}): {_HELP}") from error
        pygame.display.set_caption(self.title)
        self._clock = pygame.time.Clock()
        _owner = self


def _require_display() -> None:
    """Raise DisplayError where SDL would find no display (it may hang or pick a console there)."""
    if os.environ.get("SDL_VIDEODRIVER"):
        return
    has_desktop = sys.platform in ("win32", "darwin")
    if not has_desktop and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DisplayError(f"cannot open a window (neither DISPLAY nor WAYLAND_DISPLAY is set): {_HELP}")
