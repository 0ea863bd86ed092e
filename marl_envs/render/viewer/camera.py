"""Where the viewer looks: numbers only."""

from __future__ import annotations

from marl_envs.render.placing import Placing, Size, fitted, room
from marl_envs.render.scene import Point

CLOSEST = 160.0  # [pixels] of a cell


class Camera:
    """Looks at a scene of `extent` = (width, height) cells: at all of it, or closer around a centre."""

    def __init__(self, extent: tuple[float, float]) -> None:
        self.extent = extent
        self.zoom = 1.0  # 1: the whole scene
        self._centre: Point | None = None  # [cells]; None: that of the scene

    @property
    def centre(self) -> Point:
        """What is in the middle [cells]."""
        return self._centre or (self.extent[0] / 2, self.extent[1] / 2)

    def placing(self, size: Size) -> Placing:
        """Return where the scene lies in a picture of that size."""
        whole = fitted(size, *self.extent)
        if self._centre is None:
            return whole
        left, top, width, height = room(size)
        scale, (x, y) = whole.scale * self.zoom, self.centre
        return Placing(scale, round(left + width / 2 - x * scale), round(top + height / 2 - y * scale))

    def fit(self) -> None:
        """Show the whole scene."""
        self.zoom, self._centre = 1.0, None

    def zoom_by(self, factor: float, size: Size, at: tuple[float, float] | None = None) -> None:
        """Go closer (above 1) or further away, while pixel `at` (None: the middle) keeps what it shows."""
        whole = fitted(size, *self.extent).scale
        zoom = min(max(1.0, CLOSEST / whole), max(1.0, self.zoom * factor))
        if zoom == 1.0:
            self.fit()
            return
        left, top, width, height = room(size)
        at = (left + width / 2, top + height / 2) if at is None else at
        x, y = self.placing(size).to_scene(*at)
        self.zoom = zoom
        scale = whole * zoom
        self.look_at((x - (at[0] - left - width / 2) / scale, y - (at[1] - top - height / 2) / scale))

    def pan(self, dx: float, dy: float, size: Size) -> None:
        """Move the picture by (dx, dy) pixels."""
        scale, (x, y) = self.placing(size).scale, self.centre
        self.look_at((x - dx / scale, y - dy / scale))

    def look_at(self, point: Point) -> None:
        """Put a place of the scene [cells] into the middle, never one outside."""
        self._centre = (min(max(point[0], 0.0), self.extent[0]), min(max(point[1], 0.0), self.extent[1]))
