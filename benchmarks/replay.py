"""Replays for the report: a recorded trajectory as compact JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

VERSION = 1
Frame = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """Return the trajectory file `path` of a warehouse as a JSON-able dict, see `compact`.

    Raises:
        FileNotFoundError, TrajectoryError: there is none, or it is damaged.
    """
    from marl_envs.render import load
    from marl_envs.warehouse.layouts import get_layout

    trajectory = load(path)
    return compact(get_layout(trajectory.env["params"]["layout"]).rows, list(trajectory.frames()))


def compact(rows: Sequence[str], frames: Sequence[Frame]) -> dict[str, Any]:
    """Return frames of a warehouse (`vec.frame()`) as a JSON-able dict.

    Shelves and requests are written only where they change; a carried shelf lies where its robot is.

    Returns:
        version; rows: the floor; shelves: [[row, col], ...] in the first frame; frames: one dict a step with
        r: [row, col, heading, carried shelf or -1, deliveries] a robot, q: requested shelves (absent: as before),
        m: [[shelf, row, col], ...] for shelves that were moved (absent: none).
    """
    requested: list[int] = []
    places = [list(map(int, place)) for place in frames[0]["shelves"]]
    result: dict[str, Any] = {"version": VERSION, "rows": list(rows), "shelves": [list(p) for p in places]}
    lines: list[dict[str, Any]] = []
    for frame in frames:
        robots = [[*map(int, robot), int(n)] for robot, n in zip(frame["robots"], frame["deliveries"], strict=True)]
        line: dict[str, Any] = {"r": robots}
        now = [index for index, wanted in enumerate(frame["requested"]) if wanted]
        if now != requested or not lines:
            line["q"] = requested = now
        carried = {robot[3] for robot in robots}
        moved = _moved(places, frame["shelves"], carried)
        if moved:
            line["m"] = moved
        lines.append(line)
    return {**result, "frames": lines}


def _moved(places: list[list[int]], shelves: Any, carried: set[int]) -> list[list[int]]:
    """Return [shelf, row, col] of the shelves that stand elsewhere than in `places`, and correct `places`."""
    moved = []
    for index, shelf in enumerate(shelves):
        place = list(map(int, shelf))
        if index not in carried and place != places[index]:
            places[index] = place
            moved.append([index, *place])
    return moved
