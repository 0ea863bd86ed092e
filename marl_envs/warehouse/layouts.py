"""Floors: RWARE's four sizes, small generated floors ("5x5"), and any floor drawn as text.

A drawing has one character a cell: `.` highway, `x` the home of a shelf, `g` a goal (also highway), `c` a charging cell
(highway to robots without batteries); spaces are ignored, upper and lower case mean the same. Row 0 is the top row,
column 0 the leftmost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from marl_envs.core.params import ParameterError

HIGHWAY, HOME, GOAL, CHARGER = ".", "x", "g", "c"

# RWARE 2.0.0: name -> (shelf rows, shelf columns); columns of shelves are 8 cells high in all of them.
RWARE_SIZES = {"tiny": (1, 3), "small": (2, 3), "medium": (2, 5), "large": (3, 5)}
RWARE_COLUMN_HEIGHT = 8

_FLOOR_NAME = re.compile(r"(\d+)x(\d+)")


@dataclass(frozen=True)
class Layout:
    """A floor; `rows` holds one string of `.`, `x`, `g` and `c` a row, all of one length."""

    rows: tuple[str, ...]

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    def cells(self, kind: str) -> list[tuple[int, int]]:
        """Return (row, col) of every cell of that kind, in reading order."""
        return [(r, c) for r, row in enumerate(self.rows) for c, char in enumerate(row) if char == kind]


def get_layout(layout: str) -> Layout:
    """Return the floor of that name, or the one drawn in the text.

    Args:
        layout: "tiny", "small", "medium", "large"; "5x5" upwards (height x width); or a drawing of several lines.

    Raises:
        ParameterError: an unknown name, or a drawing that is ragged, has another character, no goal or too few homes.
    """
    if not isinstance(layout, str):
        raise ParameterError(f"layout must be a name or a text drawing, not {layout!r}")
    if layout in RWARE_SIZES:
        return rware_floor(*RWARE_SIZES[layout], RWARE_COLUMN_HEIGHT)
    if match := _FLOOR_NAME.fullmatch(layout):
        return small_floor(int(match[1]), int(match[2]))
    if "\n" in layout.strip():
        return parse(layout)
    names = ", ".join(RWARE_SIZES)
    raise ParameterError(f"unknown layout {layout!r}; allowed are {names}, HEIGHTxWIDTH such as 5x5, or a text drawing")


def parse(text: str) -> Layout:
    """Return the floor drawn in `text`; errors name line and column, counted from 1."""
    rows = tuple(line.replace(" ", "").lower() for line in text.strip().splitlines())
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise ParameterError(f"layout line {number} has {len(row)} cells, but line 1 has {len(rows[0])}")
        for column, char in enumerate(row, start=1):
            if char not in (HIGHWAY, HOME, GOAL, CHARGER):
                raise ParameterError(
                    f"layout line {number}, column {column}: {char!r} is not one of '.', 'x', 'g', 'c'"
                )
    floor = Layout(rows)
    if not floor.cells(GOAL):
        raise ParameterError("the layout has no goal ('g'); at least one is needed")
    if len(floor.cells(HOME)) < 2:
        raise ParameterError("the layout needs at least two shelf homes ('x'): one requested, one to request next")
    return floor


def rware_floor(shelf_rows: int, shelf_columns: int, column_height: int) -> Layout:
    """Return RWARE's floor of that size (its rule, cell by cell); `shelf_columns` must be odd.

    Source: rware 2.0.0, `_make_layout_from_params`.
    """
    if shelf_columns % 2 == 0:
        raise ParameterError(f"shelf_columns must be odd, not {shelf_columns}")
    height, width = (column_height + 1) * shelf_rows + 2, 3 * shelf_columns + 1
    middle = (width // 2 - 1, width // 2)

    def char(row: int, col: int) -> str:
        if row == height - 1 and col in middle:
            return GOAL
        queue = row > height - (column_height + 3) and col in middle
        highway = col % 3 == 0 or row % (column_height + 1) == 0 or row == height - 1 or queue
        return HIGHWAY if highway else HOME

    return Layout(tuple("".join(char(row, col) for col in range(width)) for row in range(height)))


def small_floor(height: int, width: int) -> Layout:
    """Return a floor of blocks of two by two shelves with a highway around each and two goals below the middle.

    Ours, not RWARE's: the lower rungs of the ladder, where one trip takes a dozen steps. 5x5 is the smallest.
    """
    if min(height, width) < 5 or max(height, width) > 200:
        raise ParameterError(f"a generated floor has from 5x5 to 200x200 cells, not {height}x{width}")

    def char(row: int, col: int) -> str:
        if row == height - 1 and col in (width // 2 - 1, width // 2):
            return GOAL
        home = row % 3 and col % 3 and row < height - 2 and col < width - 1
        return HOME if home else HIGHWAY

    return Layout(tuple("".join(char(row, col) for col in range(width)) for row in range(height)))
