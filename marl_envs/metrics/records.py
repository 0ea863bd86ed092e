"""Coordination read from episodes' records: the metrics that environments counted, as `info["metrics"]` gives them.

A record is a mapping of metric to number, one an episode. Nothing is counted again here: the definitions of what is
refused, a deadlock or a collision stand on the families' pages. Rates are of sums over episodes, not means of rates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from marl_envs.core.params import ParameterError, check_int
from marl_envs.metrics.safety import Rate, safety_rate

Record = Mapping[str, float]
Records = Sequence[Record]

CONFLICTS = ("refused_vertex", "refused_swap", "refused_blocked")  # with other robots
REFUSALS = (*CONFLICTS, "refused_shelf", "refused_wall")  # where the task has them
STANDSTILLS = ("deadlocks", "deadlock", "gridlock")  # of warehouses [count], cars [s], signals [s]


def conflict_rate(episodes: Records, agents: int, kinds: Sequence[str] = CONFLICTS) -> float:
    """Return conflicts per agent-step: moves asked for that another robot refused, before anything was resolved.

    Unit: 1. Range: 0 to 1. Recorded by: warehouse_v0, errands_v0.

    Args:
        episodes: records.
        agents: robots on the floor.
        kinds: which metrics count as conflicts.

    Source: kinds of conflicts as in Stern et al. (2019).
    """
    check_int("agents", agents, 1)
    return sum(_total(episodes, kind) for kind in kinds) / (agents * _total(episodes, "episode_length"))


def blocked_fraction(episodes: Records, agents: int) -> float:
    """Return the share of agent-steps in which a move was asked for and not made, for whatever reason.

    Unit: 1. Range: 0 to 1. Recorded by: warehouse_v0, errands_v0. Source: kinds of conflicts of Stern et al. (2019).
    """
    return conflict_rate(episodes, agents, [kind for kind in REFUSALS if _has(episodes, kind)])


def waiting_fraction(episodes: Records) -> float:
    """Return the share of time that agents stood by choice (robots) or nearly stood on the road (vehicles).

    Unit: 1. Range: 0 to 1; NaN without vehicles. Recorded by: the warehouses (`waiting_fraction`), cars and signals
    (`waiting` over `travel_time`, means of the same vehicles).
    """
    if _has(episodes, "waiting_fraction"):
        steps = _column(episodes, "episode_length")
        waited = _column(episodes, "waiting_fraction")
        return sum(w * n for w, n in zip(waited, steps, strict=True)) / sum(steps)
    vehicles, waited, travelled = (_column(episodes, name) for name in ("created", "waiting", "travel_time"))
    rows = [row for row in zip(vehicles, waited, travelled, strict=True) if row[0] > 0]
    whole = sum(n * t for n, _, t in rows)
    return sum(n * w for n, w, _ in rows) / whole if whole > 0 else math.nan


def deadlock_share(episodes: Records) -> float:
    """Return the share of episodes with at least one deadlock (cars: nobody moved for 20 s; signals: for 300 s).

    Unit: 1. Range: 0 to 1. Recorded by: warehouse_v0 and errands_v0 (`deadlocks`), intersection_v0 (`deadlock`),
    traffic_signals_v0 (`gridlock`).
    """
    for name in STANDSTILLS:
        if _has(episodes, name):
            found = _column(episodes, name)
            return sum(value > 0 for value in found) / len(found)
    raise _lacking(" or ".join(STANDSTILLS))


def deadlock_rate(episodes: Records, agents: int) -> float:
    """Return the share of agent-steps in deadlock. Unit: 1. Range: 0 to 1. Recorded by: warehouse_v0, errands_v0."""
    check_int("agents", agents, 1)
    return _total(episodes, "deadlock_steps") / (agents * _total(episodes, "episode_length"))


def livelock_rate(episodes: Records) -> float:
    """Return the share of robots that move and get nowhere, over windows and episodes that have one.

    Unit: 1. Range: 0 to 1; NaN if episodes are shorter than a window. Recorded by: warehouse_v0, errands_v0.
    """
    known = [value for value in _column(episodes, "livelock_fraction") if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def collision_rate(episodes: Records, per: float = 1000.0, confidence: float = 0.95) -> Rate:
    """Return collisions per 1000 vehicles created, over all episodes, with Garwood's interval.

    Unit: collisions. Range: at least 0. Recorded by: intersection_v0 (`collisions`, `created`).
    """
    return safety_rate(_total(episodes, "collisions"), _total(episodes, "created"), per, confidence)


def _column(episodes: Records, name: str) -> list[float]:
    if not episodes:
        raise ParameterError("episodes must hold at least one record")
    if not _has(episodes, name):
        raise _lacking(name)
    return [float(episode[name]) for episode in episodes]


def _total(episodes: Records, name: str) -> float:
    return math.fsum(_column(episodes, name))


def _has(episodes: Records, name: str) -> bool:
    return bool(episodes) and all(name in episode for episode in episodes)


def _lacking(name: str) -> ParameterError:
    return ParameterError(f"the records have no metric {name!r}; see the metrics of their family of environments")
