"""The window: one at a time, of any size, and closing it is fine."""

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
    """A window of `size` = (width, height) pixels, opened at once; its user may change its size.

    Opening a second window in the same process takes the place of the first, which is then closed.

    Raises:
        DisplayError: if there is no display.
    """

    def __init__(self, size: tuple[int, int], title: str) -> None:
        self.closed = False
        self._screen = self._open(size, title)

    def _open(self, size: tuple[int, int], title: str) -> Any:
        global _owner
        pygame = load_pygame()
        _require_display()
        if _owner is not None:
            _owner.close()
        os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")  # pixels are pixels there too
        try:
            pygame.display.init()
            screen = pygame.display.set_mode(size, pygame.RESIZABLE)
        except pygame.error as error:
            pygame.display.quit()
            raise DisplayError(f"cannot open a window ({error}): {_HELP}") from error
        pygame.display.set_caption(title)
        _owner = self
        return screen

    @property
    def size(self) -> tuple[int, int]:
        """Width and height [pixels], as they are now."""
        width, height = self._screen.get_size()
        return int(width), int(height)

    def show(self, surface: Any) -> None:
        """Show a surface; nothing, once closed."""
        if self.closed:
            return
        pygame = load_pygame()
        self._screen = pygame.display.get_surface()  # another one after a change of size
        self._screen.blit(surface, (0, 0))
        pygame.display.flip()

    def events(self) -> list[Any]:
        """Return pygame's events since the last call; none, once closed."""
        return [] if self.closed else list(load_pygame().event.get())

    def close(self) -> None:
        """Close the window; any further call does nothing."""
        global _owner
        self.closed = True
        if _owner is self:
            _owner = None
            load_pygame().display.quit()


def _require_display() -> None:
    """Raise DisplayError where SDL would find no display (it may hang or pick a console there)."""
    if os.environ.get("SDL_VIDEODRIVER"):
        return
    has_desktop = sys.platform in ("win32", "darwin")
    if not has_desktop and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DisplayError(f"cannot open a window (neither DISPLAY nor WAYLAND_DISPLAY is set): {_HELP}")


def desktop_scale() -> float:
    """Return how much larger than usual the desktop wants things to be: 1 on a common screen, 2 on a fine one."""
    if sys.platform == "win32":
        import ctypes

        return float(ctypes.windll.user32.GetDpiForSystem()) / 96.0
    for name in ("GDK_SCALE", "QT_SCALE_FACTOR"):
        try:
            return min(4.0, max(1.0, float(os.environ[name])))
        except (KeyError, ValueError):
            continue
    return 1.0
