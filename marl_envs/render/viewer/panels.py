"""Panels above the picture: boxes of text in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marl_envs.render.letters import Letters
from marl_envs.render.marks import seen_through
from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.theme import Color, Theme
from marl_envs.render.viewer.text import Row


class Pen:
    """Writes letters of `size` pixels."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._letters = Letters()

    def text(self, text: str, fill: Color, size: int | None = None) -> Any:
        """Return an image of a line of text."""
        return self._letters.write(text, size or self.size, fill)

    @property
    def line(self) -> int:
        """Height of a line [pixels]."""
        return round(1.05 * self.size)

    @property
    def bar(self) -> int:
        """Height of the line at the bottom [pixels]."""
        return self.line + 4


def draw_panel(surface: Any, pen: Pen, rows: Sequence[Row], theme: Theme, where: str) -> tuple[int, int, int, int]:
    """Draw rows in a box at the "right" or in the "middle"; lines that do not fit become a second column, or are cut.

    Returns:
        left, top, width and height of the box [pixels].
    """
    width, height = surface.get_size()
    height -= pen.bar
    gap = pen.size // 2
    most = max(4, (height - 4 * gap) // pen.line - 2)
    columns = [rows[i : i + most] for i in range(0, len(rows), most)]
    if where == "right":
        columns = columns[:1]
    measured = [_widths(pen, column, theme) for column in columns]
    wide = sum(label + text + 3 * gap for label, text in measured) + gap
    high = max(len(column) for column in columns) * pen.line + 2 * gap
    wide = min(wide, width - 2 * gap)
    left = width - wide - gap if where == "right" else (width - wide) // 2
    top = max(gap, min(round(0.09 * height), height - high - gap)) if where == "right" else max(0, (height - high) // 2)
    _draw_box(surface, (left, top, wide, high), theme, pen)
    x = left + gap
    for column, (label, text) in zip(columns, measured, strict=True):
        for i, row in enumerate(column):
            _draw_row(surface, pen, row, (x, top + gap + i * pen.line), (label + gap, text), theme)
        x += label + text + 3 * gap
    return left, top, wide, high


def _widths(pen: Pen, rows: Sequence[Row], theme: Theme) -> tuple[int, int]:
    """Return the widths of the labels and of the texts [pixels]; a bar takes the room of a text."""
    label = max(
        (pen.text(row.label, theme.ink).get_width() for row in rows if row.text or row.bar is not None), default=0
    )
    alone = max((pen.text(row.label, theme.ink).get_width() for row in rows if not row.text), default=0)
    text = max((pen.text(row.text, theme.ink).get_width() for row in rows), default=0)
    bars = 5 * pen.size if any(row.bar is not None for row in rows) else 0
    return label, max(text + bars, alone - label)


def _draw_box(surface: Any, box: tuple[int, int, int, int], theme: Theme, pen: Pen) -> None:
    pygame = load_pygame()
    layer = pygame.Surface(box[2:], pygame.SRCALPHA)
    radius = pen.size // 2
    pygame.draw.rect(layer, seen_through(theme.page, 0.93), layer.get_rect(), border_radius=radius)
    pygame.draw.rect(layer, theme.object_edge, layer.get_rect(), 1, border_radius=radius)
    surface.blit(layer, box[:2])


def _draw_row(surface: Any, pen: Pen, row: Row, at: tuple[int, int], widths: tuple[int, int], theme: Theme) -> None:
    x, y = at
    ink = theme.agent if row.strong else theme.faint if row.faint else theme.ink
    surface.blit(pen.text(row.label, ink), (x, y))
    x += widths[0]
    if row.bar is not None:
        room = 4 * pen.size
        middle, half = x + room // 2, room // 2
        end = middle + round(half * max(-1.0, min(1.0, row.bar)))
        fill = theme.goal if row.bar >= 0 else theme.wanted
        box = (min(middle, end), y + 2, max(1, abs(end - middle)), pen.size // 2)
        surface.fill(fill, box)
        x += room + pen.size // 2
    surface.blit(pen.text(row.text, ink), (x, y))


def draw_bar(surface: Any, pen: Pen, left: str, right: str, theme: Theme) -> None:
    """Write two texts into the lower corners, on a strip in the colour of the page."""
    width, height = surface.get_size()
    images = [pen.text(text, theme.faint) for text in (left, right)]
    strip = pen.bar
    surface.fill(theme.page, (0, height - strip, width, strip))
    surface.blit(images[0], (pen.size // 2, height - strip + 2))
    if images[0].get_width() + images[1].get_width() + 2 * pen.size < width:
        surface.blit(images[1], (width - images[1].get_width() - pen.size // 2, height - strip + 2))
