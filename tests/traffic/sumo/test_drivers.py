"""Drivers: a queue before a red light discharges as fast as SUMO's."""

from __future__ import annotations

import numpy as np

from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import PLACE
from marl_envs.traffic.formats.sumo_routes import read_demand
from marl_envs.traffic.rilsa import rilsa
from marl_envs.traffic.sumo.process import library
from tests.traffic.sumo.rilsa_files import network_file

RED, GREEN = 300, 90  # [s]
ROUTES = '<routes><flow id="f" begin="0" end="600" period="1.5"><route edges="emp em mw"/></flow></routes>'
BEFORE = ("emp", "em")


def flow(passed: list[int]) -> float:
    """Return the saturation flow [veh/h] from how many had passed the stop line after each second of green."""
    times = [next(t for t, count in enumerate(passed) if count >= n) for n in (5, 26)]
    return 3600.0 * 21 / (times[1] - times[0])


def in_sumo(path: str, seed: int) -> float:
    sumo = library()
    command = ["sumo", "-n", network_file(), "-r", path, "--seed", str(seed), "--time-to-teleport", "-1"]
    sumo.start([*command, "--no-step-log", "--no-warnings", "--xml-validation", "never"])
    size = len(sumo.trafficlight.getRedYellowGreenState("0"))
    sumo.trafficlight.setRedYellowGreenState("0", "r" * size)
    for _ in range(RED):
        sumo.simulationStep()
    sumo.trafficlight.setRedYellowGreenState("0", "G" * size)
    passed: list[int] = []
    behind: set[str] = set()
    for _ in range(GREEN):
        sumo.simulationStep()
        vehicles = sumo.vehicle.getIDList()
        behind |= {v for v in vehicles if sumo.vehicle.getRoadID(v)[:2] in (":0", "mw")}
        passed.append(len(behind))
    sumo.close()
    return flow(passed)


def in_ours(path: str) -> float:
    town = rilsa()
    network, lane = town.network, town.lane_ids.index("em_1")
    before = [i for i, road in enumerate(network.lane_road) if network.road_ids[road] in BEFORE]
    first, last = network.first_link[0], network.first_link[1]
    links = [k for k in range(first, last) if network.link_start[k] == lane]
    row = network.green[network.first_phase[0] : network.first_phase[1]]
    opened = row[:, network.link_movement[links] - network.first_road_link[0]].all(axis=1)
    traffic = Traffic(read_demand(path, network), RED + GREEN)
    traffic.step(RED)
    traffic.set_phase(0, int(np.flatnonzero(opened)[0]))
    to_em = len(network.lane_road) + np.flatnonzero(np.isin(network.link_end, before))
    behind: set[int] = set()
    passed: list[int] = []
    for _ in range(GREEN):
        traffic.step()
        state = traffic.state
        for v in np.flatnonzero(state.vehicle[0, :, PLACE] >= 0):
            if state.vehicle[0, v, PLACE] not in (*before, *to_em):
                behind.add(int(state.trip[0, v]))
        passed.append(len(behind))
    return flow(passed)


def test_a_queue_discharges_as_fast_as_in_sumo(tmp_path):
    path = tmp_path / "queue.rou.xml"
    path.write_text(ROUTES)
    theirs = np.mean([in_sumo(str(path), seed) for seed in range(5)])
    mine = in_ours(str(path))
    assert 1700 < theirs < 1950
    assert abs(mine / theirs - 1.0) < 0.1
    perfect = tmp_path / "perfect.rou.xml"
    perfect.write_text(ROUTES.replace("<flow", '<vType id="p" sigma="0" speedDev="0"/><flow type="p"'))
    assert in_ours(str(perfect)) > 1.15 * mine
    assert abs(in_ours(str(perfect)) / in_sumo(str(perfect), 0) - 1.0) < 0.1
