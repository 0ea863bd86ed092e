"""Where a scene lies in a picture: numbers only, so that a click finds the cell it is on."""

from __future__ import annotations

from dataclasses import dataclass

from marl_envs.render.scene import View

Size = tuple[int, int]  # width, height [pixels]


@dataclass(frozen=True, slots=True)
class Placing:
    """A scene in a picture: cells of `scale` pixels, cell (0, 0) at pixel (`left`, `top`)."""

    scale: float
    left: int
    top: int

    def to_scene(self, x: float, y: float) -> tuple[float, float]:
        """Return the place in the scene [cells] that a pixel shows."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def to_pixel(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a place in the scene [cells]."""
        return self.left + x * self.scale, self.top + y * self.scale

    def view(self, size: Size) -> View:
        """Return what a picture of that size shows of the scene."""
        left, top = self.to_scene(0, 0)
        right, bottom = self.to_scene(*size)
        return View(self.scale, left, top, right, bottom)


def strip(size: Size) -> int:
    """Return the height of the line of values above a scene [pixels]."""
    return min(48, max(22, round(0.08 * size[1])))


def room(size: Size) -> tuple[int, int, int, int]:
    """Return left, top, width and height of what a picture leaves for the scene [pixels]."""
    margin = max(4, round(0.025 * min(size)))
    return margin, strip(size), size[0] - 2 * margin, size[1] - strip(size) - margin


def fitted(size: Size, width: float, height: float) -> Placing:
    """Fit a scene of `width` x `height` cells into a picture, with whole pixels per cell unless cells are tiny."""
    _, top, room_x, room_y = room(size)
    scale = min(room_x / width, room_y / height)
    scale = float(int(scale)) if scale >= 8 else scale
    return Placing(scale, round((size[0] - scale * width) / 2), top + round((room_y - scale * height) / 2))
