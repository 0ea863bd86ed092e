"""Short names of networks, so that one string says which: "cross", "cross-2-shared", "grid-4x4", "rilsa" ..."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marl_envs.core.params import ParameterError
from marl_envs.traffic import generate
from marl_envs.traffic.network import Network
from marl_envs.traffic.streets import ONE_EACH, Lanes

_NAME = re.compile(
    r"(?:(?P<single>cross|tee)|grid-(?P<rows>[1-9]\d{0,2})x(?P<columns>[1-9]\d{0,2})|arterial-(?P<junctions>[1-9]\d{0,2}))"
    r"(?:-(?P<lanes>[1-8]))?(?P<shared>-shared)?(?P<open>-open)?"
)
_ROUNDABOUT = re.compile(r"roundabout(?:-(?P<arms>[3-8]))?")
ALLOWED = (
    "cross, tee, grid-RxC, arterial-N (each with -LANES for straight lanes, -shared for no lanes of their own for "
    "turns, -open for no signal, in this order), roundabout, roundabout-ARMS (3 to 8), rilsa"
)


@dataclass(frozen=True)
class NetworkName:
    """What a name says."""

    shape: str
    """"cross", "tee", "grid", "arterial", "roundabout" or "rilsa"."""
    rows: int = 1
    columns: int = 1
    lanes: Lanes = ONE_EACH
    """Of an arterial's side streets: with one straight lane."""
    signals: bool = True
    arms: int = 4


def parse(name: str) -> NetworkName:
    """Return what a network's name says.

    Raises:
        ParameterError: names what is allowed.
    """
    if name == "rilsa":
        return NetworkName("rilsa")
    ring = _ROUNDABOUT.fullmatch(name) if isinstance(name, str) else None
    if ring:
        return NetworkName("roundabout", signals=False, arms=int(ring["arms"] or 4))
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if not found:
        raise ParameterError(f"network must be one of {ALLOWED}, not {name!r}")
    shape = found["single"] or ("grid" if found["rows"] else "arterial")
    turns = 0 if found["shared"] else 1
    lanes = Lanes(turns, int(found["lanes"] or (2 if shape == "arterial" else 1)), turns)
    return NetworkName(
        shape,
        rows=int(found["rows"] or 1),
        columns=int(found["columns"] or found["junctions"] or 1),
        lanes=lanes,
        signals=not found["open"],
        arms=3 if shape == "tee" else 4,
    )


def is_network(name: str) -> bool:
    """Return whether `name` is that of a network."""
    return name == "rilsa" or bool(_ROUNDABOUT.fullmatch(name) or _NAME.fullmatch(name))


def network_named(name: str) -> Network:
    """Return the network of a name; see `parse`.

    Raises:
        ParameterError: names what is allowed.
    """
    what = parse(name)
    if what.shape == "rilsa":
        from marl_envs.traffic.rilsa import rilsa

        return rilsa().network
    if what.shape == "roundabout":
        return generate.roundabout(what.arms)
    if what.shape == "grid":
        return generate.grid(what.rows, what.columns, what.lanes, signals=what.signals)
    if what.shape == "arterial":
        side = Lanes(what.lanes.left, 1, what.lanes.right)
        return generate.arterial(what.columns, what.lanes, side, signals=what.signals)
    return generate.junction(what.arms, what.lanes, signals=what.signals)
