"""The hand-made cases that ship with the tests: how to run one, and where the reference engine had each vehicle.

They need no other data: a case is a small network, its demand, a script of what is set from outside, and CityFlow's
positions and speeds of all vehicles after every step.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from marl_envs.traffic.demand import Demand, Kind
from marl_envs.traffic.engine.editing import add_vehicle, set_route, set_speed
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import CREATED, DIS, FINISHED, PLACE, SPEED
from marl_envs.traffic.formats.cityflow import VEHICLE_KEYS, read_demand, read_network

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "traffic" / "golden"
NAMES = sorted(folder.name for folder in GOLDEN.glob("h*"))
OURS = {theirs: ours for ours, theirs in VEHICLE_KEYS.items()}

Row = tuple[str, float, float]  # drivable, distance, speed


@lru_cache
def read(case: str, file: str) -> Any:
    """Return what a JSON file of the case holds."""
    return json.loads((GOLDEN / case / file).read_text())


@lru_cache
def demand_of(case: str) -> Demand:
    """Return the case's demand on its network."""
    network = read_network(GOLDEN / case / "roadnet.json")
    return read_demand(GOLDEN / case / "flow.json", network, drop_unroutable=True)


def start(case: str, **options: Any) -> Traffic:
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
        """Begin a case."""
        self.traffic = start(case)
        self.script = read(case, "control.json")
        self.pushed: dict[int, str] = {}
        self.returned: list[list[Any]] = []

    def name(self, slot: int, e: int = 0) -> str:
        """Return the reference's name of the vehicle in a slot."""
        trip = int(self.traffic.state.trip[e, slot])
        return self.pushed.get(trip) or self.traffic.trip_name(trip, e)

    def slots(self) -> dict[str, int]:
        """Return the slots of the vehicles that drive, by name."""
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

    def push(self, info: dict[str, float], roads: list[str]) -> None:
        """Add a vehicle from outside."""
        kind = Kind(**{OURS[key]: value for key, value in info.items() if key != "speed"})
        trip = add_vehicle(self.traffic, roads, kind, info.get("speed", 0.0))
        self.pushed[trip] = f"manually_pushed_{len(self.pushed)}"

    def reroute(self, k: int, vehicle: str, roads: list[str]) -> None:
        """Give a vehicle another route before step `k`."""
        self.returned.append([k, vehicle, set_route(self.traffic, self.slots()[vehicle], roads)])


def positions(traffic: Traffic, name: Callable[[int, int], str] | None = None, e: int = 0) -> dict[str, Row]:
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


@dataclass(frozen=True)
class Comparison:
    """What came of a case."""

    case: str
    vehicle_steps: int
    """Vehicle positions that were compared."""
    reference: float
    """Average travel time [s]."""
    ours: float
    """[s]"""
    equal: bool
    """Every drivable, place and speed, who waits outside, and the average travel time, to the last bit."""


def compare(case: str) -> Comparison:
    """Play a case and compare it with the reference engine after every step."""
    player, expected, result = Player(case), trace(GOLDEN / case / "trace.csv.gz"), read(case, "result.json")
    equal, compared = True, 0
    for k in range(player.script["steps"]):
        wanted, found = expected.get(k + 1, {}), player.step(k)
        outside = result["not_yet_inserted_after_each_step"][k]
        equal = equal and found == wanted and _outside(player.traffic) == outside
        compared += len(wanted)
    ours = float(player.traffic.average_travel_time()[0])
    reference = result["average_travel_time"]
    return Comparison(case, compared, reference, ours, equal and ours == reference)


def _outside(traffic: Traffic) -> int:
    """Return how many vehicles wait for room on their first lane."""
    tally = traffic.state.tally[0]
    return int(tally[CREATED] - tally[FINISHED] - traffic.running()[0])
