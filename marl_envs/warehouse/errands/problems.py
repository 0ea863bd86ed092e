"""Problem files of the League of Robot Runners (LoRR), 2023 and 2024: floor, starts and tasks.

A problem is a JSON file that names a map, a file of agents and a file of tasks, relative to its own folder; a file
that is not there is looked for beside it (where all files were copied into one folder). Agents and tasks have a count
line, then one entry a line; lines that begin with `#` are comments. A cell is written as row * width + column.
Source: MAPF-Competition/Start-Kit, v1.1.5 (2023) and v2.1.0 (2024).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.warehouse.errands.floors import Floor, read_map, read_text, stamp

Supply = Literal["round_robin", "pool"]

VERSION_2023, VERSION_2024 = "2023 LoRR", "2024 LoRR"  # problems of 2023 do not say so
ONLY_2026 = ("agentSize", "delayConfig", "agentCounter")
MAX_ROBOTS = 32_000

_CELL = re.compile(r"[ \t]*[0-9]{1,18}[ \t]*")
_COUNT = re.compile(r"\s*([0-9]{1,9})\s*")


def pool_size(reveal: float, robots: int) -> int:
    """Return how many open tasks a pool holds; LoRR's own program multiplies single-precision numbers."""
    return int(np.float32(reveal) * np.float32(robots))


@dataclass(frozen=True, eq=False)
class Problem:
    """One problem; arrays are read-only, since problems are kept and shared."""

    path: str
    floor: Floor
    starts: NDArray[np.int64]
    """[A] cell of each robot, row * width + column."""
    task_first: NDArray[np.int64]
    """[T + 1] index of each task's first errand in `task_cells`; its last element is the number of errands."""
    task_cells: NDArray[np.int64]
    """[W] cell of each errand, task by task, in the order in which they are to be done."""
    supply: Supply
    """"round_robin" (2023: robot i does tasks i, i + A, ...) or "pool" (2024: open tasks, assigned by a scheduler)."""
    reveal: float
    """Open tasks per robot; see `pool_size`."""
    version: str
    """"2023 LoRR" or "2024 LoRR"."""


class _Head(NamedTuple):
    """What the JSON file says."""

    path: str
    files: tuple[tuple[str, str], ...]  # map, agents, tasks: as it names them, and where it does
    team: int
    team_at: str  # where it says so
    supply: Supply
    reveal: float
    version: str


class _Entries(NamedTuple):
    """What a file of agents or tasks says."""

    path: str
    lines: Sequence[int]  # [T] line of each entry
    first: NDArray[np.int64]  # [T + 1]
    cells: NDArray[np.int64]  # [W]


def read_problem(path: str) -> Problem:
    """Return the problem in a JSON file; the same object until one of its four files changes.

    Raises:
        ParameterError: with file and line: a file that is missing, not JSON, not of 2023 or 2024, or has a key missing
            or of a wrong type; a map as in `floors.parse_map`; more or fewer lines than the count; an entry that is not
            a number, outside the map or on an obstacle; two robots on one cell; more robots than the file of agents
            has. Of that file only the first `teamSize` agents are used.
    """
    if not isinstance(path, str):
        raise ParameterError(f"problem must be the path of a LoRR problem file (JSON), not {path!r}")
    head = _read_head(path, stamp(path))
    found = [_find(path, name, where) for name, where in head.files]
    return _read_files(head, tuple(file for file, _ in found), tuple(changed for _, changed in found))


@lru_cache(maxsize=32)
def _read_head(path: str, _stamp: tuple[int, int]) -> _Head:
    text = read_text(path)
    data = _parse_json(text, path)
    version = _check_version(data, text, path)
    _check_strategy(data, text, path, version)
    files = tuple(_name(data, text, path, key) for key in ("mapFile", "agentFile", "taskFile"))
    team_at = _at(text, path, "teamSize")
    team = check_int(f"{team_at}: teamSize", _get(data, path, "teamSize"), 1, MAX_ROBOTS)
    # The Start-Kit's value where the key is missing is 1
    reveal_at = f"{_at(text, path, 'numTasksReveal')}: numTasksReveal"
    reveal = check_float(reveal_at, data.get("numTasksReveal", 1), 0.0, 1e6)
    if pool_size(reveal, team) < 1:
        raise ParameterError(f"{reveal_at} times teamSize must be at least 1, not {reveal} * {team}")
    supply: Supply = "pool" if version == VERSION_2024 else "round_robin"
    return _Head(path, files, team, team_at, supply, reveal, version)


def _parse_json(text: str, path: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ParameterError(f"{path}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # thousands of digits or brackets
        raise ParameterError(f"{path}, line 1: not a problem file: {error}") from None
    if not isinstance(data, dict):
        raise ParameterError(f"{path}, line 1: must be a JSON object with keys such as mapFile, not {str(data)[:40]}")
    return data


def _check_version(data: dict[str, Any], text: str, path: str) -> str:
    """Return the version, or refuse it."""
    for key in ONLY_2026:
        if key in data:
            raise ParameterError(
                f"{_at(text, path, key)}: {key} belongs to the problems of 2026; delays and footprints of robots are "
                f"not supported; allowed are problems of 2023 and 2024"
            )
    version = data.get("version", VERSION_2023)
    if version not in (VERSION_2023, VERSION_2024):
        raise ParameterError(
            f"{_at(text, path, 'version')}: version must be {VERSION_2024!r}, {VERSION_2023!r} or missing (2023), not "
            f"{version!r}; the delays and footprints of later versions are not supported"
        )
    return str(version)


def _check_strategy(data: dict[str, Any], text: str, path: str, version: str) -> None:
    """Refuse strategies of 2023 other than round robin; in 2024 there are none."""
    if version == VERSION_2024:
        return
    strategy = _get(data, path, "taskAssignmentStrategy")
    if strategy != "roundrobin":
        where = _at(text, path, "taskAssignmentStrategy")
        raise ParameterError(f"{where}: taskAssignmentStrategy must be 'roundrobin', not {strategy!r}")


def _at(text: str, path: str, key: str) -> str:
    """Return file and line of a key."""
    match = re.search(rf'"{key}"\s*:', text)
    return path if match is None else f"{path}, line {text.count(chr(10), 0, match.start()) + 1}"


def _get(data: dict[str, Any], path: str, key: str) -> Any:
    if key not in data:
        raise ParameterError(f"{path}: the key {key!r} is missing")
    return data[key]


def _name(data: dict[str, Any], text: str, path: str, key: str) -> tuple[str, str]:
    """Return a file's name as the problem gives it, and where it does."""
    name, where = _get(data, path, key), f"{_at(text, path, key)}: {key}"
    if not isinstance(name, str) or not name:
        raise ParameterError(f"{where} must be the path of a file, not {name!r}")
    return name, where


def _find(path: str, name: str, where: str) -> tuple[str, tuple[int, int]]:
    """Return path and stamp of a file that the problem names."""
    folder = os.path.dirname(path)
    file, beside = os.path.join(folder, name), os.path.join(folder, os.path.basename(name))
    if not os.path.exists(file) and os.path.isfile(beside):
        file = beside
    try:
        return file, stamp(file)
    except ParameterError as error:
        raise ParameterError(f"{where}: {error}") from None


@lru_cache(maxsize=8)
def _read_files(head: _Head, files: tuple[str, ...], _stamps: tuple[tuple[int, int], ...]) -> Problem:
    map_file, agent_file, task_file = files
    floor = read_map(map_file)
    agents = _read_entries(agent_file, several=False)
    tasks = _read_entries(task_file, several=head.supply == "pool")
    if head.team > len(agents.cells):
        raise ParameterError(
            f"{head.team_at}: teamSize must be at most {len(agents.cells)}, as many agents as {agent_file} has, "
            f"not {head.team}"
        )
    starts = agents.cells[: head.team]
    _check_cells(agents._replace(cells=starts), floor, "the agent")
    _check_distinct(agents, starts)
    _check_cells(tasks, floor, "the errand")
    for array in (starts, tasks.first, tasks.cells):
        array.setflags(write=False)
    return Problem(head.path, floor, starts, tasks.first, tasks.cells, head.supply, head.reveal, head.version)


def _read_entries(path: str, several: bool) -> _Entries:
    """Read a count and as many lines, each of one cell or, if `several`, a list of cells with commas between them."""
    text = read_text(path)
    rows = text.split("\n")
    while rows and not rows[-1].strip():
        rows.pop()
    lines: Sequence[int] = range(1, len(rows) + 1)
    if "#" in text:
        lines = [line for line in lines if not rows[line - 1].startswith("#")]
        rows = [rows[line - 1] for line in lines]
    _check_count(path, rows, lines)
    rows, lines = rows[1:], lines[1:]
    joined = ("," if several else "\n").join(rows)
    if re.search(r"[^0-9, \t]" if several else r"[^0-9 \t\n]", joined):  # int() would take 1_000, +5 and others
        _refuse_entry(path, rows, lines, several)
    try:
        cells = np.array(list(map(int, joined.split(",") if several else rows)), np.int64)
    except (ValueError, OverflowError):
        _refuse_entry(path, rows, lines, several)
    first = np.arange(len(rows) + 1)
    if several:
        first[1:] += np.cumsum([row.count(",") for row in rows])
    return _Entries(path, lines, first, cells)


def _check_count(path: str, rows: list[str], lines: Sequence[int]) -> None:
    """Refuse a file whose first row is not the number, at least 1, of rows that follow."""
    match = _COUNT.fullmatch(rows[0]) if rows else None
    if match is None or int(match[1]) < 1:
        where = f"{path}, line {lines[0] if rows else 1}"
        raise ParameterError(f"{where}: must be a count, at least 1, not {rows[0][:40] if rows else ''!r}")
    count, found = int(match[1]), len(rows) - 1
    if found < count:
        raise ParameterError(
            f"{path}, line {lines[-1]}: the file ends after {found} entries, but line {lines[0]} announces {count}"
        )
    if found > count:
        raise ParameterError(
            f"{path}, line {lines[count + 1]}: more than the {count} entries that line {lines[0]} announces"
        )


def _refuse_entry(path: str, rows: list[str], lines: Sequence[int], several: bool) -> NoReturn:
    """Name the first row that is no cell, or no list of cells."""
    for row, line in zip(rows, lines, strict=True):
        for number in row.split(",") if several else [row]:
            if not _CELL.fullmatch(number):
                form = "cells with commas between them" if several else "one cell a line"
                raise ParameterError(
                    f"{path}, line {line}: {number[:40]!r} is not a cell; allowed are whole numbers, {form}"
                )
    raise AssertionError(path)  # only called where a row is wrong


def _check_cells(entries: _Entries, floor: Floor, what: str) -> None:
    """Refuse the first cell that is outside the map or an obstacle."""
    cells, free = entries.cells, floor.codes.ravel() != ord("@")
    inside = cells < free.size
    wrong = ~(inside & free[np.minimum(cells, free.size - 1)])
    if not wrong.any():
        return
    i = int(np.argmax(wrong))
    line, cell = entries.lines[int(np.searchsorted(entries.first, i, side="right")) - 1], int(cells[i])
    place = f"on an obstacle (row {cell // floor.width}, column {cell % floor.width}, counted from 0)"
    if not inside[i]:
        place = f"outside the map of {floor.height}x{floor.width} cells (0 to {free.size - 1})"
    raise ParameterError(f"{entries.path}, line {line}: {what} at {cell} is {place}")


def _check_distinct(agents: _Entries, starts: NDArray[np.int64]) -> None:
    """Refuse the first agent whose cell is an earlier agent's."""
    order = np.argsort(starts, kind="stable")
    again = np.flatnonzero(starts[order][1:] == starts[order][:-1])
    if again.size:
        k = again[np.argmin(order[again + 1])]
        one, other = agents.lines[order[k]], agents.lines[order[k + 1]]
        raise ParameterError(
            f"{agents.path}, line {other}: the agent at {starts[order[k]]} starts where that of line {one} does"
        )
