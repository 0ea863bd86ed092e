"""Batteries of both tasks, outside the kernels: the parameters, and where charging cells are put."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_int

MOST_ENERGY = 2**20  # [energy units] so that levels fit into 32 bits, and the dearest way into 64


class Drain(NamedTuple):
    """What a robot's step costs, by kind [energy units]. A refused or forbidden action costs as much as waiting."""

    wait: int = 1
    turn: int = 2
    move: int = 2
    toggle: int = 2  # loading and unloading; errands have neither
    laden: int = 3  # a move with a shelf on board


DRAIN = Drain()  # the defaults


class Equipped(Protocol):
    """Parameters that both tasks have."""

    @property
    def battery(self) -> int | None:
        """Capacity [energy units]; None: robots need no energy."""

    @property
    def drain(self) -> Sequence[int]:
        """See Drain."""

    @property
    def charge_rate(self) -> int:
        """What a step on a charging cell gives [energy units]."""

    @property
    def reserve(self) -> int | None:
        """What shall be left on reaching the charging cell [energy units]."""

    @property
    def chargers(self) -> int | None:
        """Charging cells to be put on a floor that has none."""


def as_object(params: Any, **absent: Any) -> Any:
    """Return parameters as an object, also if they are a mapping; `absent` are values where it lacks a name."""
    if isinstance(params, dict):
        return SimpleNamespace(**{"battery": None, "chargers": None, **absent, **params})
    return params


def check_battery(params: Equipped) -> Drain:
    """Check the parameters of batteries, and return `drain` by name.

    Raises:
        ParameterError: a number is out of range, or charging cells are asked for without batteries.
    """
    drain = params.drain
    if not isinstance(drain, (list, tuple)) or len(drain) != len(Drain._fields):
        raise ParameterError(f"drain must be {len(Drain._fields)} integers ({', '.join(Drain._fields)}), not {drain!r}")
    costs = Drain(*(check_int(f"drain ({k})", v, 0, MOST_ENERGY) for k, v in zip(Drain._fields, drain, strict=True)))
    check_int("charge_rate", params.charge_rate, 1, MOST_ENERGY)
    if params.battery is None:
        if params.chargers is not None:
            raise ParameterError(f"chargers={params.chargers!r} needs a battery, and battery is None")
        return costs
    check_int("battery", params.battery, 1, MOST_ENERGY)
    if params.reserve is not None:
        check_int("reserve", params.reserve, 0, params.battery, f"(the battery holds {params.battery})")
    if params.chargers is not None:
        check_int("chargers", params.chargers, 0)
    return costs


def check_chargers_layer(params: Any) -> None:
    """Raise ParameterError if the image shall show charging cells, and there can be none."""
    if "chargers" in params.image_layers and params.battery is None:
        raise ParameterError('image_layers: "chargers" needs a battery, and battery is None')


def with_chargers(
    rows: tuple[str, ...], letter: str, ways: str, busy: NDArray[np.bool_], params: Equipped, robots: int
) -> tuple[str, ...]:
    """Return the rows of a floor with a letter on its charging cells, as drawn or as `find_places` finds them.

    Args:
        rows: of one length. Without a battery the letter becomes a plain cell, the first of `ways`.
        letter: of a charging cell.
        ways: letters of the cells that robots drive on whatever they carry; charging cells are put on the first.
        busy: [height, width] cells better left free, as robots have errands there.
        params: `battery` and `chargers`; None for the latter: as drawn, or else one for every two robots, or as many
            as there is room for.
        robots: how many there are.

    Raises:
        ParameterError: charging cells are drawn and also asked for, or there is room for fewer.
    """
    plain = ways[0]
    drawn = sum(row.count(letter) for row in rows)
    if params.battery is None:
        return tuple(row.replace(letter, plain) for row in rows) if drawn else rows
    if drawn:
        if params.chargers is not None:
            raise ParameterError(
                f"chargers must be None, as the floor has {drawn} drawn ({letter!r}), not {params.chargers}"
            )
        return rows
    wanted = (robots + 1) // 2 if params.chargers is None else params.chargers
    letters = np.frombuffer("".join(rows).encode(), np.uint8).reshape(len(rows), -1).copy()
    open_cells = np.isin(letters, [ord(way) for way in ways])
    places = find_places(open_cells, letters == ord(plain), busy, wanted)
    if len(places) < (1 if params.chargers is None else wanted):
        raise ParameterError(
            f"chargers: the floor has room for {len(places)} charging cells that cut off no way, not for {wanted}; "
            f"draw them into the floor as {letter!r}, or say chargers={len(places)}"
        )
    letters[tuple(np.array(places, np.int64).reshape(-1, 2).T)] = ord(letter)
    return tuple(row.tobytes().decode("ascii") for row in letters)


def find_places(
    open_cells: NDArray[np.bool_], plain: NDArray[np.bool_], busy: NDArray[np.bool_], wanted: int
) -> list[tuple[int, int]]:
    """Return (row, col) of up to `wanted` cells for charging: spread out, and cutting off no way even if all are taken.

    A cell cuts off no way if its open neighbours are connected to each other through the eight cells around it; no
    two charging cells are among each other's eight. First cells on the border that are not busy, nor beside a busy
    one, then such cells anywhere, then any; of these always the one farthest (rows + columns) from all charging cells
    so far; the first from busy cells. Ties: the first in reading order.
    """
    height, width = open_cells.shape
    allowed = plain & _passed_by(open_cells)
    clear = ~_spread(busy)
    border = np.ones_like(busy)
    border[1:-1, 1:-1] = False
    row, col = np.indices((height, width))
    away = _distance_to(busy)
    places: list[tuple[int, int]] = []
    for group in (allowed & clear & border, allowed & clear, allowed):
        while len(places) < wanted and (group & allowed).any():
            best = int(np.where(group & allowed, away, -1).argmax())
            r, c = divmod(best, width)
            away = np.abs(row - r) + np.abs(col - c) if not places else np.minimum(away, abs(row - r) + abs(col - c))
            places.append((r, c))
            allowed[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2] = False
    return places


def _distance_to(busy: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how far each cell is from the nearest busy one [rows + columns]; without any, from the middle."""
    far = np.full(busy.shape, sum(busy.shape), np.int64)
    if not busy.any():
        row, col = np.indices(busy.shape)
        far[:] = abs(row - busy.shape[0] // 2) + abs(col - busy.shape[1] // 2)
        return far
    far[busy] = 0
    for axis in (0, 1):  # the distance by rows, then with columns added: exact for this metric
        lines = np.moveaxis(far, axis, 0)
        for k in range(1, len(lines)):
            lines[k] = np.minimum(lines[k], lines[k - 1] + 1)
        for k in range(len(lines) - 2, -1, -1):
            lines[k] = np.minimum(lines[k], lines[k + 1] + 1)
    return far


def _shifted(cells: NDArray[np.bool_], down: int, right: int) -> NDArray[np.bool_]:
    """Return for each cell whether the one that lies there from it is among `cells`."""
    padded = np.pad(cells, 1)
    return padded[1 + down : 1 + down + len(cells), 1 + right : 1 + right + cells.shape[1]]


def _spread(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return these cells and their four neighbours."""
    found = cells.copy()
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        found |= _shifted(cells, down, right)
    return found


def _passed_by(open_cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells robots can do without: two or more open neighbours, connected through the eight around."""
    ring = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
    around = np.stack([_shifted(open_cells, *offset) for offset in ring])
    sides = around[::2].sum(axis=0)
    joined = (around[::2] & around[1::2] & np.roll(around, -2, axis=0)[::2]).sum(axis=0)
    found: NDArray[np.bool_] = (sides > 1) & ((sides == joined) | (sides - joined == 1))
    return found
