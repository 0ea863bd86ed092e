"""Controllers: scores against a plain account, decisions in hand-made situations, Webster's formula."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.signals import controllers
from marl_envs.traffic.signals.controllers import (
    NEAR,
    NEAR_STANDING,
    PRESSURE,
    SOTL,
    STANDING,
    VEHICLES,
    Actuated,
    FixedTime,
    LongestQueue,
    MaxPressure,
    RandomSignals,
    Threshold,
)
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.webster import Webster, cycle_time, green_times, stages_of
from tests.traffic.signals.tracker import env_of, vehicles_of

ALL = (FixedTime(), FixedTime(None), MaxPressure(), LongestQueue(), Threshold(), SOTL(), Actuated(), Webster())


def phase_lanes(vec, a: int) -> list[set[int]]:
    """Return the lanes that each phase of signal `a` serves, without those that all serve."""
    found = [{i for i, _ in links} for links in phase_links(vec, a)]
    everywhere = {lane for lane in found[0] if all(lane in lanes for lanes in found)}
    return [lanes - everywhere for lanes in found]


def phase_links(vec, a: int) -> list[list[tuple[int, int]]]:
    """Return the lane links (from, to) that each phase of signal `a` opens."""
    network, signals = network_of(vec.params.network, vec.params.phases)
    j, first = signals[a].junction, network.first_road_link[signals[a].junction]
    links = range(network.first_link[j], network.first_link[j + 1])
    rows = [network.green[network.first_phase[j] + p] for p in signals[a].phases]
    ends = {k: (int(network.link_start[k]), int(network.link_end[k])) for k in links}
    return [[ends[k] for k in links if row[network.link_movement[k] - first]] for row in rows]


def test_scores_are_those_of_a_plain_account():
    vec = env_of(2, network="grid-1x2", demand="uniform-900", decision_interval=5.0)
    vec.reset(seed=0)
    rng = np.random.default_rng(0)
    nonzero = set()
    for t in range(60):
        vec.step(rng.integers(8, size=(2, 2)))
        if t % 10:
            continue
        for e in range(2):
            cars = vehicles_of(vec, e)
            tests = {
                STANDING: lambda v: v["speed"] < 0.1,
                NEAR: lambda v: v["rest"] <= 100,
                NEAR_STANDING: lambda v: v["rest"] <= 100 and v["speed"] < 0.1,
                VEHICLES: lambda v: True,
            }
            for a in range(2):
                for what, test in tests.items():
                    expected = [sum(v["place"] in lanes and test(v) for v in cars) for lanes in phase_lanes(vec, a)]
                    assert controllers.scores(vec, what)[e, a].tolist() == expected
                    nonzero |= {what} if any(expected) else set()
                on = [sum(v["place"] == d for v in cars) for d in range(len(vec.simulation.settings.room))]
                expected = [sum(on[i] - on[o] for i, o in links) for links in phase_links(vec, a)]
                assert controllers.scores(vec, PRESSURE)[e, a].tolist() == expected
    assert len(nonzero) == 4


@pytest.mark.parametrize("controller", [*ALL, RandomSignals()], ids=lambda c: type(c).__name__)
def test_no_controller_asks_for_what_is_forbidden(controller):
    vec = env_of(3, network="grid-1x2", decision_interval=5.0, max_cycles=120)
    obs, _ = vec.reset(seed=0)
    controller.reset(0)
    ended = 0
    for _ in range(150):
        obs, *_, info = vec.step(controller.act(vec, obs))
        if info["ended"].any():
            ended += 1
            assert not info["metrics"]["masked_actions"].any()
            assert (info["metrics"]["switches"] > 20).all()
    assert ended == 1


def test_better_controllers_are_better():
    delay = {}
    for controller in (RandomSignals(), FixedTime(), Threshold(), Actuated(), Webster(period=300.0)):
        vec = env_of(8, demand="uniform-500", decision_interval=5.0, max_cycles=360, detector_range=50.0)
        obs, _ = vec.reset(seed=0)
        for _ in range(360):
            obs, *_, info = vec.step(controller.act(vec, obs))
        delay[type(controller).__name__] = float(info["metrics"]["delay"].mean())
    assert delay["Threshold"] < delay["FixedTime"] < delay["RandomSignals"]
    assert delay["Actuated"] < delay["FixedTime"]
    assert delay["Webster"] < delay["FixedTime"]


def test_fixed_time_shows_each_phase_for_its_time():
    vec = env_of(decision_interval=5.0, yellow=5.0, max_cycles=10_000)
    _, (signal,) = network_of("cross", "own")
    vec.reset(seed=0)
    shown = []
    for _ in range(80):
        vec.step(FixedTime(20.0).act(vec, None))
        shown.append(int(vec.arrays.shown[0, signal.junction]))
    cycle = [x for p in [*signal.phases[1:], signal.phases[0]] for x in [signal.yellow, *[p] * 4]]
    assert shown == [signal.phases[0]] * 4 + (cycle * 3)[:76]


def test_fixed_time_of_the_networks_own_program():
    vec = env_of(decision_interval=5.0, yellow=5.0)
    network, (signal,) = network_of("cross", "own")
    times = [float(network.phase_time[network.first_phase[signal.junction] + p]) for p in signal.phases]
    assert len(set(times)) == 1
    same = env_of(decision_interval=5.0, yellow=5.0)
    vec.reset(seed=0)
    same.reset(seed=0)
    for _ in range(60):
        chosen = FixedTime(None).act(vec, None)
        assert (chosen == FixedTime(times[0]).act(same, None)).all()
        vec.step(chosen)
        same.step(chosen)


def situation(**lanes: int):
    """Return an environment, free to switch at phase 0, with so many vehicles near on a lane of each phase's own."""
    vec = env_of(min_green=0.0, demand="uniform-1")
    vec.reset(seed=0)
    rules = vec.simulation.settings
    for name, number in lanes.items():
        phase = int(name.removeprefix("phase"))
        lane = rules.in_lane[0, int(np.flatnonzero(rules.counted[0, phase])[0])]
        vec.arrays.near[0, lane] = vec.arrays.standing[0, lane] = number
    sums = controllers.scores(vec, NEAR)[0, 0]
    other = max(range(1, 8), key=lambda p: (sums[p], -p))
    vec.arrays.fullest[0, 0] = other
    return vec, other


@pytest.mark.parametrize(
    ("here", "there", "switches"),
    [(0, 1, True), (2, 3, True), (3, 4, False), (4, 12, False), (4, 13, True), (5, 0, False)],
)
def test_the_threshold_rule_in_hand_made_situations(here: int, there: int, switches: bool):
    vec, other = situation(phase0=here, phase1=there)
    chosen = int(Threshold().act(vec, None)[0, 0])
    assert chosen == (other if switches else 0)


@pytest.mark.parametrize(
    ("green", "red", "switches"),
    [(3, 7, True), (3, 6, False), (4, 20, False), (0, 7, True), (0, 1, True), (0, 0, False)],
)
def test_self_organising_lights_in_hand_made_situations(green: int, red: int, switches: bool):
    vec, _ = situation(phase0=green, phase1=red)
    assert SOTL().act(vec, None)[0, 0] == (1 if switches else 0)


def test_gap_out_in_hand_made_situations():
    vec, _ = situation(phase0=1, phase1=4)
    assert Actuated().act(vec, None)[0, 0] == 0  # somebody comes
    vec.arrays.green[0, 0] = 50
    assert Actuated().act(vec, None)[0, 0] == 1  # but for long enough
    vec, _ = situation(phase0=0, phase1=4)
    assert Actuated().act(vec, None)[0, 0] == 1
    vec, _ = situation()
    assert Actuated().act(vec, None)[0, 0] == 0  # nobody anywhere


def test_ties_go_to_the_first_phase():
    vec, _ = situation()
    assert LongestQueue().act(vec, None)[0, 0] == 0
    assert MaxPressure().act(vec, None)[0, 0] == 0


def test_websters_formula():
    ratios = np.array([500, 300]) / 1600
    assert cycle_time(ratios, 16.0) == pytest.approx(58.0)
    np.testing.assert_allclose(green_times(ratios, 58.0, 16.0), [26.25, 15.75])
    np.testing.assert_allclose(green_times(np.zeros(2), 58.0, 16.0), [21.0, 21.0])
    assert cycle_time(np.array([0.6, 0.6]), 10.0) == pytest.approx(20.0 / 0.05)


def test_stages_serve_every_lane_once():
    counted = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], np.uint8)
    stages, lanes = stages_of(counted)
    assert stages == [0, 2, 3]
    np.testing.assert_array_equal(lanes, np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], bool))


def test_webster_gives_busy_approaches_more_green():
    vec = env_of(yellow=5.0)
    vec.reset(seed=0)
    policy = Webster(period=100.0)
    policy.act(vec, None)
    rules = vec.simulation.settings
    stages, lanes = stages_of(rules.counted[0])
    equal = policy._greens[0, 0, stages]
    assert np.ptp(equal) == 0
    vec.arrays.step[0] = 200
    busy = rules.in_lane[0][lanes[1]]
    vec.arrays.passed[0, busy] = 30  # 540 vehicles an hour
    vec.arrays.passed[0, rules.in_lane[0][lanes[0]]] = 10
    policy.act(vec, None)
    greens = policy._greens[0, 0, stages]
    assert greens[1] == pytest.approx(3 * greens[0], rel=0.05) or greens[1] > 2 * greens[0]
    assert greens.argmax() == 1


def test_controllers_say_which_actions_they_need():
    vec = env_of(actions="duration")
    vec.reset(seed=0)
    for controller in ALL:
        with pytest.raises(ParameterError, match=r"this controller needs actions='phase'.*not 'duration'"):
            controller.act(vec, None)
    with pytest.raises(ParameterError, match="green"):
        FixedTime(-1.0)
    with pytest.raises(ParameterError, match="longest"):
        Webster(shortest=40.0, longest=30.0)


@pytest.mark.parametrize("actions", ["phase", "next", "duration", "fullest"])
def test_random_signals_use_all_that_is_allowed(actions: str):
    vec = env_of(4, actions=actions, decision_interval=5.0)
    obs, info = vec.reset(seed=0)
    policy, used = RandomSignals(3), set()
    for _ in range(60):
        chosen = policy.act(vec, obs)
        assert np.take_along_axis(info["action_mask"], chosen[..., None], -1).all()
        used |= set(chosen.ravel().tolist())
        obs, *_, info = vec.step(chosen)
    assert used == set(range(vec.action_space.n))


@pytest.mark.parametrize("policy", ALL, ids=lambda policy: type(policy).__name__)
@pytest.mark.parametrize("actions", ["phase", "next", "fullest"])
def test_no_controller_asks_for_what_the_mask_forbids(policy, actions: str):
    vec = env_of(2, network="grid-1x2", demand="uniform-500", max_green=20.0, actions=actions)
    obs, info = vec.reset(seed=0)
    policy.reset(0)
    for _ in range(60):
        try:
            chosen = policy.act(vec, obs)
        except ParameterError:
            assert actions != "phase"
            return
        assert np.take_along_axis(info["action_mask"], chosen[..., None], -1).all()
        obs, *_, info = vec.step(chosen)
    assert not vec.metrics()["masked_actions"].any()
    assert vec.metrics()["switches"].all()
