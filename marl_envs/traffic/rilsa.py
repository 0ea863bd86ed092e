"""The worked example of the German signal guideline (RiLSA): one junction, turning counts, a signal plan.

It is read from the installed sumolib (EPL-2.0), which ships it as a scenario; nothing of it is copied here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path

from marl_envs.core.params import ParameterError
from marl_envs.traffic.arrivals import Arrivals, Stream, build_arrivals
from marl_envs.traffic.formats.sumo import SumoNetwork, read
from marl_envs.traffic.formats.sumo_kinds import default_kind
from marl_envs.traffic.sources import split_heavy

PLAN = "own"  # the guideline's signal plan, 72 s, beside the one that SUMO made up for the network


@lru_cache  # its files do not change, and reading them takes as long as all the rest of an environment
def rilsa(plan: str | None = PLAN) -> SumoNetwork:
    """Return the junction "0" with arms of 500 m to "n", "e", "s" and "w".

    Each arm has one lane, and two before the junction: for left turns, and for the rest.

    Args:
        plan: its signal program: "own", the guideline's, or "0", SUMO's (90 s).

    Raises:
        ParameterError: no such program.
    """
    with rilsa_files() as (network, plans):
        return read(network, additional=[plans], programs={} if plan is None else {"0": plan})


@contextmanager
def rilsa_files() -> Iterator[tuple[Path, Path]]:
    """Give the paths of the network and of the file with the guideline's plan, which SUMO takes by default."""
    with resources.as_file(resources.files("sumolib") / "scenario" / "scenarios" / "RiLSA1") as folder:
        yield Path(folder) / "rilsa1.net.xml", Path(folder) / "tls.add.xml"


def rilsa_counts(junction: SumoNetwork) -> Arrivals:
    """Return the guideline's turning counts on `junction`: 2,370 vehicles an hour, 2 to 14 % of a movement heavy.

    Raises:
        ParameterError: it is another junction.
    """
    from sumolib.scenario.scenarios.rilsa1 import flowsRiLSA1

    roads = {road for start, movements in flowsRiLSA1 for road in (start, *(end for end, _, _ in movements))}
    if not roads <= set(junction.network.road_ids):
        raise ParameterError(
            'demand "rilsa" are the turning counts of the RiLSA junction: it goes with that junction only '
            f'(network="rilsa" of signals, layout="rilsa1" of vehicles), not with {junction.network.name!r}, '
            "which has other roads"
        )
    fastest = float(junction.network.limit[: junction.network.num_lanes].max())
    car, truck = default_kind("passenger", fastest), default_kind("truck", fastest)
    streams = [
        stream
        for start, movements in flowsRiLSA1
        for end, rate, heavy in movements
        for stream in split_heavy(Stream((start, end), float(rate), car), heavy / 100.0, truck)
    ]
    return build_arrivals(junction.network, streams, "rilsa")
