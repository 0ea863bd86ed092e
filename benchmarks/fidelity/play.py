"""Runs that give our figures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from benchmarks.data import VARIABLE
from benchmarks.errors import InputError
from benchmarks.fidelity.figures import FIXED, FLOWS, LONGEST, MAX_PRESSURE, SOTL, THRESHOLD

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"  # beside the checkout
HOUR = 360  # decisions


def data_folder() -> Path | None:
    """Return the folder of networks and flows: `traffic` below MARL_ENVS_DATA, else below ../shared/data; or None.

    Raises:
        InputError: MARL_ENVS_DATA names no folder.
    """
    named = os.environ.get(VARIABLE)
    if named and not Path(named).is_dir():
        raise InputError(f"{VARIABLE} names {named!r}, which is not a folder")
    folder = (Path(named) if named else BESIDE) / "traffic"
    return folder if folder.is_dir() else None


def missing_files(folder: Path | None, flows: Sequence[str]) -> list[str]:
    """Return the files of these flows that are not there."""
    wanted = dict.fromkeys(name for flow in flows for name in (FLOWS[flow].network, FLOWS[flow].demand))
    return [f"traffic/{name}" for name in wanted if folder is None or not (folder / name).is_file()]


def controller_named(name: str) -> Any:
    """Return a new controller as the published figures have it."""
    from marl_envs.traffic.signals import controllers

    return {
        FIXED: lambda: controllers.FixedTime(25.0),  # the data set's 30 s include the yellow
        MAX_PRESSURE: controllers.MaxPressure,
        SOTL: controllers.SOTL,
        LONGEST: controllers.LongestQueue,
        THRESHOLD: controllers.Threshold,
    }[name]()


def hour(folder: Path, flow: str, controller: Any, num_envs: int = 1, **parameters: Any) -> dict[str, NDArray[Any]]:
    """Return the metrics [E] of an hour under a controller, with the published times.

    They are the environment's defaults: decisions every 10 s, a yellow of 5 s and `min_green` of 5 s, which counts
    green alone (t_min of 10 s includes the yellow). Seed 0; with rng="mt19937" environment 0 draws what the reference
    engine draws, with our own streams the environments are so many seeds.
    """
    from marl_envs import traffic_signals_v0

    network, demand = (str(folder / name) for name in (FLOWS[flow].network, FLOWS[flow].demand))
    vec = traffic_signals_v0.vector_env(num_envs, network=network, demand=demand, **parameters)
    obs, info = vec.reset(seed=0)
    for _ in range(HOUR):
        obs, *_, info = vec.step(controller.act(vec, obs))
    assert info["ended"].all()
    metrics: dict[str, NDArray[Any]] = info["metrics"]
    return metrics
