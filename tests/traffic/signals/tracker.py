"""What signals count, again, in plain Python: every vehicle followed from the raw state, one second at a time."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from marl_envs import traffic_signals_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import DIS, KIND, LENGTH, LIMIT, PLACE, SPEED
from marl_envs.traffic.signals.networks import network_of


def env_of(num_envs: int = 1, **parameters: Any) -> VectorEnv:
    """Return an environment on a single junction with a decision each second, unless told otherwise."""
    usual = {"network": "cross", "demand": "uniform-600", "demand_sets": 2, "decision_interval": 1.0, "yellow": 3.0}
    return traffic_signals_v0.vector_env(num_envs, **{**usual, "max_cycles": 900, **parameters})


def vehicles_of(vec: VectorEnv, e: int = 0) -> list[dict[str, float]]:
    """Return the vehicles that drive in environment `e`, from the slots alone."""
    state, settings = vec.arrays, vec.simulation.settings
    found = []
    for v in np.flatnonzero(state.vehicle[e, :, PLACE] >= 0).tolist():
        place, speed = int(state.vehicle[e, v, PLACE]), float(state.motion[e, v, SPEED])
        ideal = min(settings.measure[place, LIMIT], settings.top_speed[state.vehicle[e, v, KIND]])
        rest = float(settings.measure[place, LENGTH] - state.motion[e, v, DIS])
        found.append(
            {"trip": int(state.trip[e, v]), "place": place, "speed": speed, "ideal": float(ideal), "rest": rest}
        )
    return found


def created(vec: VectorEnv, e: int = 0) -> dict[int, int]:
    """Return the trips that exist by now, and the step in which each was created."""
    state, settings = vec.arrays, vec.simulation.settings
    first, last = settings.trip_first[state.demand[e] : state.demand[e] + 2]
    steps = settings.trip_step[first:last]
    return {trip: int(step) for trip, step in enumerate(steps.tolist()) if step < state.step[e]}


class Tracker:
    """Follows one environment; call `look` after each step of one second."""

    def __init__(self, vec: VectorEnv) -> None:
        self.vec = vec
        self.lost: dict[int, float] = defaultdict(float)
        self.waited: dict[int, int] = defaultdict(int)
        self.stops: dict[int, int] = defaultdict(int)
        self.here: dict[int, tuple[int, int]] = {}  # trip -> (place, seconds waited there)
        self.speed: dict[int, float] = {}
        self.inserted: dict[int, int] = {}
        self.co2 = self.driven = 0.0
        self.vehicle_seconds = self.passed = 0
        self.queues: list[int] = []
        self.lanes = set(network_lanes(vec))
        self.lane_lost = 0.0

    def look(self) -> None:
        """Read the state after one more second."""
        self.queues.append(0)
        self.lane_lost = 0.0
        for vehicle in vehicles_of(self.vec):
            trip, place, speed = int(vehicle["trip"]), int(vehicle["place"]), vehicle["speed"]
            self.inserted.setdefault(trip, int(self.vec.arrays.step[0]) - 1)
            before, waited = self.here.get(trip, (place, 0))
            self.passed += before in self.lanes and place != before
            lost = max(0.0, 1.0 - speed / vehicle["ideal"])
            self.lost[trip] += lost
            self.lane_lost += lost if place in self.lanes else 0.0
            last = self.speed.get(trip, 0.0)
            stands = speed < 0.1
            self.here[trip] = (place, (waited if place == before else 0) + stands)
            self.waited[trip] += stands
            self.stops[trip] += stands and last >= 0.1
            self.queues[-1] += stands and place in self.lanes
            acceleration = speed - last
            rate = 0.553 + 0.161 * speed - 0.00289 * speed**2 + 0.266 * acceleration + 0.511 * acceleration**2
            self.co2 += max(0.0, rate + 0.183 * speed * acceleration)
            self.driven += speed
            self.vehicle_seconds += 1
            self.speed[trip] = speed

    def waiting_here(self) -> int:
        """Return the seconds that vehicles on incoming lanes have waited there."""
        on = {int(v["trip"]) for v in vehicles_of(self.vec)}
        return sum(seconds for trip, (place, seconds) in self.here.items() if trip in on and place in self.lanes)

    def delays(self) -> dict[int, float]:
        """Return the delay of each trip created so far [s]."""
        now = int(self.vec.arrays.step[0])
        return {t: self.lost[t] + self.inserted.get(t, now) - step for t, step in created(self.vec).items()}


def network_lanes(vec: VectorEnv) -> list[int]:
    """Return the lanes that lead to signals, from the network itself."""
    network, signals = network_of(vec.params.network, vec.params.phases)
    ends = {signal.junction for signal in signals}
    roads = [r for r, end in enumerate(network.road_end.tolist()) if end in ends]
    return [lane for r in roads for lane in range(network.first_lane[r], network.first_lane[r + 1])]
