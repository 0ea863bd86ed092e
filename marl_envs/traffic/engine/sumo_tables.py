"""The tables of SUMO's right of way: where the ways of a junction are in each other's way, and who gives way.

Rules: as SUMO 1.28 takes them from a network's lines. Where two ways cross, one is in the way along (2 / sin a - 1)
times the other's width, a being the angle between them, at least asin 0.2; two that join or part are, as long as their
lines are nearer than 2.5 m.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.traffic.engine.types import MAJOR, SAME_END, SAME_START, YIELDS
from marl_envs.traffic.engine.zones import Points, sampled
from marl_envs.traffic.network import Network

APART = 2.5  # from here on two lines are no longer one way [m]
FLAT = 0.2  # the least sine of an angle between two ways
STEP = 1.0  # to both sides of a cross, along which a way's direction is measured [m]


class _Conflict(NamedTuple):
    link: int
    foe: int
    kind: int
    place: tuple[float, float, float, float]  # columns of Settings.conflict_place


def check_sumo(network: Network, parity: bool) -> None:
    """Raise ParameterError unless SUMO's rules can be had on `network`."""
    if network.right_of_way is None:
        raise ParameterError(
            f'model "sumo" needs the right of way of a network from one of SUMO\'s files; {network.name!r} has none: '
            'allowed there are "krauss" and "idm"'
        )
    if not parity:
        raise ParameterError('model "sumo" has rules of its own: parity must be True with it, not False')


def conflict_tables(network: Network, wanted: bool, longest: float) -> dict[str, Any]:
    """Return the settings for SUMO's rules; empty ones if they are not wanted.

    Args:
        network: the network.
        wanted: whether they are.
        longest: the most that a vehicle takes in a queue [m].
    """
    found = _conflicts(network) if wanted else []
    found.sort(key=lambda c: (c.link, c.place[0], c.foe))
    lanes, count = network.num_lanes, len(network.length)
    number = np.bincount(np.array([lanes + c.link for c in found], np.int64), minlength=count)
    wait = np.zeros(count)
    if wanted and network.right_of_way is not None:
        wait[lanes:] = network.right_of_way.wait_at
    deep = np.full(count, longest)
    for c in found:
        place, _, foe_place, foe_size = c.place
        deep[lanes + c.link] = max(deep[lanes + c.link], foe_place + foe_size - place + longest)
    lit = np.zeros(count, np.uint8)
    for j in network.signals:
        if network.num_phases(j) > 1:
            lit[lanes + network.first_link[j] : lanes + network.first_link[j + 1]] = 1
    return {
        "conflict_first": np.concatenate(([0], np.cumsum(number))).astype(np.int32),
        "conflict_foe": np.array([lanes + c.foe for c in found], np.int32),
        "conflict_kind": np.array([c.kind for c in found], np.int8),
        "conflict_place": np.array([c.place for c in found], np.float64).reshape(-1, 4),
        "wait_at": wait,
        "deep": deep,
        "lit": lit,
    }


class Changes:
    """How few links that stand for changes of lane a driver can do with on the roads ahead."""

    def __init__(self, network: Network) -> None:
        """Begin without any."""
        assert network.right_of_way is not None  # see check_sumo
        self._network, self._added = network, network.right_of_way.added.tolist()
        self._known: dict[tuple[int, tuple[int, ...]], float] = {}

    def fewest(self, lane: int, roads: tuple[int, ...]) -> float:
        """Return their number from `lane`, on the first of `roads`, to the last; infinity: there is no way."""
        if len(roads) == 1:
            return 0.0
        key = lane, roads
        if key not in self._known:
            self._known[key] = min((self._by(k, roads) for k in self._network.links_from[lane]), default=np.inf)
        return self._known[key]

    def links(self, lane: int, roads: tuple[int, ...]) -> list[int]:
        """Return the links from `lane` with which a driver can do with the fewest, the nearest lanes first."""
        least, network = self.fewest(lane, roads), self._network
        found = [k for k in network.links_from[lane] if self._by(k, roads) == least < np.inf]
        index = network.lane_index
        return sorted(found, key=lambda k: abs(int(index[network.link_end[k]]) - int(index[lane])))

    def entries(self, roads: tuple[int, ...]) -> list[int]:
        """Return the lanes of the first road from which a driver can do with the fewest."""
        lanes = range(self._network.first_lane[roads[0]], self._network.first_lane[roads[0] + 1])
        number = {lane: self.fewest(lane, roads) for lane in lanes}
        return [lane for lane in lanes if number[lane] == min(number.values()) < np.inf]

    def _by(self, link: int, roads: tuple[int, ...]) -> float:
        end = int(self._network.link_end[link])
        if self._network.lane_road[end] != roads[1]:
            return np.inf
        return float(self._added[link]) + self.fewest(end, roads[1:])


def with_majors(network: Network, green: Sequence[NDArray[np.bool_]]) -> Sequence[NDArray[Any]]:
    """Return, for each phase, MAJOR for the open links that give way to no other open one, 1 for other open ones.

    Args:
        network: with SUMO's right of way.
        green: of each phase: whether each link of its junction is open.
    """
    assert network.right_of_way is not None  # see check_sumo
    pairs, yields = network.cross_links, network.right_of_way.yields
    hosts: list[set[int]] = [set() for _ in range(network.num_links)]
    for (a, b), (first, second) in zip(pairs.tolist(), yields.tolist(), strict=True):
        if first:
            hosts[a].add(b)
        if second:
            hosts[b].add(a)
    result, p = [], 0
    for j in range(len(network.junction_ids)):
        first_link = int(network.first_link[j])
        for _ in range(network.num_phases(j)):
            opened = green[p]
            shown = np.flatnonzero(opened) + first_link
            row = opened.astype(np.uint8)
            for link in shown.tolist():
                row[link - first_link] = 1 if hosts[link] & set(shown.tolist()) else MAJOR
            result.append(row)
            p += 1
    return result


def _conflicts(network: Network) -> list[_Conflict]:
    """Return the conflicts of all links, from both sides."""
    own = network.right_of_way
    assert own is not None
    lines = [sampled(network, k) for k in range(network.num_links)]
    found = []
    ends = network.link_end[network.cross_links]
    # Ways onto one lane of which one stands for a change of lane are no foes in the file
    for c in np.flatnonzero(own.foes | (ends[:, 0] == ends[:, 1])).tolist():
        a, b = network.cross_links[c].tolist()
        if network.link_end[a] == network.link_end[b]:
            lag = _together(lines[a], lines[b], True)
            places = [float(lines[k][1][-1]) - lag for k in (a, b)]
            sizes, same = [0.0, 0.0], SAME_END
        else:
            at = network.cross_at[c].tolist()
            sine = max(FLAT, _sine(lines[a], at[0], lines[b], at[1]))
            width = [float(network.lane_width[network.link_start[k]]) for k in (b, a)]  # the other's
            sizes = [min(w * (2.0 / sine - 1.0), float(lines[k][1][-1])) for w, k in zip(width, (a, b), strict=True)]
            places, same = [max(0.0, p - s / 2.0) for p, s in zip(at, sizes, strict=True)], 0
        yields = own.yields[c].tolist()
        found.append(_Conflict(a, b, same + YIELDS * yields[0], (places[0], sizes[0], places[1], sizes[1])))
        found.append(_Conflict(b, a, same + YIELDS * yields[1], (places[1], sizes[1], places[0], sizes[0])))
    for group in network.links_from:
        for a in group:
            for b in group:
                if a != b:
                    way = min(_together(lines[a], lines[b], False), float(lines[a][1][-1]), float(lines[b][1][-1]))
                    found.append(_Conflict(a, b, SAME_START, (way, 0.0, way, 0.0)))
    return found


def _together(one: tuple[Points, Points], other: tuple[Points, Points], at_end: bool) -> float:
    """Return for how long two lines are one way [m], from their common start, or up to their common end."""
    ways = []
    for (points, along), (foes, _) in ((one, other), (other, one)):
        far = np.sqrt(((points[:, None] - foes[None]) ** 2).sum(-1)).min(1) > APART
        if at_end:
            far, along = far[::-1], along[-1] - along[::-1]
        apart = np.flatnonzero(far)
        ways.append(float(along[apart[0]]) if len(apart) else float(along[-1]))
    return max(ways) if not at_end else min(ways)


def _sine(one: tuple[Points, Points], at: float, other: tuple[Points, Points], foe_at: float) -> float:
    """Return the sine of the angle between two lines where they cross; 0 where they oppose or accompany each other."""
    a, b = _direction(one, at), _direction(other, foe_at)
    return abs(float(a[0] * b[1] - a[1] * b[0]))


def _direction(line: tuple[Points, Points], at: float) -> Points:
    points, along = line
    ends = [np.array([np.interp(at + s, along, points[:, axis]) for axis in (0, 1)]) for s in (-STEP, STEP)]
    piece = ends[1] - ends[0]
    result: Points = piece / max(float(np.hypot(*piece)), 1e-9)
    return result
