"""Where streams of vehicles come from: turning ratios, origins and destinations, turning counts, and names for them."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.traffic.arrivals import CAR, CONSTANT, PEAK, Arrivals, Profile, Stream, build_arrivals
from marl_envs.traffic.demand import Kind
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT

# Shares of those who turn left, go straight and turn right at a junction: those of the Hangzhou data sets
TURNS = {"left": 0.1, "straight": 0.6, "right": 0.3}
_TURN_NAMES = {TURN_LEFT: "left", STRAIGHT: "straight", TURN_RIGHT: "right"}
_LONGEST = 10_000  # roads of a route drawn by turning ratios

Shares = Mapping[str, float]


def entries(network: Network) -> tuple[str, ...]:
    """Return the roads on which vehicles enter: those that begin where no vehicle passes through."""
    return tuple(r for r, j in zip(network.road_ids, network.road_start, strict=True) if network.virtual[j])


def exits(network: Network) -> tuple[str, ...]:
    """Return the roads on which vehicles leave."""
    return tuple(r for r, j in zip(network.road_ids, network.road_end, strict=True) if network.virtual[j])


def by_turns(
    network: Network,
    rate: float | Mapping[str, float],
    turns: Shares = TURNS,
    at: Mapping[str, Shares] | None = None,
    *,
    kind: Kind = CAR,
    profile: Profile = CONSTANT,
    parts: int = 200,
    seed: int = 0,
) -> list[Stream]:
    """Return streams that split at each junction by turning ratios.

    What enters on a road is cut into equal parts, which are sent on by the ratios: exactly so where these are whole
    numbers of parts, else rounded at random with the right mean. Where a movement is missing, the others share what it
    would get. Nobody comes back to a junction unless there is no other way.

    Args:
        network: any network with entries and exits.
        rate: of each entry; a number for all entries [veh/h].
        turns: shares of "left", "straight" and "right"; they need not add up to 1.
        at: other shares for an approach (by its road) or a junction; the approach's count before the junction's.
        kind: of the vehicles.
        profile: of the rates.
        parts: of each entry.
        seed: of the rounding.

    Raises:
        ParameterError: an unknown road, junction or turn, a share or rate below 0, or ways that never end.
    """
    rates = rate if isinstance(rate, Mapping) else dict.fromkeys(entries(network), rate)
    table = _Shares(network, turns, dict(at or {}))
    rng = np.random.default_rng(seed)
    check_int("parts", parts, 1, 10**6)
    streams = []
    for road, entering in rates.items():
        if road not in network.road_index:
            raise ParameterError(f"{network.name}: rate: there is no road {road!r}")
        for route, count in _walks(network, network.road_index[road], table, parts, rng).items():
            names = tuple(network.road_ids[r] for r in route)
            streams.append(Stream(names, entering * count / parts, kind, profile))
    return streams


class _Shares:
    """Where those on a road go on to, and with which weights."""

    def __init__(self, network: Network, turns: Shares, at: dict[str, Shares]) -> None:
        for name, shares in {"turns": turns, **at}.items():
            if name != "turns" and name not in network.road_index and name not in network.junction_index:
                raise ParameterError(f"{network.name}: turns at {name!r}: there is no such road or junction")
            for turn, share in shares.items():
                if turn not in TURNS:
                    raise ParameterError(f"turns: allowed are {', '.join(TURNS)}, not {turn!r}")
                check_float(f"turns: {turn}", share, 0.0, 1e6)
        self._ways: list[dict[int, float]] = [{} for _ in network.road_ids]
        movements = zip(network.road_link_roads.tolist(), network.road_link_kind.tolist(), strict=True)
        for (a, b), kind in movements:
            road, junction = network.road_ids[a], network.junction_ids[network.road_end[a]]
            shares = at.get(road, at.get(junction, turns))
            self._ways[a][b] = shares.get(_TURN_NAMES.get(kind, ""), 0.0)

    def after(self, road: int) -> dict[int, float]:
        """Return the weight of each road that follows; equal ones where all are 0."""
        ways = self._ways[road]
        return ways if any(ways.values()) else dict.fromkeys(ways, 1.0)


def _walks(
    network: Network, start: int, table: _Shares, parts: int, rng: np.random.Generator
) -> dict[tuple[int, ...], int]:
    """Return routes from a road out of the network, and how many of the parts take each."""
    done: dict[tuple[int, ...], int] = {}
    ends = network.road_end.tolist()
    open_: list[tuple[tuple[int, ...], int]] = [((start,), parts)]
    while open_:
        route, count = open_.pop()
        ways = table.after(route[-1])
        if not ways:
            done[route] = done.get(route, 0) + count
            continue
        if len(route) > _LONGEST:
            raise ParameterError(f"{network.name}: from {network.road_ids[start]!r} the turns never leave the network")
        passed = {ends[r] for r in route}
        new = {r: w for r, w in ways.items() if ends[r] not in passed}
        ways = new if any(new.values()) else ways
        for road, part in zip(ways, _apportion(list(ways.values()), count, rng.random()), strict=True):
            if part:
                open_.append(((*route, road), part))
    return done


def _apportion(weights: Sequence[float], count: int, shift: float) -> list[int]:
    """Return whole numbers that add up to `count`, in the ratio of weights but for rounding, which `shift` decides."""
    total, so_far, before = sum(weights), 0.0, 0
    parts = []
    for weight in weights:
        so_far += weight
        after = math.floor(round(so_far / total * count, 9) + shift)
        parts.append(after - before)
        before = after
    return parts


def by_pairs(
    network: Network,
    pairs: Mapping[tuple[str, str], float],
    *,
    kind: Kind = CAR,
    profile: Profile = CONSTANT,
) -> list[Stream]:
    """Return streams from origins to destinations, on the shortest routes.

    Args:
        network: where they drive.
        pairs: rate of each pair of roads, the first and the last of a route [veh/h].
        kind: of the vehicles.
        profile: of the rates.

    Raises:
        ParameterError: an unknown road, or a rate below 0.
    """
    for (a, b), rate in pairs.items():
        for road in (a, b):
            if road not in network.road_index:
                raise ParameterError(f"{network.name}: pair {a!r}, {b!r}: there is no road {road!r}")
        check_float(f"{network.name}: pair {a!r}, {b!r}: rate", rate, 0.0, 1e6)
    return [Stream(pair, rate, kind, profile) for pair, rate in pairs.items()]


def all_pairs(network: Network, rate: float) -> dict[tuple[str, str], float]:
    """Return pairs that send what enters on each road [veh/h] to all exits alike, but not back where it came from."""
    pairs = {}
    for a in entries(network):
        home = network.road_start[network.road_index[a]]
        goals = [b for b in exits(network) if network.road_end[network.road_index[b]] != home]
        pairs.update({(a, b): rate / len(goals) for b in goals})
    return pairs


def read_counts(path: str | Path, network: Network, *, car: Kind = CAR, heavy: Kind | None = None) -> list[Stream]:
    """Return the streams of a file of turning counts.

    It is a CSV file with the columns from, to, veh_per_hour and, if `heavy` is given, hgv_percent; from and to are
    roads, a route's first and last. Lines that begin with # are left out.

    Args:
        path: the file.
        network: where they drive.
        car: kind of the light vehicles.
        heavy: kind of the heavy ones; None: all are light.

    Raises:
        ParameterError: names the file, the line and the reason: not readable, a column that is missing, an unknown
            road, no number, a rate below 0, a share that is not from 0 to 100, no counts at all.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path}: cannot be read: {error}") from None
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    columns = next(csv.reader([rows[0][1]])) if rows else []
    for column in ("from", "to", "veh_per_hour", *(["hgv_percent"] if heavy else [])):
        if column not in columns:
            raise ParameterError(f"{path}: the column {column!r} is missing; there are {columns}")
    if len(rows) < 2:
        raise ParameterError(f"{path}: there are no counts; at least one is needed")
    streams: list[Stream] = []
    for number, line in rows[1:]:
        where = f"{path}, line {number}"
        row = dict(zip(columns, next(csv.reader([line])), strict=False))
        rate = _number(row, "veh_per_hour", 1e6, where)
        share = _number(row, "hgv_percent", 100.0, where) / 100.0 if heavy else 0.0
        for column in ("from", "to"):
            if row.get(column) not in network.road_index:
                raise ParameterError(f"{where}: {column}: there is no road {row.get(column)!r}")
        streams += split_heavy(Stream((row["from"], row["to"]), rate, car), share, heavy)
    return streams


def _number(row: Mapping[str, str], column: str, high: float, where: str) -> float:
    try:
        value = float(row.get(column, ""))
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= high:
        raise ParameterError(f"{where}: {column} must be a number from 0 to {high:g}, not {row.get(column)!r}")
    return value


def split_heavy(stream: Stream, share: float, heavy: Kind | None) -> list[Stream]:
    """Return a stream as light and heavy vehicles; `share` are heavy."""
    light = replace(stream, rate=stream.rate * (1.0 - share))
    return [light, replace(stream, rate=stream.rate * share, kind=heavy)] if heavy and share > 0.0 else [light]


_NAME = re.compile(r"(uniform|peak|pairs|rising|varied)(?:-([1-9]\d{0,4}))?")
RATE = 300.0  # of each entry where a name says none [veh/h]
# Of each entry of a 4 x 4 grid, so that about 60 vehicles drive at first and about 270 at the end of the hour
RISING = Profile((0.0, 900.0, 1800.0, 2700.0, math.inf), (1.0, 1.8, 2.6, 3.5))
RISING_RATE = 60.0
PROFILES = {"peak": PEAK, "rising": RISING}
ALLOWED = "uniform, peak, pairs, rising, varied (each with -RATE in veh/h per entry)"
# How unlike the entries of "varied" are, and the turns of its approaches: parameters of Dirichlet distributions
ENTRY_SPREAD = 6.0
TURN_SPREAD = {"left": 1.5, "straight": 4.0, "right": 1.5}


def is_named(name: str) -> bool:
    """Return whether `arrivals_named` knows a name."""
    return bool(_NAME.fullmatch(name))


def is_redrawn(name: str) -> bool:
    """Return whether the rates of a name's arrivals depend on the seed."""
    return is_named(name) and name.startswith("varied")


def varied(network: Network, rate: float, *, kind: Kind = CAR, seed: int = 0) -> list[Stream]:
    """Return streams with a pattern at random: unlike rates of the entries, and turning ratios of every approach.

    The rates of n entries are n * `rate` times shares from a symmetric Dirichlet distribution of ENTRY_SPREAD, so their
    mean is `rate`; turning ratios come from that of TURN_SPREAD (mean 21 % left, 57 % straight, 21 % right).

    Args:
        network: any network with entries and exits.
        rate: mean of the entries [veh/h].
        kind: of the vehicles.
        seed: of the pattern.

    Raises:
        ParameterError: a rate below 0, or a network without entries.
    """
    rng, doors = np.random.default_rng(check_int("seed", seed, 0, 2**63 - 1)), entries(network)
    check_float(f"{network.name}: rate", rate, 0.0, 1e6)
    if not doors:
        raise ParameterError(f"{network.name}: varied demand needs roads into the network; there are none")
    shares = rng.dirichlet(np.full(len(doors), ENTRY_SPREAD)) * len(doors)
    rates = {road: rate * float(share) for road, share in zip(doors, shares, strict=True)}
    ratios = rng.dirichlet(list(TURN_SPREAD.values()), len(network.road_ids))
    at = {
        road: dict(zip(TURN_SPREAD, row.tolist(), strict=True))
        for road, row in zip(network.road_ids, ratios, strict=True)
    }
    return by_turns(network, rates, at=at, kind=kind, seed=seed)


def arrivals_named(name: str, network: Network, *, kind: Kind = CAR, seed: int = 0) -> Arrivals:
    """Return the arrivals of a name: rates of the entries, [veh/h].

    "uniform-300" and "peak-300" split by the turning ratios TURNS, the latter with PEAK; "pairs-300" goes to all exits
    alike; "rising-60" begins with 60 and grows to 3.5 times as much within an hour, by quarters; "varied-300" has the
    pattern of `varied` that belongs to `seed`, with 300 on average. The others have the same rate on every entry.

    Raises:
        ParameterError: names what is allowed.
    """
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if not found:
        raise ParameterError(f"demand must be one of {ALLOWED}, not {name!r}")
    rate = float(found[2] or (RISING_RATE if found[1] == "rising" else RATE))
    streams: Sequence[Stream]
    if found[1] == "pairs":
        streams = by_pairs(network, all_pairs(network, rate), kind=kind)
    elif found[1] == "varied":
        streams = varied(network, rate, kind=kind, seed=seed)
    else:
        streams = by_turns(network, rate, kind=kind, profile=PROFILES.get(found[1], CONSTANT))
    return build_arrivals(network, streams, name)
