"""Which module draws which environment: enough to draw a recorded episode without its simulator."""

from __future__ import annotations

import importlib
from typing import Any

from marl_envs.render.painter import Painter
from marl_envs.render.scene import Artist
from marl_envs.render.theme import Theme

ARTISTS = {
    "errands_v0": "marl_envs.warehouse.errands.render",
    "gridworld_v0": "marl_envs.small.grid.render",
    "intersection_v0": "marl_envs.traffic.vehicles.render",
    "matrix_v0": "marl_envs.small.matrix.render",
    "traffic_v0": "marl_envs.traffic.both.render",
    "traffic_signals_v0": "marl_envs.traffic.signals.render",
    "vacuum_v0": "marl_envs.small.vacuum.render",
    "warehouse_v0": "marl_envs.warehouse.render",
}


def artist_for(fingerprint: dict[str, Any]) -> Artist:
    """Return the artist of the environment of that fingerprint.

    Raises:
        ValueError: if nothing here draws that environment.
    """
    artist: Artist = importlib.import_module(_module_of(fingerprint)).artist(fingerprint["params"])
    return artist


def _module_of(fingerprint: dict[str, Any]) -> str:
    name = fingerprint.get("env")
    if name not in ARTISTS:
        raise ValueError(f"cannot draw environment {name!r}; known are {', '.join(sorted(ARTISTS))}")
    return ARTISTS[name]


def painter_for(
    fingerprint: dict[str, Any], size: tuple[int, int] | None = None, theme: str | Theme = "light"
) -> Painter:
    """Return what draws the environment of that fingerprint ({"env": name, "params": {...}}); no size fits the scene.

    Raises:
        ValueError: if nothing here draws that environment, or for a size or theme that does not exist.
    """
    return Painter(_module_of(fingerprint), fingerprint["params"], size=size, theme=theme)
