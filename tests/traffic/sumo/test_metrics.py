"""Metrics of episodes in SUMO against SUMO's own account of every trip."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs.traffic.engine.types import PLACE
from marl_envs.traffic.rilsa import rilsa
from marl_envs.traffic.signals.controllers import MaxPressure, RandomSignals
from marl_envs.traffic.sumo import evaluate, vector_env
from tests.traffic.sumo.rilsa_files import network_file, play, route_file, trips_in

LIMIT = 13.89  # of all roads of the example [m/s]
OUTPUT = ("--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted")


def number(trips, name):
    return np.array([float(trip[name]) for trip in trips])


@pytest.mark.parametrize("policy", [RandomSignals(), MaxPressure(), "program"], ids=["random", "pressure", "program"])
def test_metrics_are_those_of_sumos_trips(tmp_path, policy):
    decisions, file = 90, tmp_path / "trips.xml"
    result = evaluate(
        policy,
        network_file(),
        route_file(tmp_path),
        seed=7,
        max_cycles=decisions,
        isolated=False,
        options=("--tripinfo-output", str(file), *OUTPUT),
    )
    trips, metrics = trips_in(file), {name: float(value[0]) for name, value in result.metrics.items()}
    end = decisions * 10.0
    done = number(trips, "arrival") >= 0.0
    assert 0 < done.sum() < len(trips)
    assert metrics["created"] == len(trips)
    assert metrics["throughput"] == done.sum()
    assert metrics["outside"] == (number(trips, "depart") < 0.0).sum()
    assert metrics["insertion_delay"] == pytest.approx(number(trips, "departDelay").mean(), abs=1e-9)
    assert metrics["waiting"] == pytest.approx(number(trips, "waitingTime").mean(), abs=1e-9)
    stops = number(trips, "waitingCount").mean()  # SUMO also counts who stands from its departure on
    assert 0.98 * stops <= metrics["stops"] <= stops
    depart, delayed = number(trips, "depart"), number(trips, "departDelay")
    due = np.where(depart >= 0.0, depart, end) - delayed
    until = np.where(done, number(trips, "arrival"), end)
    assert metrics["travel_time"] == pytest.approx((until - due).mean(), abs=1e-9)
    # The step in which a vehicle leaves is no longer seen, so what SUMO counts of it is not in our delay.
    fastest = np.minimum(LIMIT * number(trips, "speedFactor"), np.where(is_truck(trips), 130 / 3.6, 200 / 3.6))
    last = np.where(done, 1.0 - number(trips, "arrivalSpeed") / fastest, 0.0)
    expected = number(trips, "timeLoss") + delayed - last
    assert expected.mean() - 0.005 <= metrics["delay"] <= (expected + last).mean() + 0.005  # SUMO's are rounded
    assert last.mean() < 0.1


def is_truck(trips):
    return np.array([trip["vType"] == "1" for trip in trips])


@pytest.mark.slow
def test_episodes_take_seeds_in_turn(tmp_path):
    arguments = (network_file(), route_file(tmp_path))
    both = evaluate(MaxPressure(), *arguments, seed=3, episodes=2, max_cycles=20)  # each in a new process
    second = evaluate(MaxPressure(), *arguments, seed=4, max_cycles=20)
    assert both.seeds == (3, 4)
    assert both.version.startswith("SUMO ")
    assert len(both.warnings) == 2
    assert all("Unsafe green phase" in line for lines in both.warnings for line in lines)  # the file's own
    for name, values in both.metrics.items():
        np.testing.assert_array_equal(values[1:], second.metrics[name], name)
    assert both.metrics["delay"][0] != both.metrics["delay"][1]


def test_who_passes_the_stop_line_is_counted_once():
    vec = vector_env(network="rilsa", demand="rilsa", demand_sets=1, reward_weights={"throughput": 1.0})
    network = rilsa().network
    lanes, behind = network.num_lanes, [network.road_index[name] for name in ("me", "mn", "ms", "mw")]
    try:
        paid = sum(float(reward.sum()) for _, reward, *_ in play(vec, RandomSignals(), 60))
        finished = vec.metrics()["throughput"][0]
        places = vec.arrays.vehicle[0, :, PLACE]
    finally:
        vec.close()
    on_lanes = network.lane_road[places[(places >= 0) & (places < lanes)]]
    inside = (places >= lanes + network.first_link[0]) & (places < lanes + network.first_link[1])
    assert network.junction_ids[0] == "0"
    assert paid == finished + np.isin(on_lanes, behind).sum() + inside.sum()
    assert paid > 100
