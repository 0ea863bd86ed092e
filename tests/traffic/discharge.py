"""The discharge of a queue: a full lane before a red light, then green."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.demand import FlowPlan, Kind, build_demand
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import DIS, EXIT, LENGTH, NONE, PLACE, SPEED
from marl_envs.traffic.generate import junction

CARS = 30
FILLED = 200.0  # time until the lane has filled [s]


def discharge(kind: Kind, model: str, dt: float, *, parity: bool = True) -> NDArray[np.float64]:
    """Return when the first CARS vehicles of a standing queue pass the stop line [s after the green begins].

    Times within a step come from its constant acceleration.
    """
    network = junction()
    demand = build_demand(network, [FlowPlan(kind, ("W-J", "J-E"), 1.0)], "queue")
    traffic = Traffic(demand, round(FILLED / dt), dt=dt, model=model, parity=parity)
    traffic.step(round(FILLED / dt))
    state, signal = traffic.state, network.signals[0]
    lane = int(np.argmax(traffic.lane_counts[0]))
    queue = [v for v in traffic.vehicles() if state.vehicle[0, v, PLACE] == lane]
    queue = sorted(queue, key=lambda v: -state.motion[0, v, DIS])[:CARS]
    assert state.motion[0, queue, SPEED].max() < 0.1
    link = int(state.vehicle[0, queue[0], EXIT])
    opens = traffic.settings.green.reshape(-1, network.num_links)[:, link - network.num_lanes]
    traffic.set_phase(signal, int(np.flatnonzero(opens)[0]))
    passed: list[float] = []
    while len(passed) < CARS:
        v, now = queue[len(passed)], int(state.step[0])
        rest = traffic.settings.measure[lane, LENGTH] - state.motion[0, v, DIS]
        before = float(state.motion[0, v, SPEED])
        traffic.step()
        if state.vehicle[0, v, PLACE] not in (lane, NONE):
            gain = (float(state.motion[0, v, SPEED]) - before) / dt
            took = rest / before if gain == 0.0 else (np.sqrt(before**2 + 2.0 * gain * rest) - before) / gain
            passed.append(now * dt - FILLED + float(took))
    return np.array(passed)


def saturation_flow(passed: NDArray[np.float64]) -> float:
    """Return the saturation flow [veh/h]: from the headways of vehicles 6 to 26."""
    return 3600.0 * 21 / float(passed[25] - passed[4])


def start_up_loss(passed: NDArray[np.float64]) -> float:
    """Return the time lost by those before the fifth [s], against the saturation headway."""
    return float(passed[4]) - 5 * 3600.0 / saturation_flow(passed)
