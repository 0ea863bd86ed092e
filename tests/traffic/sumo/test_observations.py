"""What signals see in SUMO, against a plain reading of SUMO's own interface."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs.traffic.rilsa import rilsa
from marl_envs.traffic.signals.controllers import PRESSURE, RandomSignals, scores
from marl_envs.traffic.sumo import vector_env
from marl_envs.traffic.sumo.process import library

TOWN = rilsa("0")
INCOMING = ("em_2", "em_1", "nm_2", "nm_1", "sm_2", "sm_1", "wm_2", "wm_1")  # each road from the left
ROOM = {lane: length / 7.5 for lane, length in zip(TOWN.lane_ids, TOWN.network.length, strict=False)}


def walk(decisions, **parameters):
    """Yield (environment, observation of the signal, libsumo) after each decision at random."""
    vec = vector_env(network="rilsa", demand="rilsa", demand_sets=1, **parameters)
    policy = RandomSignals(1)
    try:
        obs, _ = vec.reset(seed=5)
        for _ in range(decisions):
            obs, *_ = vec.step(policy.act(vec, obs))
            yield vec, obs[0, 0], library()
    finally:
        vec.close()


def on_lane(sumo, lane):
    """Return (name, distance to the stop line [m], speed [m/s]) of the vehicles on a lane."""
    length = sumo.lane.getLength(lane)
    names = sumo.lane.getLastStepVehicleIDs(lane)
    return [(v, length - sumo.vehicle.getLanePosition(v), sumo.vehicle.getSpeed(v)) for v in names]


def one_hot(vec):
    shown = np.zeros(vec.action_space.n)
    shown[vec.arrays.pending[0, 0]] = 1.0
    return shown


def test_lanes_are_counted_as_sumo_counts_them():
    seen = 0
    for vec, obs, sumo in walk(50):
        phases = vec.action_space.n
        np.testing.assert_array_equal(obs[:phases], one_hot(vec))
        numbers = [sumo.lane.getLastStepVehicleNumber(lane) for lane in INCOMING]
        stands = [sum(speed < 0.1 for *_, speed in on_lane(sumo, lane)) for lane in INCOMING]
        room = [ROOM[lane] for lane in INCOMING]
        np.testing.assert_allclose(obs[phases + 1 : phases + 9], np.minimum(np.divide(numbers, room), 1.0), rtol=1e-6)
        np.testing.assert_allclose(obs[phases + 9 :], np.minimum(np.divide(stands, room), 1.0), rtol=1e-6)
        seen += sum(numbers)
    assert seen > 1000


def test_near_vehicles_and_their_waiting():
    waited: dict[str, int] = {}
    was_on: dict[str, str] = {}
    greatest = 0.0
    for vec, obs, sumo in walk(600, observation="drq", detector_range=60.0, decision_interval=1.0, max_cycles=600):
        for name in sumo.vehicle.getIDList():
            edge = sumo.vehicle.getLaneID(name).rpartition("_")[0]
            is_new = name not in was_on
            if was_on.get(name) != edge:
                waited[name], was_on[name] = 0, edge
            waited[name] += not is_new and sumo.vehicle.getSpeed(name) < 0.1
        rows = []
        for lane in INCOMING:
            near = [(v, speed) for v, rest, speed in on_lane(sumo, lane) if rest <= 60.0]
            rows.append(
                (
                    sum(speed >= 0.1 for _, speed in near) / 28,
                    sum(waited[v] for v, _ in near) / 28,
                    sum(speed < 0.1 for _, speed in near) / 28,
                    sum(speed for _, speed in near) / 20 / 28,
                )
            )
        expected = np.minimum(np.array(rows).T.ravel(), 100.0)
        np.testing.assert_allclose(obs[vec.action_space.n :], expected, rtol=1e-5, atol=1e-7)
        greatest = max(greatest, expected.max())
    assert greatest > 1.0


def test_pressure_is_vehicles_before_minus_behind():
    differs = False
    for vec, _, sumo in walk(40, yellow=3.0):
        links = sumo.trafficlight.getControlledLinks("0")
        states = [phase.state for phase in sumo.trafficlight.getAllProgramLogics("0")[0].phases]
        found = scores(vec, PRESSURE)[0, 0]
        for p, phase in enumerate(rilsa().choices[0]):
            program = next(logic for logic in sumo.trafficlight.getAllProgramLogics("0") if logic.programID == "own")
            letters = program.phases[phase].state
            pairs = {links[i][0][:2] for i, letter in enumerate(letters) if letter in "Gg" and links[i]}
            pairs = {(a, b) for a, b in pairs if a in ROOM and b in ROOM}
            count = sumo.lane.getLastStepVehicleNumber
            expected = sum(count(a) - count(b) for a, b in pairs)
            assert found[p] == expected
            differs |= expected != 0
        assert states
    assert differs


@pytest.mark.parametrize("observation", ["counts", "summary", "tabular", "tabular_load", "tiles", "pressure"])
def test_every_observation_is_in_its_space(observation):
    for vec, obs, _ in walk(20, observation=observation, neighbours=False, actions="fullest"):
        assert vec.observation_space.contains(obs)
        assert vec.action_mask.any(axis=-1).all()


def test_who_waits_outside_is_seen():
    most = 0
    for vec, obs, sumo in walk(60, observation="counts"):
        pending = sumo.simulation.getPendingVehicles()
        assert vec.arrays.outside.sum() == len(pending) == vec.metrics()["outside"][0]
        most = max(most, len(pending))
        assert obs.min() >= 0.0
    assert most > 0
