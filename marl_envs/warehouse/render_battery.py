"""How charging cells and batteries look, in both tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from marl_envs.render.scene import Polygon, Rect, Shape
from marl_envs.render.theme import Theme, mix

LOW = 25  # [percent] below which a bar changes its colour
# A flash, in a cell whose corners are (0, 0) and (1, 1)
_FLASH = ((0.58, 0.14), (0.26, 0.56), (0.46, 0.56), (0.40, 0.86), (0.74, 0.42), (0.53, 0.42))


def charging_cell(row: int, col: int, theme: Theme) -> Iterator[Shape]:
    """Yield a charging cell: a framed tile with a flash."""
    yield Rect(col + 0.04, row + 0.04, 0.92, 0.92, mix(theme.floor, theme.agent, 0.15), 0.14, theme.agent, 0.05)
    yield Polygon(tuple((col + x, row + y) for x, y in _FLASH), theme.agent)


def bar(x: float, y: float, charge: int, theme: Theme) -> Iterator[Shape]:
    """Yield how full the battery [percent] of a robot at (x, y) is: a bar below it, all frame if empty."""
    left, top, width, height = x - 0.34, y + 0.34, 0.68, 0.16
    yield Rect(left, top, width, height, theme.page, 0.04, theme.ink, 0.03)
    if charge:
        fill = theme.goal if charge >= LOW else theme.wanted
        yield Rect(left + 0.035, top + 0.035, (width - 0.07) * charge / 100, height - 0.07, fill, 0.02)


def dead(theme: Theme) -> Theme:
    """Return the theme in which a robot without energy is drawn."""
    return replace(theme, agent=theme.object, agent_edge=theme.object_edge, agent_ink=theme.ink)
