"""SUMO's configurations (`.sumocfg`): a network, its route files, and the time that is simulated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import Demand
from marl_envs.traffic.formats.sumo import SumoNetwork, read
from marl_envs.traffic.formats.sumo_routes import read_demand
from marl_envs.traffic.formats.sumo_xml import Element, read_xml

_INPUTS = {
    "net-file": "net-file",
    "n": "net-file",
    "route-files": "route-files",
    "r": "route-files",
    "additional-files": "additional-files",
    "a": "additional-files",
    "begin": "begin",
    "b": "begin",
    "end": "end",
    "e": "end",
}


def read_config(
    path: str | Path, *, seed: int = 0, drop_single: bool = False, **options: Any
) -> tuple[SumoNetwork, Demand]:
    """Return the network and the demand that a configuration names; its other settings are SUMO's own and left out.

    Of additional files, only signal programs are taken.

    Args:
        path: the configuration; the files that it names lie relative to it.
        seed: see `read_demand`.
        drop_single: see `read_demand`.
        **options: see `read`.

    Raises:
        ParameterError: it cannot be read, names no network or no routes, or what `read` and `read_demand` refuse.
    """
    found: dict[str, Element] = {}
    root = read_xml(path, "configuration", "sumoConfiguration")
    for element in (child for part in (root, *root.children) for child in part.children):
        if element.tag in _INPUTS:
            found[_INPUTS[element.tag]] = element
    for name in ("net-file", "route-files"):
        if name not in found:
            raise ParameterError(f"{path}: <{name}> is missing")
    town = read(_files(found["net-file"])[0], additional=_files(found.get("additional-files")), **options)
    demand = read_demand(
        _files(found["route-files"]),
        town.network,
        begin=found["begin"].time("value") if "begin" in found else 0.0,
        end=found["end"].time("value") if "end" in found else None,
        seed=seed,
        drop_single=drop_single,
    )
    return town, demand


def _files(element: Element | None) -> list[Path]:
    """Return the files that an element names, which are separated by commas or blanks."""
    if element is None:
        return []
    names = [name for name in re.split(r"[,\s]+", element.text("value")) if name]
    if not names:
        raise ParameterError(f"{element}: value must name a file")
    return [Path(element.path).parent / name for name in names]
