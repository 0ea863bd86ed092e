"""The engines we compare with, where they can be imported: CityFlow's (C++) and SUMO's, both called from Python."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from benchmarks.speed import roads
from benchmarks.speed.traffic import HOUR, Rolling
from marl_envs.traffic.demand import KIND_FIELDS, Demand

NO_CITYFLOW = (
    "cityflow is not installed (it is not on PyPI), so there are no ratios to it. CityFlow 81ee0f4 was seen at 1.0 "
    "million (hangzhou 1x1), 1.9 (4x4) and 2.0 to 2.9 (networks of 12 to 48 signals) on one pinned AMD EPYC core."
)
NO_SUMO = (
    "libsumo is not installed (the extra `sumo`), so there are no ratios to it. SUMO 1.28.0 through libsumo was seen "
    "at 0.21 to 0.34 million (65 to 710 vehicles) on the same core."
)
CAR_LENGTH = 5.0  # [m]; longer ones are trucks
SUMO_RL = 175.0  # sumo-rl 1.4.5 with libsumo: steps of grid4x4's parallel_env per CPU-second, seen on one AMD EPYC core


def has_cityflow() -> bool:
    """Return whether cityflow can be imported."""
    return importlib.util.find_spec("cityflow") is not None


def has_sumo() -> bool:
    """Return whether libsumo and the RiLSA junction can be imported."""
    return all(importlib.util.find_spec(name) is not None for name in ("libsumo", "sumolib"))


def cityflow(name: str, filling: int, window: int) -> Rolling:
    """Return CityFlow with one thread on a flow of `roads.files`, signals by their program; unit: vehicle-updates."""
    module: Any = importlib.import_module("cityflow")
    config = {"interval": 1.0, "seed": 0, "dir": "", "laneChange": False, "rlTrafficLight": False}
    config |= {"saveReplay": False, "roadnetLogFile": "", "replayLogFile": ""}
    with roads.files(name) as (network, demand), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps({**config, "roadnetFile": network, "flowFile": demand}))
        engine = module.Engine(str(path), thread_num=1)
    # Its destructor may wait for its thread for ever: never run it
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
    for _ in range(filling):
        engine.next_step()
    begin = engine.snapshot()

    def step() -> int:
        engine.next_step()
        return int(engine.get_vehicle_count())

    return Rolling(step, lambda: engine.load(begin), window)


def sumo() -> Rolling:
    """Return SUMO through libsumo on the RiLSA junction, default models, nothing written; unit: vehicle-updates."""
    libsumo: Any = importlib.import_module("libsumo")
    demand = roads.rilsa()
    folder = Path(tempfile.mkdtemp())  # read while it runs
    (folder / "routes.rou.xml").write_text(_routes(demand))
    with resources.as_file(resources.files("sumolib") / "scenario" / "scenarios" / "RiLSA1") as place:
        files = ["-n", str(place / "rilsa1.net.xml"), "-a", str(place / "tls.add.xml")]
        quiet = ["--no-step-log", "--no-warnings", "--time-to-teleport", "-1"]
        libsumo.start(["sumo", *files, "-r", str(folder / "routes.rou.xml"), *quiet])
    for _ in range(HOUR[0]):
        libsumo.simulationStep()

    def step() -> int:
        libsumo.simulationStep()
        return int(libsumo.vehicle.getIDCount())

    return Rolling(step, lambda: None, HOUR[1])


def _routes(demand: Demand) -> str:
    """Return a demand of cars and trucks as SUMO's flows, without an end."""
    rows = zip(demand.flow_route.tolist(), demand.flow_kind.tolist(), demand.flow_interval.tolist(), strict=True)
    lines = ['<vType id="car" vClass="passenger"/>', '<vType id="truck" vClass="truck"/>']
    for k, (route, kind, period) in enumerate(rows):
        edges = " ".join(demand.network.road_ids[road] for road in demand.routes[route])
        name = "truck" if demand.kinds[kind, KIND_FIELDS.index("length")] > CAR_LENGTH else "car"
        flow = f'id="{k}" type="{name}" begin="0" end="1000000" period="{period}"'
        lines.append(f'<flow {flow}><route edges="{edges}"/></flow>')
    return f"<routes>{''.join(lines)}</routes>"
