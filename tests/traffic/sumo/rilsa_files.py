"""The worked example's network and an hour of vehicles, as files."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from marl_envs.traffic.arrivals import draw
from marl_envs.traffic.rilsa import rilsa, rilsa_counts, rilsa_files
from marl_envs.traffic.sumo.scenario import write_routes


def network_file() -> str:
    """Return the path of the `.net.xml` that comes with sumolib (its program is SUMO's of 90 s)."""
    with rilsa_files() as (network, _):
        return str(network)


def route_file(folder: Path, seed: int = 0, steps: int = 900) -> str:
    """Return the path of a route file with drawn vehicles."""
    arrivals = rilsa_counts(rilsa("0"))
    path = folder / "a.rou.xml"
    write_routes(path, arrivals.demand, draw(arrivals, seed, 1.0, steps), 1.0)
    return str(path)


def trips_in(path: Path) -> list[dict[str, str]]:
    """Return the attributes of each vehicle in SUMO's tripinfo output."""
    return [dict(trip.attrib) for trip in ET.parse(path).getroot().iter("tripinfo")]


def play(vec: Any, policy: Any, decisions: int, seed: int = 0) -> list[tuple[Any, ...]]:
    """Play an episode's beginning; return what each step gave."""
    policy.reset(seed)
    obs, _ = vec.reset(seed=seed)
    found = []
    for _ in range(decisions):
        step = vec.step(policy.act(vec, obs))
        obs = step[0]
        found.append(tuple(part.copy() if hasattr(part, "copy") else part for part in step))
    return found
