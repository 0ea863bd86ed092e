"""What may be chosen, what is refused, and which phases agents get."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from marl_envs import traffic_signals_v0
from marl_envs.core.params import ParameterError
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.rilsa import rilsa
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.phases import transitions

BAD = [
    ({"network": "crossing"}, "network must be one of"),
    ({"network": "missing/roadnet.json"}, "missing/roadnet.json"),
    (
        {"network": "town.xml"},
        r"network must be one of cross, .* or a file that ends in .json .* or .net.xml .*town.xml",
    ),
    ({"network": "x" * 300}, "network must be one of"),
    ({"network": "x" * 300 + ".json"}, "cannot be read"),
    ({"network": 3}, "network must be a name or a path, not 3"),
    ({"network": "roundabout"}, "roundabout.*no junction has two phases"),
    ({"demand": "many"}, "demand must be one of"),
    ({"demand": "uniform-300.5"}, r"demand must be one of uniform, .* rilsa, or a file that ends in .json .*300.5"),
    ({"demand": "x" * 300}, "demand must be one of"),
    ({"demand": "rilsa"}, r"that junction only \(network=\"rilsa\" of signals, .*\), not with 'cross'"),
    ({"demand": "uniform-99999", "max_cycles": 3600}, "about 255,997,440 vehicles; at most 20,000,000 are allowed"),
    ({"max_cycles": 2**31 - 1}, r"max_cycles, 2147483647, is too large.* at most 2,147,483,647 are allowed"),
    ({"demand": ()}, "demand must be a name or a path"),
    ({"demand": "missing.json"}, "missing.json: cannot be read"),
    ({"demand_sets": 0}, "demand_sets must be an integer from 1"),
    ({"dt": 0.0}, "dt must be a number from 0.001"),
    ({"dt": 20.0}, "dt must be a number from"),
    ({"decision_interval": 0.5}, "dt must be at most decision_interval"),
    ({"decision_interval": 7.5}, "decision_interval must be a multiple of dt"),
    ({"yellow": 2.5}, "yellow must be a multiple of dt, 1.0, not 2.5"),
    ({"yellow": -1.0}, "yellow must be a number from 0.0"),
    ({"all_red": np.nan}, "all_red must be a number"),
    ({"max_green": 10.0}, "max_green must be a number from 15.0"),
    ({"durations": (2.0,), "actions": "duration"}, "durations must be a number from 5.0"),
    ({"durations": (5.5,)}, "durations must be a multiple of dt"),
    ({"durations": ()}, "durations must be a list or tuple"),
    (
        {"durations": (5.0, 80.0), "max_green": 60.0, "actions": "duration"},
        "durations must be a number from 5.0 to 60.0",
    ),
    ({"actions": "choose"}, "actions must be one of 'phase', 'next', 'duration', 'fullest', not 'choose'"),
    ({"observation": "image"}, "observation must be one of"),
    ({"observation": "tabular", "neighbours": True}, "neighbours must be False"),
    ({"observation": "tabular_load", "neighbours": True}, 'neighbours must be False with observation="tabular_load"'),
    ({"observation": "tiles", "neighbours": True}, 'neighbours must be False with observation="tiles"'),
    ({"detector_range": 0.0}, "detector_range must be a number"),
    ({"reward": "sum"}, "reward must be one of 'individual', 'team', 'neighbours', not 'sum'"),
    ({"reward_weights": {}}, "reward_weights must be a dict"),
    ({"reward_weights": {"queues": 1.0}}, "reward_weights' terms must be one of .*'queue'.* not 'queues'"),
    ({"reward_weights": {"queue": "much"}}, r"reward_weights\['queue'\] must be a number"),
    ({"phases": "nine"}, "phases must be one of 'own', 'eight'"),
    ({"phases": "eight", "network": "tee"}, "eight"),
    ({"rng": "pcg"}, "rng must be one of 'splitmix', 'mt19937', not 'pcg'"),
    ({"capacity": 0}, "capacity must be an integer from 1"),
    ({"capacity": 10**9}, "capacity must be an integer from 1 to 1000000"),
    ({"warmup": 0.5}, "warmup must be a multiple of dt"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD, ids=lambda value: str(value)[:60])
def test_bad_values_are_refused(parameters, message):
    with pytest.raises(ParameterError, match=message):
        traffic_signals_v0.vector_env(1, **parameters)


def test_green_times_to_choose_from_matter_only_where_they_are_chosen():
    parameters = {"min_green": 20.0, "max_green": 30.0, "demand": "uniform"}
    assert traffic_signals_v0.vector_env(1, **parameters).num_agents == 1
    with pytest.raises(ParameterError, match="durations must be a number from 20"):
        traffic_signals_v0.vector_env(1, actions="duration", **parameters)


def test_drivers_take_the_emptiest_lane_in_sumos_networks():
    for network, choice, expected in (
        ("rilsa", "own", 1),
        ("cross", "own", 0),
        ("rilsa", "random", 0),
        ("cross", "emptiest", 1),
    ):
        env = traffic_signals_v0.vector_env(1, network=network, lane_choice=choice)
        assert env.simulation.settings.emptiest == expected


def test_sumos_networks_have_sumos_drivers():
    for network, law, parity, expected in (
        ("rilsa", "own", True, 1),
        ("rilsa", "own", False, 0),
        ("rilsa", "krauss", True, 0),
        ("cross", "own", True, 0),
    ):
        env = traffic_signals_v0.vector_env(1, network=network, car_following=law, parity=parity)
        assert env.simulation.settings.sumo == expected
    with pytest.raises(ParameterError, match='model "sumo" needs the right of way'):
        traffic_signals_v0.vector_env(1, network="cross", car_following="sumo")


def test_lists_are_as_good_as_tuples():
    params = traffic_signals_v0.Params(demand=["uniform-300", "peak-300"], durations=[5, 10])
    assert params.demand == ("uniform-300", "peak-300")
    assert params.durations == (5, 10)
    assert traffic_signals_v0.Params(demand=["peak"]).demand == "peak"


def test_several_demands_are_drawn_from():
    vec = traffic_signals_v0.vector_env(40, demand=["uniform-200", "peak-900"], demand_sets=3, max_cycles=20)
    vec.reset(seed=0)
    assert set(vec.arrays.demand.tolist()) == set(range(6))


@pytest.mark.parametrize(("warmup", "most"), [(0.0, 360), (60.0, 714)])
def test_episodes_cannot_be_made_longer_than_demand_was_drawn_for(warmup: float, most: int):
    vec = traffic_signals_v0.vector_env(1, max_cycles=360, warmup=warmup, demand_sets=1)
    vec.max_cycles = 3
    vec = pickle.loads(pickle.dumps(vec))
    vec.max_cycles = most
    with pytest.raises(ParameterError, match=f"max_cycles must be an integer from 1 to {most}.*, not {most + 1}"):
        vec.max_cycles = most + 1
    assert vec.max_cycles == vec.params.max_cycles == most


def test_sumos_routes_begin_at_the_full_hour_of_the_first_vehicle(tmp_path):
    routes = tmp_path / "town.rou.xml"
    trips = [("a", 25230, "W-J", "J-E"), ("b", 25240, "W-J", "W-J"), ("c", 25260, "S-J", "J-N")]
    lines = [f'<trip id="{name}" depart="{at}" from="{a}" to="{b}"/>' for name, at, a, b in trips]
    routes.write_text(f"<routes>{''.join(lines)}</routes>")
    vec = traffic_signals_v0.vector_env(1, demand=str(routes), decision_interval=30.0)
    vec.reset(seed=0)
    created = []
    for _ in range(4):
        vec.step(np.zeros((1, 1), np.int64))
        created.append(int(vec.metrics()["created"][0]))
    assert created == [0, 1, 2, 2]  # a at 30 s, c at 60 s; b stays on one edge


def test_full_roads_are_counted_where_capacity_is_reached():
    vec = traffic_signals_v0.vector_env(1, demand="uniform-900", capacity=5, max_cycles=30)
    vec.reset(seed=0)
    for _ in range(20):
        vec.step(np.zeros((1, 1), np.int64))
    metrics = vec.metrics()
    assert metrics["driving"] == 5
    assert metrics["refused_slots"] > 0


@pytest.mark.parametrize(
    ("green", "kinds", "expected"),
    [
        # hangzhou_1x1: phase 0 opens nothing
        ([[0, 0], [1, 0], [0, 1]], [STRAIGHT, TURN_LEFT], [True, False, False]),
        # hangzhou_4x4: phase 0 opens right turns, which all phases open
        ([[0, 0, 1], [1, 0, 1], [0, 1, 1]], [STRAIGHT, TURN_LEFT, TURN_RIGHT], [True, False, False]),
        # right turns that another phase opens, too
        ([[0, 0, 1], [1, 0, 1], [0, 1, 0]], [STRAIGHT, STRAIGHT, TURN_RIGHT], [True, False, False]),
        # a right turn that has a phase of its own
        ([[0, 0, 1], [1, 0, 0], [0, 1, 0]], [STRAIGHT, STRAIGHT, TURN_RIGHT], [False, False, False]),
        # no signal: one phase with all
        ([[1, 1]], [STRAIGHT, TURN_LEFT], [True]),
    ],
)
def test_which_phases_are_only_in_between(green, kinds, expected):
    assert transitions(np.array(green, bool), np.array(kinds, np.uint8)).tolist() == expected


@pytest.mark.parametrize("phases", ["own", "eight", "four", "two", "approaches", "maximal"])
def test_phases_in_between_are_shown_but_not_chosen(phases: str):
    network, (signal,) = network_of("cross", phases)
    first = network.first_phase[signal.junction]
    width = int(np.diff(network.first_road_link)[signal.junction])
    green = network.green[first : network.first_phase[signal.junction + 1], :width]
    chosen = green[list(signal.phases)]
    assert len(signal.phases) == {"own": 8, "eight": 8, "four": 4, "two": 2, "approaches": 4}.get(phases, len(chosen))
    assert (green[signal.yellow] <= chosen.all(axis=0)).all()
    assert not green[signal.red].any()
    assert not set(signal.phases) & {signal.yellow, signal.red}
    assert chosen.any(axis=0).all()  # every movement gets green


def test_sumos_programs_say_which_phases_may_be_chosen():
    pytest.importorskip("sumolib")
    town = rilsa()
    network, (signal,) = network_of("rilsa", "own")
    (junction,) = [j for j, chosen in enumerate(town.choices) if chosen]
    assert (signal.junction, signal.phases) == (junction, town.choices[junction])
    assert not any("y" in town.states[junction][p] for p in signal.phases)
    assert not network.green[network.first_phase[junction] + signal.yellow].any()
    vec = traffic_signals_v0.vector_env(2, network="rilsa", demand="rilsa", demand_sets=2)
    vec.reset(seed=0)
    for k in range(30):
        vec.step(np.full((2, 1), k // 6 % 2))
    assert (vec.metrics()["throughput"] > 20).all()


def test_signals_of_different_size_share_one_space():
    env = traffic_signals_v0.parallel_env(network="arterial-2-1-shared")
    obs, infos = env.reset(seed=0)
    assert len({env.observation_space(agent).shape for agent in env.agents}) == 1
    for agent in env.agents:
        assert env.observation_space(agent).contains(obs[agent])
        assert infos[agent]["action_mask"].any()
