"""Which links of a junction are in each other's way, and where: found by moving two vehicles along both paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import TURN_LEFT
from marl_envs.traffic.vehicles.paths import Paths
from marl_envs.traffic.vehicles.types import APART, CROSSING, DIVERGING, MERGING, PATH_STEP

Reals = NDArray[np.float64]


def find_zones(network: Network, paths: Paths, length: float, width: float) -> dict[str, Any]:
    """Return the tables pair_first, pair_size, pair_zone and pair_kind of `Rules`.

    Args:
        network: the network.
        paths: of its links.
        length: of the longest vehicle [m].
        width: of the widest vehicle [m].
    """
    size = np.diff(network.first_link).astype(np.int32)
    first = np.cumsum(np.concatenate(([0], size.astype(np.int64) ** 2)))
    zone, kind = np.zeros((int(first[-1]), 4)), np.zeros(int(first[-1]), np.int8)
    zone[:] = (np.inf, -np.inf, np.inf, -np.inf)
    known: dict[bytes, tuple[Reals, NDArray[np.int8]]] = {}
    for j, n in enumerate(size.tolist()):
        links = range(int(network.first_link[j]), int(network.first_link[j]) + n)
        boxes = [_vehicles(network, paths, k, length) for k in links]
        key = _shape(boxes, network.junction_xy[j])
        if key not in known:
            known[key] = _zones_of(network, links, boxes, length, width)
        part = slice(int(first[j]), int(first[j + 1]))
        zone[part], kind[part] = known[key]
        kind[part] = np.where(zone[part, 0] <= zone[part, 1], _kinds(network, links), APART)
    return {"pair_first": first[:-1].astype(np.int32), "pair_size": size, "pair_zone": zone, "pair_kind": kind}


def _shape(boxes: list[Reals], centre: Reals) -> bytes:
    """Return the same for junctions that differ in nothing but their place."""
    return b"".join(np.round(box[:, :4] - np.tile(centre, 2), 6).tobytes() + b"|" for box in boxes)


def _vehicles(network: Network, paths: Paths, link: int, length: float) -> Reals:
    """Return vehicles on a link's path [n, 5]: front (x, y), rear (x, y), and the way of the front [m].

    They begin at the stop line, and end where the rear leaves the link.
    """
    x, y = paths.of(link)
    back = round(length / PATH_STEP)
    begin = round(paths.before / PATH_STEP)
    last = begin + int(np.ceil((network.length[network.num_lanes + link] + length) / PATH_STEP))
    front = np.arange(begin, min(last, len(x) - 1) + 1)
    rear = np.maximum(front - back, 0)
    return np.stack([x[front], y[front], x[rear], y[rear], (front - begin) * PATH_STEP], axis=1)


def _kinds(network: Network, links: range) -> NDArray[np.int8]:
    """Return what two links have in common, [n * n]."""
    start, end = network.link_start[links], network.link_end[links]
    kinds = np.where(end[:, None] == end, MERGING, CROSSING)
    kinds = np.where(start[:, None] == start, DIVERGING, kinds).astype(np.int8)
    np.fill_diagonal(kinds, APART)
    flat: NDArray[np.int8] = kinds.ravel()
    return flat


def _zones_of(network: Network, links: range, boxes: list[Reals], length: float, width: float) -> Any:
    n = len(links)
    zone = np.tile(np.array((np.inf, -np.inf, np.inf, -np.inf)), (n * n, 1))
    for i in range(n):
        for k in range(i + 1, n):
            touch = touching(boxes[i], boxes[k], length, width)
            if touch.any():
                own, theirs = boxes[i][touch.any(axis=1), 4], boxes[k][touch.any(axis=0), 4]
                # The last point may lie a little behind the place where the rear has left the link
                own, theirs = (np.minimum(w, b[-1, 4] - PATH_STEP) for w, b in ((own, boxes[i]), (theirs, boxes[k])))
                zone[i * n + k] = (own.min(), own.max(), theirs.min(), theirs.max())
                zone[k * n + i] = (theirs.min(), theirs.max(), own.min(), own.max())
    return zone, np.zeros(n * n, np.int8)


def touching(one: Reals, other: Reals, length: float, width: float) -> NDArray[np.bool_]:
    """Return which vehicles of `one` [n, 5] and `other` [m, 5] touch, [n, m], by the separating axes."""
    centres = [(v[:, :2] + v[:, 2:4]) / 2.0 for v in (one, other)]
    chords = [v[:, :2] - v[:, 2:4] for v in (one, other)]
    axes = [chord / np.maximum(np.hypot(*chord.T), 1e-9)[:, None] for chord in chords]
    apart = centres[1][None] - centres[0][:, None]
    a, b = axes[0][:, None], axes[1][None]
    cos = np.abs((a * b).sum(axis=-1))
    sin = np.abs(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
    reach_along = length / 2.0 + length / 2.0 * cos + width / 2.0 * sin
    reach_across = width / 2.0 + length / 2.0 * sin + width / 2.0 * cos
    hit = np.ones(cos.shape, np.bool_)
    for axis in (a, b):
        along = np.abs((apart * axis).sum(axis=-1))
        across = np.abs(apart[..., 0] * axis[..., 1] - apart[..., 1] * axis[..., 0])
        hit &= (along <= reach_along) & (across <= reach_across)
    return hit


def rights(network: Network, rule: str) -> NDArray[np.int8]:
    """Return who has the right of way, for `Rules.prior`: 1 the first link, -1 the second, 0 neither.

    Args:
        network: the network.
        rule: "priority": by the kinds of movement; "right": who comes from the right, and between opposite directions
            who does not turn left; "none".
    """
    parts = [np.zeros(0, np.int8)]
    for j in range(len(network.junction_ids)):
        links = np.arange(network.first_link[j], network.first_link[j + 1])
        if rule == "none":
            parts.append(np.zeros(len(links) ** 2, np.int8))
            continue
        kind = network.road_link_kind[network.link_movement[links]].astype(np.int64)
        table = np.sign(kind[:, None] - kind)
        if rule == "right":
            table = _from_the_right(network, links, kind)
        parts.append(table.astype(np.int8).ravel())
    return np.concatenate(parts)


def _from_the_right(network: Network, links: NDArray[np.int64], kind: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rights [n, n]: of two directions less than 180 degrees apart, the right one goes first."""
    heading = np.array([_heading(network, int(network.link_start[k])) for k in links])
    turn = (heading[None] - heading[:, None] + np.pi) % (2.0 * np.pi) - np.pi  # of the other against the own
    side = np.where(np.abs(turn) < np.pi / 6.0, 0, np.sign(turn))  # 1: it comes from the right
    opposite = np.abs(turn) > np.pi * 5.0 / 6.0
    left = (kind == TURN_LEFT).astype(np.int64)
    table: NDArray[np.int64] = np.where(opposite, left[None] - left[:, None], -side).astype(np.int64)
    return table


def _heading(network: Network, lane: int) -> float:
    """Return the direction of a lane at its end [rad]."""
    a, b = network.xy[network.first_point[lane + 1] - 2 : network.first_point[lane + 1]]
    return float(np.arctan2(b[1] - a[1], b[0] - a[0]))
