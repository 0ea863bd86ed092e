"""Replays of vehicles at junctions for the report: each one as a box, at every decision."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.replay import VERSION

if TYPE_CHECKING:
    from marl_envs.render import Trajectory
    from marl_envs.traffic.vehicles.render import IntersectionArtist

ENGINE, AGENT, WRECK = 0, 1, 2  # who is in a vehicle


def vehicles(trajectory: Trajectory) -> dict[str, Any]:
    """Return a trajectory of vehicles at junctions, see `compact_vehicles`."""
    from marl_envs.traffic.vehicles.render import artist

    return compact_vehicles(artist(trajectory.env["params"]), list(trajectory.frames()))


def compact_vehicles(artist: IntersectionArtist, frames: list[dict[str, Any]]) -> dict[str, Any]:
    """Return frames of vehicles (`vec.frame()`) as a JSON-able dict.

    Returns:
        version; size: [width, height] of the picture [m]; lanes: [x, y, x, y, ...] of each drivable [m], y downwards;
        wide: of a lane [m]; frames: one dict a decision with v: [slot, x, y, heading in degrees, ENGINE, AGENT or
        WRECK, length, width] a vehicle [m], t: seconds, and vehicles created and arrived, and collisions.
    """
    chart, network = artist.map, artist.network
    lanes = [np.round([chart.at(*p) for p in track.points.tolist()], 1).ravel().tolist() for track in chart.tracks]
    return {
        "version": VERSION,
        "size": [round(chart.width, 1), round(chart.height, 1)],
        "lanes": lanes,
        "wide": round(float(network.lane_width.max()), 1),
        "frames": [_frame(artist, frame) for frame in frames],
    }


def _frame(artist: IntersectionArtist, frame: dict[str, Any]) -> dict[str, Any]:
    boxes = [
        [v, round(x, 1), round(y, 1), round(math.degrees(math.atan2(dy, dx))), _who(frame, v), *_size(frame, v)]
        for v, x, y, dx, dy in artist.bodies(frame)
    ]
    created, finished, _, collisions = frame["trips"].tolist()
    return {"v": boxes, "t": [round(float(frame["seconds"]), 1), created, finished, collisions]}


def _who(frame: dict[str, Any], v: int) -> int:
    return WRECK if frame["wreck"][v] else AGENT if frame["agent"][v] >= 0 else ENGINE


def _size(frame: dict[str, Any], v: int) -> tuple[float, float]:
    return round(float(frame["body"][v]), 1), round(float(frame["width"][v]), 1)
