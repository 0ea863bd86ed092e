"""Floors of the errands task: generated ones, MovingAI's `.map` files, and any floor drawn as text.

A floor has one character a cell: `.` free, `@` obstacle, `E` station, `S` shelf side, and in drawings `C` charging cell
(free to robots without batteries); robots may be on all but `@`. Row 0 is the top row, column 0 the leftmost.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_float, check_int

# MovingAI's letters; LoRR has E and S for stations and shelf sides, where MovingAI's S is a swamp
_FROM_MAP = str.maketrans({"G": ".", "O": "@", "T": "@", "W": "@"})
_MAP_CHARS = ".GSE@OTW"
CHARGER = "C"
_DRAWN_CHARS = f".@ES{CHARGER}"
_HEADER = ("type octile", "height NUMBER", "width NUMBER", "map")
_HEADER_PATTERNS = (r"type\s+\S+\s*", r"height\s+([0-9]{1,9})\s*", r"width\s+([0-9]{1,9})\s*", r"map\s*")
MAX_SIDE, MAX_CELLS = 32_000, 10_000_000  # rows and columns are int16


@dataclass(frozen=True)
class Floor:
    """A floor; `rows` holds one string of `.`, `@`, `E`, `S` and `C` a row, all of one length."""

    rows: tuple[str, ...]

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    @property
    def num_free(self) -> int:
        """Number of cells that robots may be on: all but obstacles."""
        return self.height * self.width - sum(row.count("@") for row in self.rows)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """ASCII code of every cell, uint8 [height, width]."""
        return np.frombuffer("".join(self.rows).encode("ascii"), np.uint8).reshape(self.height, self.width)

    def cells(self, kinds: str) -> list[tuple[int, int]]:
        """Return (row, col) of every cell that has one of these characters, in reading order."""
        wanted = np.zeros(256, np.bool_)
        wanted[list(kinds.encode("ascii"))] = True
        rows, cols = np.nonzero(wanted[self.codes])
        return list(zip(rows.tolist(), cols.tolist(), strict=True))


def get_floor(spec: str) -> Floor:
    """Return the floor of that name, in that file, or drawn in the text.

    Args:
        spec: "kiva", "aisles-2x3" (rows x columns of shelves; "aisles-2x3x5": of 5 cells each), "storage-33x57"
            (height x width), "random-32x32-20-0" (height x width, percent of obstacles, seed), "empty-8x8"; the path
            of a MovingAI file, ending with ".map", which is read again once it changed; or a drawing of several lines.

    Raises:
        ParameterError: an unknown name, a size that is not allowed, a file or a drawing that is broken.
    """
    if not isinstance(spec, str):
        raise ParameterError(f"floor must be a name, the path of a .map file or a text drawing, not {spec!r}")
    if "\n" in spec.strip():
        return parse_drawing(spec)
    return read_map(spec) if spec.endswith(".map") else _generated(spec)


def read_map(path: str) -> Floor:
    """Return the floor of a MovingAI file; the same object until the file changes. Errors as `parse_map`."""
    return _read_map(path, stamp(path))


@lru_cache(maxsize=32)
def _read_map(path: str, _stamp: tuple[int, int]) -> Floor:
    return parse_map(read_text(path), path)


def stamp(path: str) -> tuple[int, int]:
    """Return time of change [ns] and size [bytes] of a file, to see that it changed; ParameterError without it."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ParameterError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return found.st_mtime_ns, found.st_size


def read_text(path: str) -> str:
    """Return what a text file holds, lines ending with a line feed; ParameterError names a file that cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ParameterError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ParameterError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from None


def parse_map(text: str, where: str) -> Floor:
    """Return the floor of a MovingAI map.

    The format, from movingai.com: `type octile`, `height H`, `width W`, `map`, then H lines of W characters. The type
    is any word: robots always move to four neighbours. `.` and `G` become `.`, `@ O T W` become `@`, `S` and `E` stay.

    Args:
        text: what the file holds; blank lines at the end do not matter.
        where: the file's name, for errors.

    Raises:
        ParameterError: with file, line and column, counted from 1: a wrong header, rows that are missing, too many
            or of another length, an unknown character, or no free cell.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    height, width = _parse_header(lines, where)
    rows = lines[4:]
    if len(rows) < height:
        place = f"line {len(lines)}, column {len(lines[-1]) + 1}"
        raise ParameterError(f"{where}, {place}: the map ends after {len(rows)} of {height} rows")
    if len(rows) > height:
        raise ParameterError(f"{where}, line {5 + height}, column 1: more than the {height} rows that line 2 announces")
    _check_rows(rows, width, _MAP_CHARS, f"{where}, line", 5)
    return Floor(tuple(row.translate(_FROM_MAP) for row in rows))


def _parse_header(lines: list[str], where: str) -> tuple[int, int]:
    sizes = []
    for number, (form, pattern) in enumerate(zip(_HEADER, _HEADER_PATTERNS, strict=True), start=1):
        line = lines[number - 1] if number <= len(lines) else ""
        match = re.fullmatch(pattern, line)
        if match is None:
            raise ParameterError(f"{where}, line {number}, column 1: must be {form!r}, not {line[:40]!r}")
        sizes += [int(size) for size in match.groups()]
    _check_size(f"{where}, lines 2 and 3: the map", sizes[0], sizes[1])
    return sizes[0], sizes[1]


def parse_drawing(text: str) -> Floor:
    """Return the floor drawn in `text`; spaces are ignored, `e`, `s` and `c` mean `E`, `S`, `C`.

    Raises:
        ParameterError: with line and column: lines of different length, an unknown character, or no free cell.
    """
    rows = [line.replace(" ", "").upper() for line in text.strip().splitlines()] or [""]
    _check_size("the drawn floor", len(rows), len(rows[0]))
    _check_rows(rows, len(rows[0]), _DRAWN_CHARS, "floor line", 1)
    return Floor(tuple(rows))


def _check_rows(rows: list[str], width: int, allowed: str, where: str, first: int) -> None:
    """Raise ParameterError at the first cell that is wrong; `first` is the line of the first row."""
    for line, row in enumerate(rows, start=first):
        if wrong := re.search(f"[^{allowed}]", row):
            known = ", ".join(map(repr, allowed))
            raise ParameterError(f"{where} {line}, column {wrong.start() + 1}: {wrong[0]!r} is not one of {known}")
        if len(row) != width:
            column = min(len(row), width) + 1
            raise ParameterError(f"{where} {line}, column {column}: the row has {len(row)} cells, not {width}")
    if not any(row.strip("@OTW") for row in rows):
        raise ParameterError(f"{where} {first}, column 1: no cell is free, here or below; at least one is needed")


def _check_size(what: str, height: int, width: int, low: tuple[int, int] = (1, 1)) -> None:
    inside = low[0] <= height <= MAX_SIDE and low[1] <= width <= MAX_SIDE
    if not inside or height * width > MAX_CELLS:
        raise ParameterError(
            f"{what} must have from {low[0]}x{low[1]} to {MAX_SIDE}x{MAX_SIDE} and at most {MAX_CELLS} cells, "
            f"not {height}x{width}"
        )


def aisles_floor(shelf_rows: int, shelf_columns: int, shelf_length: int = 10, station_columns: int = 2) -> Floor:
    """Return a floor of horizontal shelves with stations at the left and the right edge.

    A shelf is a block of obstacles, one cell high and `shelf_length` long, with shelf sides above and below. Beside
    each row of shelves, at both edges, are `station_columns` groups of stations, 2 wide and 3 high. One free cell is
    between any two of these, and around everything. Source: the Kiva floor of RHCR (Li et al., AAAI 2021), which
    POGEMA's benchmark calls wfi_warehouse: it is `aisles_floor(8, 3)`, 33 x 46, cell by cell. ParameterError for a
    number below 1, or a floor that is too large.
    """
    check_int("shelf_rows", shelf_rows, 1, MAX_SIDE)
    check_int("shelf_columns", shelf_columns, 1, MAX_SIDE)
    check_int("shelf_length", shelf_length, 1, MAX_SIDE)
    check_int("station_columns", station_columns, 1, MAX_SIDE)
    width = 2 * (3 * station_columns + 1) + shelf_columns * (shelf_length + 1) - 1
    _check_size("a floor of aisles", 4 * shelf_rows + 1, width)
    left = ".EE" * station_columns + "."

    def row(char: str) -> str:
        return left + ".".join([char * shelf_length] * shelf_columns) + left[::-1]

    return Floor(("." * width, *(row("S"), row("@"), row("S"), "." * width) * shelf_rows))


def storage_floor(height: int, width: int) -> Floor:
    """Return a warehouse floor in the manner of LoRR's warehouse_large; 10x11 is the smallest.

    Blocks of obstacles, 2 high and 3 wide, one cell apart, begin at row and column 4 and keep a distance of 4 from
    the other two edges: as many as fit whole. The free cells along their sides are shelf sides. Stations stand one
    cell from each edge, in line with every column of blocks (its middle) and every row of blocks (its upper row).
    Our rule: LoRR's generator also puts pillars between the stations. ParameterError for a size out of range.
    """
    _check_size("a floor of storage blocks", height, width, (10, 11))
    char = np.full((height, width), ord("."), np.uint8)
    tops, lefts = np.arange(4, height - 5, 3), np.arange(4, width - 6, 4)
    rows, cols = np.union1d(tops, tops + 1), np.union1d(np.union1d(lefts, lefts + 1), lefts + 2)
    sides = (np.union1d(tops - 1, tops + 2), cols), (rows, np.union1d(lefts - 1, lefts + 3))
    edges = (np.array([1, height - 2]), lefts + 1), (tops, np.array([1, width - 2]))
    for kind, places in (("S", sides), ("E", edges), ("@", ((rows, cols),))):
        for place in places:
            char[np.ix_(*place)] = ord(kind)
    return _floor_of(char)


def random_floor(height: int, width: int, density: float, seed: int) -> Floor:
    """Return a floor with obstacles at random, as MovingAI's random maps, whose free cells are all connected.

    `density` (0 to 0.9) of the cells, rounded, are obstacles; free cells outside the largest connected part (the
    first, in reading order, of equals) become obstacles too. The same arguments give the same floor with every
    version of NumPy, since the stream of PCG64 is fixed (NEP 19). ParameterError for a number out of range.
    """
    _check_size("a random floor", height, width)
    check_float("density", density, 0.0, 0.9)
    check_int("seed", seed, 0, 2**63 - 1)
    cells = height * width
    obstacles = min(round(density * cells), cells - 1)
    order = np.argsort(np.random.PCG64(seed).random_raw(cells), kind="stable")
    free = np.zeros((height + 2, width + 2), np.uint8)  # with a wall around it
    inner = np.ones(cells, np.uint8)
    inner[order[:obstacles]] = 0
    free[1:-1, 1:-1] = inner.reshape(height, width)
    kept = _largest_part(free)[1:-1, 1:-1]
    return _floor_of(np.where(kept, ord("."), ord("@")).astype(np.uint8))


def _largest_part(free: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which cells are in the largest connected part; no cell at the border is free."""
    unseen, stride = bytearray(free.tobytes()), free.shape[1]
    largest: list[int] = []
    while (start := unseen.find(1)) >= 0:
        unseen[start], part = 0, [start]
        for cell in part:  # grows as cells are found
            for other in (cell - stride, cell - 1, cell + 1, cell + stride):
                if unseen[other]:
                    unseen[other] = 0
                    part.append(other)
        largest = max(largest, part, key=len)  # the first of equals
    kept = np.zeros(free.size, np.bool_)
    kept[largest] = True
    return kept.reshape(free.shape)


def empty_floor(height: int, width: int) -> Floor:
    """Return a floor without obstacles; ParameterError if it is too large."""
    _check_size("an empty floor", height, width)
    return Floor(("." * width,) * height)


def _floor_of(codes: NDArray[np.uint8]) -> Floor:
    return Floor(tuple(row.tobytes().decode("ascii") for row in codes))


_SIZE = r"([0-9]{1,6})x([0-9]{1,6})"
_NAMES: tuple[tuple[str, str, Callable[..., Floor]], ...] = (
    ("kiva", "kiva", lambda: aisles_floor(8, 3)),
    ("aisles-ROWSxCOLUMNS", f"aisles-{_SIZE}", aisles_floor),
    ("aisles-ROWSxCOLUMNSxLENGTH", f"aisles-{_SIZE}x([0-9]{{1,6}})", aisles_floor),
    ("storage-HEIGHTxWIDTH", f"storage-{_SIZE}", storage_floor),
    (
        "random-HEIGHTxWIDTH-PERCENT-SEED",
        f"random-{_SIZE}-([0-9]{{1,2}})-([0-9]{{1,18}})",
        lambda height, width, percent, seed: random_floor(height, width, percent / 100, seed),
    ),
    ("empty-HEIGHTxWIDTH", f"empty-{_SIZE}", empty_floor),
)


@lru_cache(maxsize=32)
def _generated(name: str) -> Floor:
    """Return the floor of that name, or raise ParameterError with a list of what is allowed."""
    for _, pattern, maker in _NAMES:
        if match := re.fullmatch(pattern, name):
            return maker(*map(int, match.groups()))
    names = ", ".join(form for form, _, _ in _NAMES)
    raise ParameterError(
        f"unknown floor {name!r}; allowed are {names}, the path of a MovingAI .map file, or a drawing of several lines"
    )
