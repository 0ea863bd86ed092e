"""Parameters, layouts and phases of vehicles and signals together."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs import intersection_v0, traffic_signals_v0, traffic_v0
from marl_envs.core.params import ParameterError
from marl_envs.traffic.both.env import arranged
from marl_envs.traffic.plans import TURN_RIGHT


def test_either_kind_alone_is_the_environment_that_there_was():
    alone = traffic_v0.parallel_env(agents="vehicles", layout="tee", num_vehicles=3)
    assert alone.fingerprint == intersection_v0.parallel_env(layout="tee", num_vehicles=3).fingerprint
    vec = traffic_v0.vector_env(2, agents="signals", network="cross")
    assert vec.fingerprint == traffic_signals_v0.vector_env(2, network="cross").fingerprint
    with pytest.raises(ParameterError, match="agents must be one of 'both', 'vehicles', 'signals', not 'all'"):
        traffic_v0.parallel_env(agents="all")


def test_phases_are_those_of_the_layout():
    params = traffic_v0.Params(layout="grid-2x2-turns").of_vehicles()
    network, signals = arranged(params)
    assert len(signals) == 4
    assert {len(signal.phases) for signal in signals} == {4}
    for signal in signals:
        first = network.first_phase[signal.junction]
        assert not network.green[first + signal.red].any()
        assert all(network.green[first + phase].any() for phase in signal.phases)


@pytest.mark.parametrize(
    ("layout", "shared"), [("cross", True), ("tee", True), ("cross-2", False), ("cross-turns", False)]
)
def test_right_turns_from_shared_lanes_go_with_their_lane(layout, shared):
    network, (signal,) = arranged(traffic_v0.Params(layout=layout).of_vehicles())
    links = range(network.first_link[signal.junction], network.first_link[signal.junction + 1])
    first, moves = network.first_phase[signal.junction], network.first_road_link[signal.junction]
    for phase in signal.phases:
        row = network.green[first + phase]
        opened = {k for k in links if row[network.link_movement[k] - moves]}
        right = {k for k in links if network.road_link_kind[network.link_movement[k]] == TURN_RIGHT}
        lanes = {int(network.link_start[k]) for k in opened - right}
        with_others = {
            k for k in right if any(network.link_start[k] == network.link_start[o] for o in set(links) - right)
        }
        if shared:
            assert with_others == right
        assert {k for k in with_others if int(network.link_start[k]) in lanes} == opened & with_others
        assert right - with_others <= opened


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"layout": "roundabout"}, "layout 'roundabout' has no signals: no junction has two phases to choose from"),
        ({"layout": "crossing"}, "layout must be one of cross, tee"),
        ({"signal_interval": 0.25}, "signal_interval must be a number from 0.5 to"),
        ({"signal_interval": 1.2}, "signal_interval must be a multiple of decision_interval, 0.5, not 1.2"),
        ({"yellow": 0.3}, "yellow must be a multiple of dt, 0.25, not 0.3"),
        ({"max_green": 9.0}, "max_green must be a number from 10.0 to"),
        ({"min_green": -1.0}, "min_green must be a number from 0.0"),
        ({"observation": "image"}, "observation must be one of 'features', 'tabular'"),
        ({"signal_actions": "duration"}, "signal_actions must be one of 'phase', 'next', 'fullest'"),
        ({"signal_observation": "tabular"}, "signal_observation must be one of"),
        ({"reward": "neighbours"}, "reward must be one of 'individual', 'team'"),
        ({"reward_weights": {"signal_queue": 1.0}}, "reward_weights' terms must be one of"),
        ({"signal_weights": {}}, "signal_weights must be a dict from reward term to weight"),
        ({"signal_weights": {"queue": np.nan}}, "signal_weights.'queue'. must be a number"),
        ({"num_vehicles": 0}, "num_vehicles must be an integer from 1"),
        ({"arrivals": "never"}, "arrivals must be one of 'once', 'flow'"),
        ({"route_choice": True}, "unknown parameter 'route_choice'"),
        ({"turns": (1.0, 1.0)}, "turns must be the shares"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ParameterError, match=message):
        traffic_v0.vector_env(1, **parameters)
