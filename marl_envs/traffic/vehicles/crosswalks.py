"""Where pedestrians cross: one crosswalk over each arm of a junction, and lanes that end far enough before it.

Stop lines move back by SETBACK, and lanes away from a junction begin as much further on. What is cut off belongs to the
links, which so begin and end with a straight piece; the crosswalk lies on its middle. So all rules for stop lines hold
as they are, and nobody who waits for a junction stands on a crosswalk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.traffic.engine.types import NONE
from marl_envs.traffic.network import Network, Reals
from marl_envs.traffic.vehicles.paths import points_on
from marl_envs.traffic.vehicles.types import AT_END, AT_START, BODY_ROOM, SETBACK

SHORTEST = 25.0  # a road with a shorter lane has no crosswalks, as those between the arms of a roundabout [m]
MIDDLE = SETBACK / 2.0  # from the stop line to the line that pedestrians walk on [m]
NEAR = 30.0  # an arm's two roads are not further apart [m]
OPPOSITE = -0.8  # cosine of the angle between their directions, at most
ASKEW = 1.0  # where two roads of an arm end so far apart, each has a crosswalk of its own [m]


@dataclass(frozen=True, eq=False)
class Gate:
    """Where a crosswalk goes over a lane."""

    lane: int
    side: int
    """AT_END or AT_START of the lane."""
    at: Reals
    """[2] point of the lane's middle line [m]."""
    ahead: Reals
    """[2] unit direction of the lane there."""
    width: float
    """Of the lane [m]."""


@dataclass(frozen=True, eq=False)
class Crosswalk:
    """A straight line over all lanes of an arm, or of one of its roads."""

    start: Reals
    """[2] at one kerb [m]."""
    along: Reals
    """[2] unit direction to the other."""
    length: float
    """From kerb to kerb [m]."""
    gates: tuple[Gate, ...]


def crosswalks_of(network: Network) -> tuple[Crosswalk, ...]:
    """Return the crosswalks of a network whose lanes have not been cut yet, by junction and road."""
    found = []
    for j in range(len(network.junction_ids)):
        if network.first_link[j + 1] == network.first_link[j] or _neighbours(network, j) < 3:
            continue
        for roads in _arms(network, j):
            gates = [gate for road in roads for gate in _gates(network, road, j)]
            together = _over(gates)
            found += [together] if together else [walk for road in roads if (walk := _over(_gates(network, road, j)))]
    return tuple(found)


def _neighbours(network: Network, j: int) -> int:
    """Return to how many other junctions roads lead from a junction, or come from there: with two it is but a bend."""
    return len(
        {*network.road_start[network.road_end == j].tolist(), *network.road_end[network.road_start == j].tolist()}
    )


def _arms(network: Network, j: int) -> list[list[int]]:
    """Return the roads at a junction that are long enough, with the one in the opposite direction beside each."""
    short = np.minimum.reduceat(network.length[: network.num_lanes], network.first_lane[:-1]) < SHORTEST
    into = [r for r in range(len(network.road_ids)) if network.road_end[r] == j and not short[r]]
    out = [r for r in range(len(network.road_ids)) if network.road_start[r] == j and not short[r]]
    arms = []
    for road in into:
        back = sorted(
            (r for r in out if _beside(network, road, r, j) < NEAR), key=lambda r: _beside(network, road, r, j)
        )
        arms.append([road, *back[:1]])
        out = [r for r in out if r not in back[:1]]
    return arms + [[road] for road in out]


def _beside(network: Network, road: int, other: int, j: int) -> float:
    """Return how far apart two roads of a junction are [m], infinity if they do not lead in opposite directions."""
    one, two = _gates(network, road, j)[0], _gates(network, other, j)[0]
    return float(np.hypot(*(one.at - two.at))) if float(one.ahead @ two.ahead) < OPPOSITE else np.inf


def _gates(network: Network, road: int, j: int) -> list[Gate]:
    side = AT_END if network.road_end[road] == j else AT_START
    gates = []
    for lane in range(network.first_lane[road], network.first_lane[road + 1]):
        scale = float(network.length[lane]) / _drawn(network, lane)
        far = float(network.length[lane]) if side == AT_END else 0.0
        near = far - MIDDLE * scale if side == AT_END else MIDDLE * scale
        before, at, behind = points_on(network, lane, np.array([near - 0.5 * scale, near, near + 0.5 * scale]))
        ahead = (behind - before) / np.hypot(*(behind - before))
        gates.append(Gate(lane, side, at, ahead, float(network.lane_width[lane])))
    return gates


def _over(gates: list[Gate]) -> Crosswalk | None:
    """Return a straight line over lanes at right angles; None if it would not meet all of them where it should."""
    heading = sum((gate.ahead if gate.side == AT_END else -gate.ahead for gate in gates), np.zeros(2))
    heading = heading / max(float(np.hypot(*heading)), 1e-9)
    along = np.array((-heading[1], heading[0]))
    middle = np.mean([gate.at for gate in gates], axis=0)
    if max(abs(float((gate.at - middle) @ heading)) for gate in gates) > ASKEW:
        return None
    places = [float((gate.at - middle) @ along) for gate in gates]
    low = min(place - gate.width / 2.0 for place, gate in zip(places, gates, strict=True))
    high = max(place + gate.width / 2.0 for place, gate in zip(places, gates, strict=True))
    return Crosswalk(middle + low * along, along, high - low, tuple(gates))


def _drawn(network: Network, d: int) -> float:
    """Return the length of the line that is drawn for a drivable [m]."""
    line = network.xy[network.first_point[d] : network.first_point[d + 1]]
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def with_crosswalks(network: Network) -> Network:
    """Return the network with stop lines set back for crosswalks.

    Raises:
        ParameterError: there is no arm that is long enough for one.
    """
    walks = crosswalks_of(network)
    if not walks:
        raise ParameterError(
            f"{network.name}: no road to a junction of three or more is {SHORTEST:g} m long, as crosswalks need it"
        )
    cut = np.zeros((network.num_lanes, 2))
    for gate in (gate for walk in walks for gate in walk.gates):
        cut[gate.lane, gate.side] = SETBACK
    lines = [_cut(network, lane, *cut[lane, [AT_START, AT_END]].tolist()) for lane in range(network.num_lanes)]
    more = np.stack((cut[network.link_start, AT_END], cut[network.link_end, AT_START]), axis=1)
    lines += [_prolonged(network, k, lines, *more[k].tolist()) for k in range(network.num_links)]
    length = network.length.copy()
    for lane in range(network.num_lanes):
        length[lane] *= 1.0 - cut[lane].sum() / _drawn(network, lane)
    length[network.num_lanes :] += more.sum(axis=1)
    first = np.cumsum([0, *map(len, lines)]).astype(np.int32)
    at = network.cross_at + more[network.cross_links, 0]
    return replace(network, length=length, xy=np.concatenate(lines), first_point=first, cross_at=at)


def _cut(network: Network, lane: int, at_start: float, at_end: float) -> Reals:
    """Return a lane's line without its first and last metres."""
    line = network.xy[network.first_point[lane] : network.first_point[lane + 1]]
    at = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))))
    first, last = at_start, at[-1] - at_end
    inner = line[(at > first + 1e-6) & (at < last - 1e-6)]
    ends = np.stack([np.interp((first, last), at, line[:, axis]) for axis in (0, 1)], axis=1)
    return np.concatenate((ends[:1], inner, ends[1:]))


def _prolonged(network: Network, link: int, lanes: list[Reals], before: float, behind: float) -> Reals:
    """Return a link's line from and to the lines of its lanes after they were cut."""
    d = network.num_lanes + link
    line = network.xy[network.first_point[d] : network.first_point[d + 1]]
    parts = [line]
    if before > 0.0:
        parts.insert(0, lanes[network.link_start[link]][-1:])
    if behind > 0.0:
        parts.append(lanes[network.link_end[link]][:1])
    return np.concatenate(parts)


def gate_tables(walks: tuple[Crosswalk, ...], lanes: int, width: float) -> dict[str, Any]:
    """Return the tables walk_line, gate_first, gate_place, gate_way, lane_gate and gate_half of `Rules`.

    Args:
        walks: the crosswalks; none: nobody walks.
        lanes: of the network.
        width: of the widest vehicle [m].
    """
    gates = [(walk, gate) for walk in walks for gate in walk.gates]
    table = np.full((lanes if walks else 0, 2), NONE, np.int32)
    for x, (_, gate) in enumerate(gates):
        table[gate.lane, gate.side] = x
    return {
        "walk_line": np.array([(*w.start, *w.along, w.length) for w in walks], np.float64).reshape(-1, 5),
        "gate_first": np.cumsum([0, *(len(walk.gates) for walk in walks)]).astype(np.int32),
        "gate_place": np.array([float((g.at - w.start) @ w.along) for w, g in gates], np.float64),
        "gate_way": np.array([_way(w, g) for w, g in gates], np.float64),
        "lane_gate": table,
        "gate_half": width / 2.0 + BODY_ROOM,
    }


def _way(walk: Crosswalk, gate: Gate) -> float:
    """Return how far behind the place where one stops for a crosswalk its line is [m]."""
    return MIDDLE + float((walk.start - gate.at) @ gate.ahead)


def slots_for(rate: float) -> int:
    """Return for how many pedestrians at once a crosswalk has room, at `rate` [1/h]; more would come a little later."""
    mean = rate / 3600.0 * 20.0
    return int(np.ceil(mean + 6.0 * np.sqrt(mean) + 4.0))
