"""Batteries of the shelves task: every level and every counter once more in plain Python, death, and who is sent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import warehouse_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.battery import BATTERY_METRICS
from marl_envs.warehouse.counting import WINDOWS
from marl_envs.warehouse.energy import Drain
from marl_envs.warehouse.equipped import floor_of
from marl_envs.warehouse.pibt import PIBTPolicy
from marl_envs.warehouse.planner import GreedyPolicy
from marl_envs.warehouse.types import CHARGE, IDLE
from tests.warehouse.arrange import play
from tests.warehouse.batteries import Ledger, check_ways, drains
from tests.warehouse.oracle import picture
from tests.warehouse.test_invariants import Player

compiled = pytest.mark.skipif(not ENABLED, reason="takes minutes without compiled kernels")
few = settings(max_examples=20 if ENABLED else 4, deadline=None)
STEPS = 80 if ENABLED else 12
FLOORS = ["5x5", "6x8", "x.g\nxc.\n...", "xc.c\nxx.g\n....\nc..x", "tiny"]


@st.composite
def warehouses(draw):
    layout = draw(st.sampled_from(FLOORS))
    vec = warehouse_v0.vector_env(
        1,
        layout=layout,
        num_robots=draw(st.integers(1, 5)),
        request_queue_size=1,
        observation=draw(st.sampled_from(["flattened", "goal", "tabular", "image"])),
        message_bits=draw(st.integers(0, 1)),
        battery=draw(st.integers(1, 90)),
        drain=draw(drains()),
        charge_rate=draw(st.integers(1, 30)),
        reserve=draw(st.integers(0, 1)),
        chargers=None if "\n" in layout else draw(st.sampled_from([None, 0, 1])),
    )
    vec.reset(seed=draw(st.integers(0, 2**32)))
    return vec


@few
@given(warehouses(), st.integers(0, 2**32))
def test_levels_and_metrics_are_what_the_rule_says(vec, seed):
    player, chargers = Player(seed), set(floor_of(vec.params).cells("c"))
    ledger = Ledger(vec, chargers)
    for _ in range(STEPS):
        before, dead = picture(vec), ledger.dead
        actions = player.act(vec)
        masked = vec.arrays.tally[0, :, 9].copy()
        vec.step(actions)
        after = picture(vec)
        kinds = []
        for a in range(vec.num_agents):
            moved, turned = after.cells[a] != before.cells[a], after.headings[a] != before.headings[a]
            kind = "toggle" if after.loads[a] != before.loads[a] else "turn" if turned else "wait"
            kinds.append(("laden" if after.loads[a] >= 0 else "move") if moved else kind)
            if a in dead:
                assert kinds[a] == "wait"
                assert vec.arrays.tally[0, a, 9] - masked[a] == (actions[0, a] != 0)
                assert vec.arrays.message[0, a] == 0
                assert vec.arrays.phase[0, a] == IDLE
                assert vec.action_mask[0, a].tolist() == [1] + [0] * (int(vec.action_space.n) - 1)
        ledger.add(kinds, after.cells)
        ledger.check()


def test_a_dead_robot_blocks_its_cell():
    """Robot 0 reaches the middle with its last unit; robot 1, which could wait for free, does not get past it."""
    vec = warehouse_v0.vector_env(
        1, layout="xx.\n...\ng..", num_robots=2, request_queue_size=1, battery=3, drain=(0, 0, 1, 0, 1), chargers=0
    )
    vec.reset(seed=0)
    settings, state = vec.simulation.settings, vec.arrays
    state.robot_at[0, state.pos[0]] = -1
    for a, cell in enumerate((3, 5)):  # the middle row, facing each other
        state.pos[0, a] = settings.inside[cell]
        state.robot_at[0, state.pos[0, a]] = a
    state.heading[0] = 3, 2
    state.level[0, 0] = 1
    play(vec, "F-")
    assert state.level[0].tolist() == [0, 3]
    middle = state.pos[0, 0]
    for _ in range(5):
        play(vec, "FF")
        assert state.pos[0, 0] == middle
        assert state.pos[0, 1] != middle
    assert vec.metrics()["refused_blocked"] == 5
    assert vec.metrics()["dead_robots"] == vec.metrics()["first_death"] == 1
    assert vec.metrics()["masked_actions"] == 5


def test_charging_stops_at_the_capacity_and_saves_who_arrives_with_nothing():
    vec = warehouse_v0.vector_env(
        1, layout="xx\ncg", num_robots=1, request_queue_size=1, battery=10, charge_rate=4, drain=(1, 1, 2, 1, 3)
    )
    vec.reset(seed=0)
    settings, state = vec.simulation.settings, vec.arrays
    state.robot_at[0, state.pos[0, 0]] = -1
    state.pos[0, 0], state.heading[0, 0], state.level[0, 0] = settings.inside[3], 2, 2
    state.robot_at[0, state.pos[0, 0]] = 0
    levels = []
    for move in "F----R":
        play(vec, move)
        levels.append(int(state.level[0, 0]))
    assert levels == [4, 7, 10, 10, 10, 10]
    assert vec.metrics()["charging_fraction"] == 1
    assert vec.metrics()["energy_used"] == 7
    assert vec.metrics()["lowest_battery"] == 4


def test_without_a_battery_nothing_is_different():
    """A battery that never runs low changes no place, reward or draw, and what is seen only at the end."""
    for observation, extra in (("flattened", 1), ("goal", 2), ("image", 0), ("tabular", 0)):
        plain = warehouse_v0.vector_env(3, num_robots=4, observation=observation, max_cycles=50)
        other = warehouse_v0.vector_env(
            3, num_robots=4, observation=observation, max_cycles=50, battery=2**20, reserve=0
        )
        seen, _ = plain.reset(seed=1)
        shown, _ = other.reset(seed=1)
        for k in range(120):
            np.testing.assert_array_equal(seen, shown[..., : shown.shape[-1] - extra] if extra else shown)
            actions = np.random.default_rng(k).integers(0, 5, (3, 4))
            seen, reward, *_ = plain.step(actions)
            shown, same, *_ = other.step(actions)
            np.testing.assert_array_equal(reward, same)
        for name in ("pos", "heading", "load", "queue", "rng", "tally", "phase", "target"):
            np.testing.assert_array_equal(getattr(plain.arrays, name), getattr(other.arrays, name))
        assert not {*map(str, plain.arrays.level.ravel())}
        assert all(np.isnan(plain.metrics()[name]).all() for name in BATTERY_METRICS)


def run(policy, layout, robots, envs, steps, **parameters):
    vec = warehouse_v0.vector_env(envs, layout=layout, num_robots=robots, max_cycles=steps + 1, **parameters)
    obs, _ = vec.reset(seed=4)
    for _ in range(steps):
        obs, *_ = vec.step(policy.act(vec, obs))
    return vec, vec.metrics()


@compiled
@pytest.mark.parametrize(("layout", "robots"), [("5x5", 2), ("tiny", 4), ("small", 4)])
def test_guidance_keeps_everybody_alive(layout, robots):
    plain = run(PIBTPolicy(), layout, robots, 40, 500)[1]["deliveries"].mean()
    _, kept = run(PIBTPolicy(), layout, robots, 40, 500, battery=400)
    _, lost = run(PIBTPolicy(), layout, robots, 40, 500, battery=400, chargers=0)
    assert (kept["dead_robots"] == 0).all()
    assert (lost["dead_robots"] == robots).all()
    assert 0.7 * plain < kept["deliveries"].mean() < plain
    assert lost["deliveries"].mean() < 0.5 * plain


@compiled
def test_a_greedy_robot_charges_and_goes_back_to_work():
    _, metrics = run(GreedyPolicy(), "tiny", 1, 20, 500, battery=300)
    assert (metrics["dead_robots"] == 0).all()
    assert (metrics["charging_fraction"] > 0.05).all()
    assert metrics["deliveries"].min() > 8


@few
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_no_two_robots_are_sent_to_one_charging_cell(seed, chargers):
    vec = warehouse_v0.vector_env(2, layout="8x9", num_robots=6, battery=120, chargers=chargers, max_cycles=200)
    obs, _ = vec.reset(seed=seed)
    policy, state = PIBTPolicy(seed % 1000), vec.arrays
    vec.require_guidance()
    for _ in range(STEPS):
        obs, *_ = vec.step(policy.act(vec, obs))
        for e in range(2):
            cells = state.charger[e][state.charger[e] > 0]
            assert len(set(cells.tolist())) == len(cells)
            assert state.booked[e].sum() == len(cells)
            sent = state.sent[e] > 0
            assert not state.charger[e][~sent].any()
            assert (state.phase[e] == CHARGE).tolist() == sent.tolist()
            assert state.target[e][sent].tolist() == state.charger[e][sent].tolist()


def test_observations_say_how_full_the_battery_is():
    battery = {"layout": "5x5", "battery": 8, "drain": (1, 1, 1, 1, 1), "reserve": 8, "chargers": 1}
    for observation, level_at in (("flattened", -1), ("goal", -2)):
        vec = warehouse_v0.vector_env(1, observation=observation, **battery)
        obs, _ = vec.reset(seed=0)
        assert (obs[0, :, level_at] == 1).all()
        obs, *_ = vec.step(np.zeros((1, 2), int))
        charging = [int(cell) in vec.simulation.settings.chargers for cell in vec.arrays.pos[0]]
        assert obs[0, :, level_at].tolist() == [1.0 if on else 0.875 for on in charging]
    assert obs[0, :, -1].tolist() == [0.0 if on else 1.0 for on in charging]
    assert (vec.state()[0, -2:] == obs[0, :, -2]).all()
    vec = warehouse_v0.vector_env(1, observation="tabular", **battery)
    vec.reset(seed=0)
    labels, *_ = vec.step(np.zeros((1, 2), int))
    assert (labels[0] // (8 * 2 * 97) == vec.arrays.phase[0]).all()
    assert CHARGE in vec.arrays.phase[0]
    assert vec.observation_space.n == 5 * 8 * 2 * 97


def test_the_image_shows_charging_cells():
    layers = ("goals", "chargers", "accessible")
    vec = warehouse_v0.vector_env(
        1,
        layout="xxc\n..g\ncx.",
        num_robots=1,
        battery=9,
        image_rotated=False,
        observation="image",
        image_layers=layers,
    )
    vec.reset(seed=0)
    settings, state = vec.simulation.settings, vec.arrays
    state.robot_at[0, state.pos[0, 0]] = -1
    state.pos[0, 0] = settings.inside[4]
    state.robot_at[0, state.pos[0, 0]] = 0
    obs, *_ = vec.step(np.zeros((1, 1), int))
    assert obs.reshape(3, 3, 3)[1].tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert obs.reshape(3, 3, 3)[0].tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("robots", [1, 4, 9])
@pytest.mark.parametrize("layout", ["5x5", "9x12", "tiny", "small", "medium", "large"])
def test_charging_cells_cut_off_no_way(layout, robots):
    rows = floor_of(
        warehouse_v0.vector_env(1, layout=layout, request_queue_size=1, num_robots=robots, battery=9).params
    ).rows
    plain = floor_of(warehouse_v0.vector_env(1, layout=layout).params).rows
    assert tuple(row.replace("c", ".") for row in rows) == plain
    assert 1 <= "".join(rows).count("c") <= (robots + 1) // 2
    check_ways(rows, ".g", "c")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"battery": 0}, "battery must be an integer from 1"),
        ({"battery": 2.5}, "battery must be an integer"),
        ({"battery": True}, "battery must be an integer"),
        ({"chargers": 2}, "chargers=2 needs a battery"),
        ({"battery": 10, "chargers": -1}, "chargers must be an integer at least 0"),
        ({"battery": 10, "chargers": 50}, "the floor has room for 4 charging cells that cut off no way, not for 50"),
        ({"battery": 10, "layout": "xxc\n..g", "chargers": 1}, "chargers must be None, as the floor has 1 drawn ('c')"),
        ({"battery": 10, "layout": "xx\n.g"}, "room for 0 charging cells that cut off no way"),
        ({"battery": 10, "reserve": 11}, "reserve must be an integer from 0 to 10 (the battery holds 10)"),
        ({"battery": 10, "charge_rate": 0}, "charge_rate must be an integer"),
        ({"drain": (1, 2, 3)}, "drain must be 5 integers (wait, turn, move, toggle, laden), not (1, 2, 3)"),
        ({"drain": (1, 2, -3, 1, 1)}, "drain (move) must be an integer from 0"),
        ({"drain": 3}, "drain must be 5 integers"),
        ({"image_layers": ("chargers",)}, '"chargers" needs a battery'),
    ],
)
def test_bad_parameters_of_batteries_are_named(parameters, message):
    with pytest.raises(ParameterError) as caught:
        warehouse_v0.vector_env(1, **{"layout": "5x5", "num_robots": 1, **parameters})
    assert message in str(caught.value)


def test_drain_survives_json():
    params = warehouse_v0.vector_env(1, battery=100, drain=[1, 2, 3, 4, 5]).params
    assert params.drain == Drain(wait=1, turn=2, move=3, toggle=4, laden=5)
    again = warehouse_v0.vector_env(1, **warehouse_v0.vector_env(1, battery=100).fingerprint["params"])
    assert again.params.drain == Drain()


def test_going_to_charge_is_no_livelock():
    """A robot on its target that is sent to a charging cell far away comes nearer to that."""
    vec = warehouse_v0.vector_env(
        1,
        layout=f"xg{44 * '.'}c\nx{46 * '.'}",
        num_robots=1,
        request_queue_size=0,
        battery=400,
        drain=(0, 0, 1, 0, 1),
    )
    vec.require_guidance()
    vec.reset(seed=0)
    settings, state = vec.simulation.settings, vec.arrays
    state.robot_at[0, state.pos[0]] = -1
    state.pos[0, 0], state.heading[0, 0] = settings.inside[0], 3
    state.robot_at[0, state.pos[0, 0]] = 0
    play(vec, "T")  # it has a shelf, and is to put it back where it stands
    for _ in range(19):
        play(vec, "-")
    state.level[0, 0] = 100
    for _ in range(20):
        play(vec, "F")
    assert state.sent[0, 0]
    assert state.record[0, WINDOWS] == 2
    assert vec.metrics()["livelock_fraction"] == 0
    for _ in range(20):
        play(vec, "LR"[vec.arrays.step[0] % 2])
    assert state.record[0, WINDOWS] == 3
    assert vec.metrics()["livelock_fraction"] == 1 / 3  # it turns to and fro
