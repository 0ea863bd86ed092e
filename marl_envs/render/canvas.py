"""The one renderer: a Scene becomes a picture of a fixed size, at any size, with smooth edges, without a display."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.scene import Rect, Scene, Shape
from marl_envs.render.sprites import SpriteBook

Image: TypeAlias = NDArray[np.uint8]  # (height, width, 3), red green blue

SMALLEST, LARGEST = 64, 8192  # [pixels] the sides a picture may have


def checked_size(size: Any) -> tuple[int, int]:
    """Return `size` as (width, height) [pixels]; raise ValueError if it is not two integers in [64, 8192]."""
    try:
        width, height = size
        fits = all(int(side) == side and SMALLEST <= side <= LARGEST for side in (width, height))
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(f"render size must be two integers (width, height) in [{SMALLEST}, {LARGEST}], not {size!r}")
    return int(width), int(height)


def fitted_size(width: float, height: float, longest: int = 640) -> tuple[int, int]:
    """Return a picture size [pixels] that suits a scene of `width` x `height` cells.

    Cells are at most 48 pixels, no side is above `longest`, and sides are even, as video formats ask for.
    """
    cell = max(1, min(48, int((longest - 64) / max(width, height))))
    margins, strip = 32, 64
    return max(192, 2 * round((cell * width + margins) / 2)), max(192, 2 * round((cell * height + strip) / 2))


class Canvas:
    """Draws scenes at `size` = (width, height) pixels; raises ValueError for a size that cannot be drawn."""

    def __init__(self, size: tuple[int, int] = (640, 480)) -> None:
        self.size = checked_size(size)
        self._forget()

    def _forget(self) -> None:
        self._fit: tuple[float, float] | None = None  # the scene size that `_sprites` was made for
        self._sprites: Any = None
        self._drawn: Any = None  # what `_background` shows
        self._background: Any = None
        self._surface: Any = None
        self._pixels: Any = None
        self._pixel_surface: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the size alone: surfaces cannot be pickled, and are drawn again when needed."""
        return {"size": self.size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.size = state["size"]
        self._forget()

    def draw(self, scene: Scene) -> Image:
        """Return the picture, uint8 (height, width, 3); the array is the caller's own."""
        surface = self.surface(scene)
        self._pixel_surface.blit(surface, (0, 0))
        picture: Image = self._pixels.copy()
        return picture

    def surface(self, scene: Scene) -> Any:
        """Return the pygame surface that shows the scene; the next call draws over it."""
        if self._fit != (scene.width, scene.height):
            self._forget()
            self._place(scene)
        if self._drawn != (scene.page, scene.background):
            self._draw_background(scene)
        self._surface.blit(self._background, (0, 0))
        sprites = map(self._sprites.get, scene.shapes)
        self._surface.blits([sprite for sprite in sprites if sprite is not None], False)
        self._write_values(scene)
        return self._surface

    def _place(self, scene: Scene) -> None:
        """Fit the scene into the picture, with whole pixels per cell unless cells are tiny."""
        pygame = load_pygame()
        width, height = self.size
        margin = max(4, round(0.025 * min(width, height)))
        self._strip = min(48, max(22, round(0.08 * height)))  # [pixels] height of the line of values
        room_x, room_y = width - 2 * margin, height - self._strip - margin
        scale = min(room_x / scene.width, room_y / scene.height)
        scale = float(int(scale)) if scale >= 8 else scale
        left = round((width - scale * scene.width) / 2)
        top = self._strip + round((room_y - scale * scene.height) / 2)
        self._indent = min(left, round(0.4 * width))
        self._sprites = SpriteBook(scale, left, top)
        self._surface = pygame.Surface(self.size, 0, 32)
        self._background = pygame.Surface(self.size, 0, 32)
        self._pixels = np.zeros((height, width, 3), np.uint8)
        self._pixel_surface = pygame.image.frombuffer(self._pixels, self.size, "RGB")  # the same memory
        self._fit = (scene.width, scene.height)

    def _draw_background(self, scene: Scene) -> None:
        self._background.fill(scene.page)
        for shape in scene.background:
            self._paint(shape)
        self._drawn = (scene.page, scene.background)

    def _paint(self, shape: Shape) -> None:
        """Draw a background shape; plain rectangles are filled to whole pixels, which keeps lines crisp."""
        if isinstance(shape, Rect) and not shape.radius and shape.edge is None and shape.fill[3] == 255:
            left, top = self._pixel(shape.x, shape.y)
            right, bottom = self._pixel(shape.x + shape.width, shape.y + shape.height)
            self._background.fill(shape.fill, (left, top, max(1, right - left), max(1, bottom - top)))
        elif (sprite := self._sprites.get(shape)) is not None:
            self._background.blit(*sprite)

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        book = self._sprites
        return book.left + round(x * book.scale), book.top + round(y * book.scale)

    def _write_values(self, scene: Scene) -> None:
        """Write the line of values above the scene, in letters small enough for all of it to fit."""
        size = round(0.62 * self._strip)
        while size > 8:
            images = self._value_images(scene, size)
            room = sum(image.get_width() + gap for image, gap in images)
            if room <= self.size[0] - 2 * self._indent:
                break
            size -= 1
        x = self._indent
        for image, gap in images:
            self._surface.blit(image, (x, (self._strip - image.get_height()) // 2 + 1))
            x += image.get_width() + gap

    def _value_images(self, scene: Scene, size: int) -> list[tuple[Any, int]]:
        """Return images of all labels and values, each with the room to leave behind it [pixels]."""
        images = []
        for label, value in scene.values:
            images.append((self._sprites.write(label, size, scene.faint), size // 3))
            images.append((self._sprites.write(value, size, scene.ink), size))
        return images
