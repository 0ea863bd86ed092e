"""The golden cases: how to run one, and what must come out."""

import csv
import gzip
import json
from functools import lru_cache
from pathlib import Path

from marl_envs.traffic.demand import Demand, Kind
from marl_envs.traffic.engine.editing import add_vehicle, set_route, set_speed
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import DIS, PLACE, SPEED
from marl_envs.traffic.formats.cityflow import VEHICLE_KEYS, read_demand, read_network

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(folder.name for folder in GOLDEN.glob("h*"))
OURS = {theirs: ours for ours, theirs in VEHICLE_KEYS.items()}

Row = tuple[str, float, float]  # drivable, distance, speed


@lru_cache
def read(case: str, file: str) -> dict:
    return json.loads((GOLDEN / case / file).read_text())


@lru_cache
def demand_of(case: str) -> Demand:
    network = read_network(GOLDEN / case / "roadnet.json")
    return read_demand(GOLDEN / case / "flow.json", network, drop_unroutable=True)


def start(case: str, **options) -> Traffic:
    """Return the case before its first step."""
    config = read(case, "config.json")
    return Traffic(
        demand_of(case),
        read(case, "control.json")["steps"],
        dt=config["interval"],
        program=not config["rlTrafficLight"],
        **{"rng": "mt19937", "seed": config["seed"]} | options,
    )


def trace(path: Path) -> dict[int, dict[str, Row]]:
    """Return, by step, where every vehicle is."""
    steps: dict[int, dict[str, Row]] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            place = row["drivable"], float(row["distance"]), float(row["speed"])
            steps.setdefault(int(row["step"]), {})[row["id"]] = place
    return steps


class Player:
    """Plays a case's script; vehicles have the reference's names."""

    def __init__(self, case: str) -> None:
        self.traffic = start(case)
        self.script = read(case, "control.json")
        self.pushed: dict[int, str] = {}
        self.returned: list[list] = []

    def name(self, slot: int, e: int = 0) -> str:
        trip = int(self.traffic.state.trip[e, slot])
        return self.pushed.get(trip) or self.traffic.trip_name(trip, e)

    def slots(self) -> dict[str, int]:
        return {self.name(slot): slot for slot in self.traffic.vehicles()}

    def step(self, k: int) -> dict[str, Row]:
        """Do what is to be done before step `k`, then the step; return where every vehicle is."""
        for junction, phases in self.script["set_tl_phase_before_step"].items():
            for when, phase in phases:
                if when == k:
                    self.traffic.set_phase(self.traffic.network.junction_index[junction], phase)
        for vehicle, speed in self.script["set_vehicle_speed_before_step"].get(str(k), {}).items():
            if vehicle in (slots := self.slots()):
                set_speed(self.traffic, slots[vehicle], speed)
        for call, *arguments in self.script["calls_before_step"].get(str(k), []):
            self.push(*arguments) if call == "push" else self.reroute(k, *arguments)
        self.traffic.step()
        return positions(self.traffic, self.name)

    def push(self, info: dict, roads: list[str]) -> None:
        kind = Kind(**{OURS[key]: value for key, value in info.items() if key != "speed"})
        trip = add_vehicle(self.traffic, roads, kind, info.get("speed", 0.0))
        self.pushed[trip] = f"manually_pushed_{len(self.pushed)}"

    def reroute(self, k: int, vehicle: str, roads: list[str]) -> None:
        self.returned.append([k, vehicle, set_route(self.traffic, self.slots()[vehicle], roads)])


def positions(traffic: Traffic, name=None, e: int = 0) -> dict[str, Row]:
    """Return where every vehicle of environment `e` is."""
    state, ids = traffic.state, traffic.network.drivable_ids
    return {
        (name or (lambda v, e: traffic.trip_name(int(state.trip[e, v]), e)))(v, e): (
            ids[state.vehicle[e, v, PLACE]],
            float(state.motion[e, v, DIS]),
            float(state.motion[e, v, SPEED]),
        )
        for v in traffic.vehicles(e)
    }
