"""Whether vehicles touch: an account of every body in the plane, from the lines of the network alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import DIS, END_LANE, KIND, LENGTH, NONE, PLACE, START_LANE
from marl_envs.traffic.network import Network

Reals = NDArray[np.float64]
ROUNDING = 1e-6  # [m]


class Observer:
    """Finds vehicles that touch in one environment: on one lane or link, over one cross, and as rectangles."""

    def __init__(self, traffic: Traffic, width: float = 1.9, e: int = 0) -> None:
        self.traffic, self.width, self.e = traffic, width, e
        network = traffic.network
        self.lanes = network.num_lanes
        most = int(np.bincount(network.cross_links.ravel(), minlength=network.num_links).max(initial=0))
        self.cross = np.full((network.num_links, most), -1)  # [K, most] crosses of each link
        self.side = np.zeros((network.num_links, most), np.int64)
        count = [0] * network.num_links
        for c, pair in enumerate(network.cross_links.tolist()):
            for side, k in enumerate(pair):
                self.cross[k, count[k]], self.side[k, count[k]] = c, side
                count[k] += 1
        self.line = [_line(network, d) for d in range(len(network.length))]
        pairs = zip(network.link_start.tolist(), network.link_end.tolist(), strict=True)
        self.between = {pair: k + self.lanes for k, pair in enumerate(pairs)}  # link from one lane to another

    def touching(self) -> list[tuple[Any, ...]]:
        """Return what kind of contact, and the two slots, of all that touch now."""
        state, e = self.traffic.state, self.e
        slots = np.flatnonzero(state.vehicle[e, :, PLACE] != NONE)
        if len(slots) < 2:
            return []
        place = state.vehicle[e, slots, PLACE].astype(np.int64)
        dis = state.motion[e, slots, DIS]
        body = self.traffic.settings.body[state.vehicle[e, slots, KIND]]
        found: list[tuple[Any, ...]] = self._in_line(slots, place, dis, body)
        link, at = self._on_links(slots, place, dis)
        near = (link != NONE) & (at - body < self.traffic.settings.measure[link, LENGTH])
        return found + self._over_crosses(slots, link, at, body) + self._in_plane(slots, place, dis, body, near)

    def _in_line(self, slots: Any, place: Any, dis: Reals, body: Reals) -> list[tuple[Any, ...]]:
        order = np.lexsort((dis, place))
        back, front = order[:-1], order[1:]
        hit = (place[back] == place[front]) & (dis[front] - body[front] < dis[back] - ROUNDING)
        return [("line", int(slots[a]), int(slots[b])) for a, b in zip(back[hit], front[hit], strict=True)]

    def _on_links(self, slots: Any, place: Any, dis: Reals) -> tuple[Any, Reals]:
        """Return the link that each vehicle is on or comes from, and where its front is on that or beyond it."""
        table, came = self.traffic.settings.drivable, self._came(slots, place)
        on = place >= self.lanes
        beyond = ~on & (came >= self.lanes)
        beyond &= table[came, END_LANE] == place
        link = np.where(on, place, np.where(beyond, came, NONE))
        return link, dis + np.where(beyond, self.traffic.settings.measure[link, LENGTH], 0.0)

    def _came(self, slots: Any, place: Any) -> Any:
        """Return where each vehicle came from: by parity the engine forgets a link that was passed whole in a step."""
        came = self.traffic.state.came[self.e, slots].astype(np.int64)
        return np.array([self.between.get((c, p), c) for c, p in zip(came.tolist(), place.tolist(), strict=True)])

    def _over_crosses(self, slots: Any, link: Any, at: Reals, body: Reals) -> list[tuple[Any, ...]]:
        network = self.traffic.network
        over: dict[tuple[int, int], int] = {}
        found: list[tuple[Any, ...]] = []
        for i in np.flatnonzero(link != NONE):
            for c, side in zip(self.cross[link[i] - self.lanes], self.side[link[i] - self.lanes], strict=True):
                if c >= 0 and at[i] - body[i] + ROUNDING < network.cross_at[c, side] < at[i] - ROUNDING:
                    over[int(c), int(side)] = int(slots[i])
                    if (int(c), 1 - int(side)) in over:
                        found.append(("cross", over[int(c), 1 - int(side)], int(slots[i])))
        return found

    def _in_plane(self, slots: Any, place: Any, dis: Reals, body: Reals, near: Any) -> list[tuple[Any, ...]]:
        """Return rectangles that meet; at least one of the two is in a junction or has its rear there."""
        if not near.any():
            return []
        table = self.traffic.settings.drivable
        came = self._came(slots, place)
        front = np.array([self._point(p, x) for p, x in zip(place, dis, strict=True)])
        rear = np.empty_like(front)
        for i, (p, x) in enumerate(zip(place.tolist(), (dis - body).tolist(), strict=True)):
            while x < 0:  # on what it comes from
                before = table[p, START_LANE] if p >= self.lanes else came[i] if p == place[i] else NONE
                if before == NONE:
                    break
                p, x = int(before), x + float(self.traffic.settings.measure[before, LENGTH])
            rear[i] = self._point(p, x)
        middle, found = (front + rear) / 2, []
        for i in np.flatnonzero(near).tolist():
            close = np.hypot(*(middle - middle[i]).T) < (body + body[i]) / 2 + self.width
            for j in np.flatnonzero(close).tolist():
                if j != i and (not near[j] or j > i) and _meet(front[[i, j]], rear[[i, j]], self.width):
                    found.append(("plane", int(slots[i]), int(slots[j])))
        return found

    def _point(self, place: int, x: float) -> Reals:
        points, along, heading = self.line[place]
        if x < 0:
            return points[0] + x * heading
        return np.array([np.interp(x, along, points[:, 0]), np.interp(x, along, points[:, 1])])


def _line(network: Network, d: int) -> tuple[Reals, Reals, Reals]:
    """Return the points of a drivable's line, where they are [m], and the direction in which it begins."""
    points = network.xy[network.first_point[d] : network.first_point[d + 1]]
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
    heading = (points[1] - points[0]) / max(np.hypot(*(points[1] - points[0])), 1e-9)
    return points, along * (network.length[d] / max(along[-1], 1e-9)), heading


def _meet(front: Reals, rear: Reals, width: float) -> bool:
    """Return whether two rectangles, from the middle of the rear to the middle of the front, have a point in common."""
    corners, axes = [], []
    for f, r in zip(front, rear, strict=True):
        ahead = (f - r) / np.hypot(*(f - r))
        side = np.array([-ahead[1], ahead[0]])
        corners.append(
            np.array([f + side * width / 2, f - side * width / 2, r + side * width / 2, r - side * width / 2])
        )
        axes += [ahead, side]
    for axis in axes:
        a, b = corners[0] @ axis, corners[1] @ axis
        if a.max() <= b.min() + ROUNDING or b.max() <= a.min() + ROUNDING:
            return False
    return True
