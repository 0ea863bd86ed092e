"""The one renderer: a Scene becomes a picture of a fixed size, at any size, with smooth edges, without a display."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.letters import Letters
from marl_envs.render.placing import Placing, fitted, strip
from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.scene import Many, Polygons, Rect, Scene, Shape
from marl_envs.render.sprites import SpriteBook
from marl_envs.render.theme import Color

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
        self._letters = Letters()
        self._placing: Placing | None = None  # what `_sprites` was made for
        self._sprites: Any = None
        self._drawn: Any = None  # what `_background` shows, and where
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

    def surface(self, scene: Scene, placing: Placing | None = None) -> Any:
        """Return the pygame surface that shows the scene, all of it unless a camera places it; reused by each call."""
        placing = fitted(self.size, scene.width, scene.height) if placing is None else placing
        if self._placing != placing:
            self._place(placing)
        if self._drawn != (scene.page, scene.background, placing):
            self._draw_background(scene)
        self._surface.blit(self._background, (0, 0))
        self._draw_shapes(scene.shapes)
        self._write_values(scene)
        return self._surface

    def _place(self, placing: Placing) -> None:
        """Get ready for a place of the scene; images are kept while the scale stays."""
        if self._surface is None:
            pygame = load_pygame()
            width, height = self.size
            self._surface = pygame.Surface(self.size, 0, 32)
            self._background = pygame.Surface(self.size, 0, 32)
            self._pixels = np.zeros((height, width, 3), np.uint8)
            self._pixel_surface = pygame.image.frombuffer(self._pixels, self.size, "RGB")  # the same memory
        if self._sprites is None or self._sprites.scale != placing.scale:
            self._sprites = SpriteBook(placing.scale, placing.left, placing.top, self.size, self._letters)
        else:
            self._sprites.move(placing.left, placing.top)
        self._placing = placing

    def _draw_shapes(self, shapes: Iterable[Shape]) -> None:
        """Draw shapes in their order; those that come one by one go to pygame in one call."""
        book, waiting = self._sprites, []
        for shape in shapes:
            if isinstance(shape, Many):
                waiting += book.copies(shape)
            elif isinstance(shape, Polygons):
                waiting += book.polygons(shape)
            elif (sprite := book.get(shape)) is not None:
                waiting.append(sprite)
        self._surface.blits(waiting, False)

    def _draw_background(self, scene: Scene) -> None:
        self._background.fill(scene.page)
        for shape in scene.background:
            self._paint(shape)
        self._drawn = (scene.page, scene.background, self._placing)

    def _paint(self, shape: Shape) -> None:
        """Draw a background shape; plain rectangles are filled to whole pixels, which keeps lines crisp."""
        if isinstance(shape, Many):
            self._background.blits(self._sprites.copies(shape), False)
        elif isinstance(shape, Polygons):
            self._background.blits(self._sprites.polygons(shape), False)
        elif isinstance(shape, Rect) and not shape.radius and shape.edge is None and shape.fill[3] == 255:
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
        high = strip(self.size)
        if self._placing is not None and self._placing.top < high:  # a camera has put the scene below the line
            self._surface.fill(scene.page, (0, 0, self.size[0], high))
        indent = min(max(4, fitted(self.size, scene.width, scene.height).left), round(0.4 * self.size[0]))
        size, room, letters = round(0.62 * high), self.size[0] - 2 * indent, self._letters
        words = [(text, fill, part) for pair in scene.values for text, fill, part in _label_and_value(*pair, scene)]
        while size > 8 and sum(letters.width(text, size, fill) + size // part for text, fill, part in words) > room:
            size -= 1
        images = [(letters.write(text, size, fill), size // part) for text, fill, part in words]
        usual = min((image.get_height() for image, _ in images), default=0)  # descenders make some higher
        x = indent
        for image, gap in images:
            self._surface.blit(image, (x, (high - usual) // 2 + 1))
            x += image.get_width() + gap


def _label_and_value(label: str, value: str, scene: Scene) -> Iterator[tuple[str, Color, int]]:
    """Yield text, colour, and what part of the letters' size is left free behind it, of a label and of its value."""
    yield label, scene.faint, 3
    yield value, scene.ink, 1
