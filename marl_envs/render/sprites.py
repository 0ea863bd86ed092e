"""Shapes as small images with smooth edges, each drawn once and kept.

A shape is put on a grid four times as fine as the pixels; two shapes that are equal there, relative to the pixel of
their top left corner, share one image.
"""

from __future__ import annotations

from math import hypot
from typing import Any, TypeAlias

import numpy as np

from marl_envs.render.cutting import box_of, cut
from marl_envs.render.letters import Letters
from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.scene import Circle, Line, Many, Point, Polygon, Polygons, Rect, Single, Text
from marl_envs.render.theme import Color

Sprite: TypeAlias = tuple[Any, tuple[int, int]]  # surface, and the pixel its top left corner goes to
Drawing: TypeAlias = tuple[Any, ...]  # kind, size, and numbers on the fine grid: what an image depends on

_FINE = 4  # steps of the fine grid per pixel
_MOST = 10_000  # kept images; beyond it all are forgotten (only scenes with free positions get there)
_FAR = 1 << 20  # [pixels] a picture in which everything is
_READABLE = 6.0  # [pixels] smaller text is left out


class SpriteBook:
    """The images of one picture: cells of `scale` pixels, cell (0, 0) at pixel (`left`, `top`), `size` pixels in all.

    What lies outside the picture is not drawn, and what is much larger than it is cut: a camera may be very close.
    """

    def __init__(self, scale: float, left: int, top: int, size: tuple[int, int], letters: Letters) -> None:
        self.scale, self.left, self.top, self.size = scale, left, top, size
        self._letters = letters
        self._by_shape: dict[Single, Sprite | None] = {}
        self._images: dict[Drawing, Any] = {}
        self._stamps: dict[Single, Sprite | None] = {}  # of what comes many times: image, and where (0, 0) lies in it

    def move(self, left: int, top: int) -> None:
        """Move the scene; images are kept."""
        self.left, self.top = left, top
        self._by_shape.clear()

    def get(self, shape: Single) -> Sprite | None:
        """Return the image of `shape` and its place; None for what would be too small to see, or lies outside."""
        try:
            return self._by_shape[shape]
        except KeyError:
            pass
        if len(self._by_shape) >= _MOST:
            self._by_shape.clear()
        sprite = self._text(shape) if isinstance(shape, Text) else self._drawn(shape)
        self._by_shape[shape] = sprite
        return sprite

    def copies(self, many: Many) -> list[Sprite]:
        """Return the image of a shape at each of its places that are in the picture."""
        if many.shape not in self._stamps:
            home = SpriteBook(
                self.scale, 0, 0, (_FAR, _FAR), self._letters
            )  # where (0, 0) is the place, whatever the camera does
            self._stamps[many.shape] = home.get(many.shape)
        sprite = self._stamps[many.shape]
        if sprite is None or not len(many.places):
            return []
        image, (dx, dy) = sprite
        width, height = image.get_size()
        at = np.rint(np.asarray(many.places, np.float64) * self.scale).astype(np.int64)
        at += (self.left + dx, self.top + dy)
        seen = (at > (-width, -height)).all(axis=1) & (at < self.size).all(axis=1)
        return [(image, (x, y)) for x, y in at[seen].tolist()]

    def polygons(self, shape: Polygons) -> list[Sprite]:
        """Return the images of those polygons that are in the picture, and their places."""
        if not len(shape.fills):
            return []
        points = np.rint(np.asarray(shape.corners, np.float64) * (self.scale * _FINE)).astype(np.int64)
        points += (_FINE * self.left, _FINE * self.top)
        corner, end = points.min(axis=1) // _FINE, -(-(points.max(axis=1) + 1) // _FINE)
        seen = (end > 0).all(axis=1) & (corner < self.size).all(axis=1)
        local = points - _FINE * corner[:, None]
        sizes, corners = (end - corner).tolist(), corner.tolist()
        sprites: list[Sprite] = []
        for i in np.flatnonzero(seen).tolist():
            key = (local[i].tobytes(), shape.fills[i])
            image = self._images.get(key)
            if image is None:
                places = tuple((x, y) for x, y in local[i].tolist())
                image = _draw(("polygon", tuple(sizes[i]), places, 0, (), shape.fills[i], None))
                self._keep(key, image)
            sprites.append((image, (corners[i][0], corners[i][1])))
        return sprites

    def _keep(self, key: Drawing, image: Any) -> None:
        if len(self._images) >= _MOST:
            self._images.clear()
            self._by_shape.clear()
        self._images[key] = image

    def _text(self, shape: Text) -> Sprite | None:
        size = shape.size * self.scale
        if size < _READABLE:
            return None
        image = self._letters.write(shape.text, round(1.4 * size), shape.fill)
        box = image.get_bounding_rect()  # centre what is inked, not the line with its room for descenders
        x, y = self.left + shape.x * self.scale, self.top + shape.y * self.scale
        return image, (round(x - box.x - box.width / 2), round(y - box.y - box.height / 2))

    def _drawn(self, shape: Rect | Circle | Polygon | Line) -> Sprite | None:
        left, top, right, bottom = box_of(shape)
        x0, x1 = self.left + left * self.scale, self.left + right * self.scale
        y0, y1 = self.top + top * self.scale, self.top + bottom * self.scale
        width, height = self.size
        if x1 < -1 or y1 < -1 or x0 > width + 1 or y0 > height + 1:
            return None
        if x1 - x0 > 2 * width or y1 - y0 > 2 * height:
            cut = self._cut(shape)
            if cut is None:
                return None
            shape = cut
        drawing, corner = self._drawing(shape)
        if drawing not in self._images:
            self._keep(drawing, _draw(drawing))
        return self._images[drawing], corner

    def _cut(self, shape: Rect | Circle | Polygon | Line) -> Rect | Circle | Polygon | Line | None:
        """Return the part of a huge shape that is seen, with some room around the picture."""
        room = 32.0
        low_x, low_y = (-room - self.left) / self.scale, (-room - self.top) / self.scale
        high_x, high_y = (self.size[0] + room - self.left) / self.scale, (self.size[1] + room - self.top) / self.scale
        return cut(shape, low_x, low_y, high_x, high_y)

    def _drawing(self, shape: Rect | Circle | Polygon | Line) -> tuple[Drawing, tuple[int, int]]:
        """Return what to draw, relative to its top left pixel, and that pixel."""
        if isinstance(shape, Rect):
            (x0, y0), (x1, y1) = (
                self._at((shape.x, shape.y)),
                self._at((shape.x + shape.width, shape.y + shape.height)),
            )
            numbers = (self._long(shape.radius), self._long(shape.edge_width))
            return _relative("rect", [(x0, y0), (x1, y1)], 0, numbers, shape.fill, shape.edge)
        if isinstance(shape, Circle):
            centre, radius = self._at((shape.x, shape.y)), max(2, self._long(shape.radius))
            return _relative("circle", [centre], radius, (self._long(shape.edge_width),), shape.fill, shape.edge)
        if isinstance(shape, Line):
            half = max(_FINE // 2, self._long(shape.width / 2))
            return _relative("line", [self._at(shape.start), self._at(shape.end)], half, (), shape.fill, None)
        return _relative("polygon", [self._at(point) for point in shape.points], 0, (), shape.fill, None)

    def _at(self, point: Point) -> tuple[int, int]:
        """Return a place on the fine grid."""
        x, y = point
        return _FINE * self.left + self._long(x), _FINE * self.top + self._long(y)

    def _long(self, length: float) -> int:
        """Return a length on the fine grid."""
        return round(length * self.scale * _FINE)


def _relative(
    kind: str,
    points: list[tuple[int, int]],
    reach: int,
    numbers: tuple[int, ...],
    fill: Color,
    edge: Color | None,
) -> tuple[Drawing, tuple[int, int]]:
    """Return the drawing of `points`, each reaching `reach` around itself, and the pixel it starts at."""
    left = (min(x for x, _ in points) - reach) // _FINE
    top = (min(y for _, y in points) - reach) // _FINE
    width = -(-(max(x for x, _ in points) + reach + 1) // _FINE) - left
    height = -(-(max(y for _, y in points) + reach + 1) // _FINE) - top
    local = tuple((x - _FINE * left, y - _FINE * top) for x, y in points)
    return (kind, (width, height), local, reach, numbers, fill, edge), (left, top)


def _draw(drawing: Drawing) -> Any:
    """Return the image of a drawing: drawn on the fine grid, then shrunk."""
    pygame = load_pygame()
    kind, (width, height), points, reach, numbers, fill, edge = drawing
    outer = edge or fill
    fine = pygame.Surface((width * _FINE, height * _FINE), pygame.SRCALPHA, 32)
    fine.fill((*outer[:3], 0))  # clear, but of the edge's colour: shrinking must not mix in black
    if kind == "rect":
        _draw_rect(pygame, fine, points, numbers, fill, edge)
    elif kind == "circle":
        pygame.draw.circle(fine, outer, points[0], reach)
        if edge is not None:
            pygame.draw.circle(fine, fill, points[0], reach - numbers[0])
    elif kind == "line":
        _draw_line(pygame, fine, points, reach, fill)
    else:
        pygame.draw.polygon(fine, fill, points)
    return pygame.transform.smoothscale(fine, (width, height))


def _draw_rect(pygame: Any, fine: Any, points: Any, numbers: tuple[int, int], fill: Color, edge: Color | None) -> None:
    (x0, y0), (x1, y1) = points
    radius, border = numbers
    pygame.draw.rect(fine, edge or fill, (x0, y0, x1 - x0, y1 - y0), border_radius=radius)
    if edge is not None:
        inner = (x0 + border, y0 + border, x1 - x0 - 2 * border, y1 - y0 - 2 * border)
        pygame.draw.rect(fine, fill, inner, border_radius=max(0, radius - border))


def _draw_line(pygame: Any, fine: Any, points: Any, half: int, fill: Color) -> None:
    (x0, y0), (x1, y1) = points
    length = hypot(x1 - x0, y1 - y0) or 1.0
    dx, dy = half * (y1 - y0) / length, half * (x0 - x1) / length
    pygame.draw.polygon(fine, fill, [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)])
    for point in points:
        pygame.draw.circle(fine, fill, point, half)
