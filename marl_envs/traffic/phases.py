"""Signal phase sets of a junction, made from its movements.

Conventions (CityFlow's data sets and LibSignal): phase 0 is the clearance, in which only the right turns may go; they
may go in every phase, and give way. A phase is a tuple of movements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_choice, check_float
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT, PhasePlan

Phase = tuple[int, ...]

GREEN, CLEARANCE = 30.0, 5.0  # how long the phases last in the own program [s]
KINDS = ("eight", "four", "two", "approaches", "maximal")
_MOST = 64  # movements of a junction for which all sets are listed


@dataclass(frozen=True)
class Movement:
    """What phases need to know of a movement."""

    kind: int
    """plans.OTHER, TURN_RIGHT, TURN_LEFT or STRAIGHT."""
    start: str
    """Road."""
    end: str
    """Road."""
    start_angle: float
    """Where it enters the junction, seen from its middle [rad]."""
    end_angle: float
    """Where it leaves it [rad]."""


def conflict(a: Movement, b: Movement) -> bool:
    """Return whether two movements conflict: they come from different roads, and end on one road or cross.

    They cross if, going round the junction, their four ends take turns.
    """
    if a.start == b.start:
        return False
    if a.end == b.end:
        return True
    turn = 2.0 * math.pi
    span = (a.end_angle - a.start_angle) % turn
    return ((b.start_angle - a.start_angle) % turn < span) != ((b.end_angle - a.start_angle) % turn < span)


def maximal_sets(movements: Sequence[Movement]) -> list[Phase]:
    """Return all sets of movements without conflict that no further movement fits into; right turns are left out.

    Raises:
        ParameterError: more than 64 movements.
    """
    chosen = [k for k, m in enumerate(movements) if m.kind != TURN_RIGHT]
    if len(chosen) > _MOST:
        raise ParameterError(f"phase sets are listed for at most {_MOST} movements, not {len(chosen)}")
    friends = {k: {i for i in chosen if i != k and not conflict(movements[k], movements[i])} for k in chosen}
    found: list[Phase] = []

    def grow(clique: Phase, open_: set[int], closed: set[int]) -> None:
        """Bron and Kerbosch's search for maximal cliques."""
        if not open_ and not closed:
            found.append(clique)
        pivot = max(open_ | closed, key=lambda k: len(friends[k] & open_), default=-1)
        for k in sorted(open_ - friends.get(pivot, set())):
            grow((*clique, k), open_ & friends[k], closed & friends[k])
            open_ = open_ - {k}
            closed = closed | {k}

    if chosen:
        grow((), set(chosen), set())
    return sorted((tuple(sorted(clique)) for clique in found), key=lambda clique: _order(clique, movements))


def _order(clique: Phase, movements: Sequence[Movement]) -> tuple[bool, bool, Phase]:
    """Return what sorts phases: several approaches before one, those without left turns first."""
    approaches = {movements[k].start for k in clique}
    return len(approaches) == 1, any(movements[k].kind == TURN_LEFT for k in clique), clique


def phase_sets(movements: Sequence[Movement], kind: str) -> list[Phase]:
    """Return the green phases of a kind, without the right turns and the clearance.

    Args:
        movements: of the junction.
        kind: "eight" pairs of compatible movements, as NEMA's two rings allow them (four arms only); "four": opposite
            straight ways, then opposite left turns; "two": all of two opposite arms, left turns give way; "approaches":
            one arm after the other; "maximal": all largest sets of compatible movements.

    Raises:
        ParameterError: an unknown kind, or "eight" for a junction that has not four arms.
    """
    check_choice("phases", kind, KINDS)
    if kind == "maximal":
        return maximal_sets(movements)
    axes = _axes(movements)
    straight, left, both = ({STRAIGHT}, {TURN_LEFT}, {STRAIGHT, TURN_LEFT})
    arms = [(arm,) for axis in axes for arm in axis]
    if kind == "two":
        wanted = [(axis, both) for axis in axes]
    elif kind == "approaches":
        wanted = [(arm, both) for arm in arms]
    else:
        wanted = [(axis, turn) for turn in (straight, left) for axis in axes]
        if kind == "eight":
            if sorted(map(len, axes)) != [2, 2]:
                raise ParameterError('phases: "eight" needs a junction with four arms; "maximal" fits any')
            wanted += [(arm, both) for arm in arms]
    sets = [
        tuple(k for k, m in enumerate(movements) if m.start in roads and m.kind in turns) for roads, turns in wanted
    ]
    return [phase for phase in dict.fromkeys(sets) if phase]


def _axes(movements: Sequence[Movement]) -> list[tuple[str, ...]]:
    """Return the arms, by their roads into the junction, opposite ones together."""
    angle = {m.start: m.start_angle for m in movements}
    pairs = sorted((abs(math.pi - abs(angle[a] - angle[b]) % (2.0 * math.pi)), a, b) for a, b in combinations(angle, 2))
    axes: dict[str, tuple[str, ...]] = {}
    for off, a, b in pairs:
        if off < math.pi / 4 and a not in axes and b not in axes:
            axes[a] = axes[b] = (a, b)
    return list(dict.fromkeys(axes.get(arm, (arm,)) for arm in angle))


def phase_plans(
    movements: Sequence[Movement], kind: str, green: float = GREEN, clearance: float = CLEARANCE
) -> tuple[PhasePlan, ...]:
    """Return a junction's phases: the clearance, then those of `phase_sets`, all with the right turns."""
    check_float("green", green, 0.0, 1e6)
    check_float("clearance", clearance, 0.0, 1e6)
    right = tuple(k for k, m in enumerate(movements) if m.kind == TURN_RIGHT)
    greens = [PhasePlan(green, tuple(sorted({*phase, *right}))) for phase in phase_sets(movements, kind)]
    return (PhasePlan(clearance, right), *greens)


def movements_of(network: Network, junction: int) -> list[Movement]:
    """Return what phases need to know of a junction's road links."""
    first, last = network.first_road_link[junction], network.first_road_link[junction + 1]
    ends = {
        (road, k): _lane_ends(network, int(road), k)
        for q in range(first, last)
        for road, k in zip(network.road_link_roads[q], (-1, 0), strict=True)
    }
    middle = np.mean(list(ends.values()), axis=0) if ends else np.zeros(2)

    def angle(road: int, k: int) -> float:
        x, y = ends[road, k] - middle
        return math.atan2(y, x)

    return [
        Movement(int(network.road_link_kind[q]), network.road_ids[a], network.road_ids[b], angle(a, -1), angle(b, 0))
        for q, (a, b) in zip(range(first, last), network.road_link_roads[first:last].tolist(), strict=True)
    ]


def _lane_ends(network: Network, road: int, k: int) -> NDArray[np.float64]:
    """Return the middle of where a road's lanes begin (k = 0) or end (k = -1) [m]."""
    lanes = range(network.first_lane[road], network.first_lane[road + 1])
    points = [network.xy[network.first_point[d] if k == 0 else network.first_point[d + 1] - 1] for d in lanes]
    return np.asarray(np.mean(points, axis=0), np.float64)


def with_signals(
    network: Network,
    junctions: Sequence[str] | None = None,
    kind: str = "maximal",
    green: float = GREEN,
    clearance: float = CLEARANCE,
) -> Network:
    """Return the network with a signal at each of `junctions`, in place of their phases.

    Args:
        network: any network.
        junctions: ids; None: all that have a single phase, thus no signal, and movements that conflict.
        kind: see `phase_sets`.
        green: how long green phases last in the own program [s].
        clearance: how long phase 0 lasts [s].

    Raises:
        ParameterError: an unknown or virtual junction, or whatever `phase_sets` refuses.
    """
    known = network.junction_index
    for name in junctions or ():
        if name not in known or network.virtual[known[name]]:
            raise ParameterError(f"{network.name}: there is no junction {name!r} that vehicles pass")
    rows = [_rows(network, j) for j in range(len(network.junction_ids))]
    for j, name in enumerate(network.junction_ids):
        movements = movements_of(network, j)
        wanted = name in junctions if junctions is not None else len(rows[j]) == 1 and _clash(movements)
        if wanted:
            rows[j] = [(p.time, p.road_links) for p in phase_plans(movements, kind, green, clearance)]
    table = np.zeros((sum(map(len, rows)), network.green.shape[1]), np.bool_)
    for p, (_, phase) in enumerate(row for found in rows for row in found):
        table[p, list(phase)] = True
    first = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    time = np.array([time for found in rows for time, _ in found])
    for array in (table, first, time):
        array.flags.writeable = False
    return replace(network, first_phase=first, phase_time=time, green=table)


def _clash(movements: Sequence[Movement]) -> bool:
    return any(conflict(a, b) for a, b in combinations(movements, 2))


def _rows(network: Network, junction: int) -> list[tuple[float, Phase]]:
    """Return the present phases of a junction: time and road links."""
    phases = range(network.first_phase[junction], network.first_phase[junction + 1])
    return [(float(network.phase_time[p]), tuple(np.flatnonzero(network.green[p]).tolist())) for p in phases]


def choices(network: Network, junction: int) -> tuple[int, ...]:
    """Return the phases that an agent may choose: those that open more than what is open in every phase.

    So the clearance of CityFlow's data sets is none of them. SUMO's networks say so themselves: `SumoNetwork.choices`.
    """
    green = network.green[network.first_phase[junction] : network.first_phase[junction + 1]]
    if len(green) < 2:
        return ()
    return tuple(np.flatnonzero((green & ~green.all(axis=0)).any(axis=1)).tolist())
