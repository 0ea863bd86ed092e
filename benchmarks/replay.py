"""Replays for the report: a recorded trajectory as compact JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import catalogue

if TYPE_CHECKING:
    from marl_envs.render import Trajectory
    from marl_envs.traffic.network import Network

VERSION = 1
MOVES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))  # rows and columns that a letter of a replay stands for
LETTERS = "abcdefghijklmnopqrst"  # of a robot's step: number of the move * 4 + heading
STILL = 0.01  # a vehicle slower than this share of what is allowed stands: 0.1 m/s at 11 m/s
MOST = 80  # vehicles on a lane that a replay can tell apart
ZERO = 40  # character of 0 vehicles
Frame = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """Return the trajectory file `path` as a JSON-able dict, in the form of its family, see `compact` and so on.

    Raises:
        FileNotFoundError, TrajectoryError: there is none, or it is damaged.
    """
    from marl_envs.render import load

    trajectory = load(path)
    form: Callable[[Trajectory], dict[str, Any]] = catalogue.load(catalogue.FAMILIES[trajectory.env["env"]].replay)
    return form(trajectory)


def shelves(trajectory: Trajectory) -> dict[str, Any]:
    """Return a trajectory of the shelves task, see `compact`."""
    from marl_envs.warehouse.equipped import floor_of

    return compact(floor_of(trajectory.env["params"]).rows, list(trajectory.frames()))


def errands(trajectory: Trajectory) -> dict[str, Any]:
    """Return a trajectory of the errands task, see `compact_errands`."""
    from marl_envs.warehouse.errands.equipped import floor_of

    return compact_errands(floor_of(trajectory.env["params"]).rows, list(trajectory.frames()))


def signals(trajectory: Trajectory) -> dict[str, Any]:
    """Return a trajectory of traffic signals, see `compact_signals`."""
    from marl_envs.traffic.signals.networks import network_of

    params = trajectory.env["params"]
    network, _ = network_of(params["network"], params["phases"])
    return compact_signals(network, list(trajectory.frames()))


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


def compact_errands(rows: Sequence[str], frames: Sequence[Frame]) -> dict[str, Any]:
    """Return frames of the errands task (`vec.frame()`) as a JSON-able dict.

    Returns:
        version; rows: the floor; robots: [[row, col], ...] in the first frame; frames: one dict a step with
        m: one of LETTERS a robot (how it came here, and its heading), t: tasks done by the team,
        g: [[robot, row, col], ...] for goals that are new (absent: none; -1 -1: no goal).
    """
    robots = [list(map(int, robot[:2])) for robot in frames[0]["robots"]]
    goals: list[list[int]] = [[] for _ in robots]
    places = [list(robot) for robot in robots]
    lines: list[dict[str, Any]] = []
    for frame in frames:
        line: dict[str, Any] = {"m": _letters(places, frame["robots"]), "t": int(frame["tasks"].sum())}
        new = [[a, *map(int, goal)] for a, goal in enumerate(frame["goals"]) if list(map(int, goal)) != goals[a]]
        for a, *goal in new:
            goals[a] = goal
        lines.append({**line, "g": new} if new else line)
    return {"version": VERSION, "rows": list(rows), "robots": robots, "frames": lines}


def _letters(places: list[list[int]], robots: Any) -> str:
    """Return a letter a robot for its way from `places`, and bring those up to date."""
    letters = []
    for a, (row, col, heading) in enumerate(robots.tolist()):
        move = MOVES.index((row - places[a][0], col - places[a][1]))
        letters.append(LETTERS[move * 4 + heading])
        places[a] = [row, col]
    return "".join(letters)


def compact_signals(network: Network, frames: Sequence[Frame]) -> dict[str, Any]:
    """Return frames of traffic signals (`vec.frame()`) as a JSON-able dict: how many vehicles are on each lane.

    A frame is a decision, between which vehicles drive too far to be shown one by one.

    Returns:
        version; size: [width, height] of the picture [m]; lanes: [x, y, x, y, ...] from start to end of each lane [m],
        y downwards; frames: one dict a decision with s: standing and m: moving vehicles, a character a lane (ZERO + n,
        at most MOST); o: "1" where a lane's signal is open, "0" where closed, "." without one; t: seconds, and vehicles
        created, finished and driving.
    """
    lanes, first = network.num_lanes, network.first_point
    low, high = network.xy.min(axis=0), network.xy.max(axis=0)
    flipped = (network.xy - [low[0], high[1]]) * [1.0, -1.0]
    shapes = [np.round(flipped[first[d] : first[d + 1]], 1).ravel().tolist() for d in range(lanes)]
    controlled = _controlled(network)
    lines = []
    for frame in frames:
        standing = frame["share"] < STILL
        on = (frame["place"] >= 0) & (frame["place"] < lanes)  # not inside a junction
        counts = [np.bincount(frame["place"][on & kind], minlength=lanes) for kind in (standing, ~standing)]
        now = np.zeros(lanes, np.bool_)
        now[network.link_start[frame["open"] > 0]] = True
        open_ = "".join("." if not c else "1" if o else "0" for c, o in zip(controlled, now, strict=True))
        time = [round(float(frame["seconds"])), *map(int, frame["trips"])]
        lines.append({"s": _characters(counts[0]), "m": _characters(counts[1]), "o": open_, "t": time})
    size = np.round(high - low, 1).tolist()
    return {"version": VERSION, "size": size, "lanes": shapes, "frames": lines}


def _controlled(network: Network) -> NDArray[np.bool_]:
    """Return which lanes lead to a junction with signals."""
    found = np.zeros(network.num_lanes, np.bool_)
    for junction in network.signals:
        found[network.link_start[network.first_link[junction] : network.first_link[junction + 1]]] = True
    return found


def _characters(counts: NDArray[np.int64]) -> str:
    return "".join(map(chr, (ZERO + np.minimum(counts, MOST)).tolist()))
