"""Batteries of errands: levels and counters once more in plain Python, goals of who is sent to charge, and planners."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.battery import BATTERY_METRICS
from marl_envs.warehouse.errands.equipped import floor_of
from marl_envs.warehouse.errands.pibt import PIBTPolicy
from marl_envs.warehouse.errands.pibt_rotate import RotatingPIBTPolicy
from marl_envs.warehouse.errands.types import MASKED, TASKS
from tests.warehouse.batteries import Ledger, check_ways, drains
from tests.warehouse.errands import planning
from tests.warehouse.errands.plain import expected, place, places, search, write_problem

compiled = pytest.mark.skipif(not ENABLED, reason="takes minutes without compiled kernels")
few = settings(max_examples=20 if ENABLED else 4, deadline=None)
STEPS = 60 if ENABLED else 12
FLOORS = ["empty-4x5", "random-6x6-20-1", "aisles-1x1x2", "C..\n.@.\n..C", ".C.\n..."]
PLANNERS = {"compass": PIBTPolicy, "rotate": RotatingPIBTPolicy}


@st.composite
def crowds(draw, /, moves=("compass", "rotate"), collisions=("resolve", "all_wait", "block"), **fixed):
    floor = draw(st.sampled_from(FLOORS))
    parameters = {
        "num_robots": draw(st.integers(1, 4)),
        "battery": draw(st.integers(1, 60)),
        "charge_rate": draw(st.integers(1, 20)),
        "reserve": draw(st.integers(0, 1)),
        "drain": draw(drains()),
        "chargers": None if "\n" in floor else draw(st.sampled_from([None, 0, 1])),
        "observation": draw(st.sampled_from(["goal", "tabular", "image"])),
        **fixed,
    }
    kinds = {"moves": draw(st.sampled_from(moves)), "collision": draw(st.sampled_from(collisions))}
    vec = errands_v0.vector_env(1, floor=floor, goals="anywhere", **kinds, **parameters)
    vec.reset(seed=draw(st.integers(0, 2**32)))
    return vec


@few
@given(crowds(), st.integers(0, 2**32))
def test_levels_and_metrics_are_what_the_rule_says(vec, seed):
    rows, rng = floor_of(vec.params).rows, np.random.default_rng(seed)
    ledger = Ledger(vec, set(floor_of(vec.params).cells("C")))
    for _ in range(STEPS):
        actions = rng.integers(0, int(vec.action_space.n), (1, vec.num_agents))
        done = [0 if a in ledger.dead else int(action) for a, action in enumerate(actions[0])]
        after, headings, did = expected(vec, rows, done)
        masked = vec.arrays.tally[0, :, MASKED].copy()
        vec.step(actions)
        assert places(vec) == after
        assert vec.arrays.heading[0].tolist() == headings
        for a in ledger.dead:
            assert did[a] == "waited"
            assert vec.arrays.tally[0, a, MASKED] - masked[a] == (actions[0, a] != 0)
            assert vec.action_mask[0, a].tolist() == [1] + [0] * (int(vec.action_space.n) - 1)
            assert vec.arrays.goal[0, a] == 0
        kinds = {"moved": "move", "turned": "turn"}
        ledger.add([kinds.get(deed, "wait") for deed in did], after)
        ledger.check()


@few
@given(crowds(chargers=None, battery=25, reserve=3, observation="goal"), st.integers(0, 2**32))
def test_who_is_sent_to_charge_heads_there_and_then_back_to_its_errand(vec, seed):
    """The errand's cell is kept meanwhile; an errand counts wherever its robot is sent."""
    rng, state = np.random.default_rng(seed), vec.arrays
    rows = floor_of(vec.params).rows
    chargers = {place(vec, cell) for cell in vec.simulation.settings.chargers}
    errands = state.goal[0].copy()
    for _ in range(STEPS):
        done = state.tally[0, :, TASKS].copy()
        obs, *_ = vec.step(rng.integers(0, int(vec.action_space.n), (1, vec.num_agents)))
        fresh = state.tally[0, :, TASKS] > done
        for a in range(vec.num_agents):
            assert obs[0, a, -1] == state.sent[0, a]
            assert obs[0, a, -2] == np.float32(state.level[0, a] / 25)
            goal = state.errand_goal[0, a] if state.sent[0, a] else state.goal[0, a]
            if state.level[0, a]:
                assert fresh[a] or goal == errands[a]
                errands[a] = goal
            assert place(vec, errands[a]) not in chargers
            if state.sent[0, a]:
                assert state.goal[0, a] == state.charger[0, a]
            if fresh[a] and state.level[0, a]:
                assert state.shortest[0, a] == search(rows, place(vec, goal)).get(places(vec)[a], 0)
        sent_to = state.charger[0][state.charger[0] > 0].tolist()
        assert len(set(sent_to)) == len(sent_to)


@few
@given(crowds(moves=["compass"], collisions=["resolve"]), st.integers(0, 100))
def test_pibt_drives_around_the_dead(vec, seed):
    check_planner(vec, PIBTPolicy(seed))


@few
@given(crowds(moves=["rotate"], collisions=["resolve"]), st.integers(0, 100))
def test_pibt_with_turns_drives_around_the_dead(vec, seed):
    check_planner(vec, RotatingPIBTPolicy(seed))


def check_planner(vec, policy):
    for _ in range(STEPS):
        planning.step(vec, policy.act(vec, None))
    assert planning.refused(vec) == 0
    assert vec.metrics()["masked_actions"] == 0


def run(moves, robots, steps, **parameters):
    vec = errands_v0.vector_env(10, num_robots=robots, moves=moves, max_cycles=steps + 1, **parameters)
    obs, _ = vec.reset(seed=4)
    policy = PLANNERS[moves]()
    for _ in range(steps):
        obs, *_ = vec.step(policy.act(vec, obs))
    return vec.metrics()


@compiled
@pytest.mark.parametrize("moves", ["compass", "rotate"])
@pytest.mark.parametrize("robots", [8, 24])
def test_being_sent_to_charge_keeps_everybody_alive(moves, robots):
    plain = run(moves, robots, 600)["tasks"].mean()
    kept = run(moves, robots, 600, battery=500)
    lost = run(moves, robots, 600, battery=500, chargers=0)
    assert (kept["dead_robots"] == 0).all()
    assert (kept["charging_fraction"] > 0.04).all()
    assert (lost["dead_robots"] == robots).all()
    assert 0.7 * plain < kept["tasks"].mean() < plain
    assert lost["tasks"].mean() < 0.6 * plain


def test_without_a_battery_nothing_is_different():
    """A battery that never runs low changes no place, reward or draw, and what is seen only at the end."""
    for observation, extra in (("goal", 2), ("image", 0), ("tabular", 0)):
        fixed = {"observation": observation, "goals": "sides", "shaping": 0.5, "max_cycles": 50}
        plain, other = errands_v0.vector_env(2, **fixed), errands_v0.vector_env(2, battery=2**20, reserve=0, **fixed)
        seen, _ = plain.reset(seed=1)
        shown, _ = other.reset(seed=1)
        for k in range(120):
            np.testing.assert_array_equal(seen, shown[..., : shown.shape[-1] - extra] if extra else shown)
            actions = np.random.default_rng(k).integers(0, 5, (2, 8))
            seen, reward, *_ = plain.step(actions)
            shown, same, *_ = other.step(actions)
            np.testing.assert_array_equal(reward, same)
        assert all(np.isnan(plain.metrics()[name]).all() for name in BATTERY_METRICS)


def test_tabular_labels_tell_who_charges():
    for moves, labels in (("compass", 1024), ("rotate", 3104)):
        vec = errands_v0.vector_env(1, observation="tabular", moves=moves, battery=300, max_cycles=900)
        assert vec.observation_space.n == 2 * labels
        label, _ = vec.reset(seed=0)
        policy, both = PLANNERS[moves](), set()
        for _ in range(250):
            label, *_ = vec.step(policy.act(vec, label))
            assert (label[0] // labels == vec.arrays.sent[0]).all()
            both |= set(vec.arrays.sent[0].tolist())
        assert both == {0, 1}


def test_the_image_shows_charging_cells():
    layers = ("obstacles", "chargers")
    floor = "..C\n.@.\nC.."
    vec = errands_v0.vector_env(
        1, floor=floor, num_robots=1, goals="anywhere", battery=9, observation="image", image_layers=layers
    )
    obs, _ = vec.reset(seed=0)
    row, col = places(vec)[0]
    picture = obs.reshape(2, 5, 5)[1]
    shown = {(row + r - 2, col + c - 2) for r, c in np.argwhere(picture).tolist()}
    seen = {cell for cell in ((0, 2), (2, 0)) if max(abs(cell[0] - row), abs(cell[1] - col)) <= 2}
    assert shown == seen


def test_tables_of_charging_cells_stay_when_memory_is_short():
    """A copy, too, has them; with room for one more table than charging cells, the tables of goals take turns."""
    floor = "empty-6x6"
    cells = errands_v0.vector_env(1, floor=floor, goals="anywhere", num_robots=1).simulation.settings.kind.size
    with pytest.raises(ParameterError, match=rf"at least {2 * cells * 3}, for 3 tables .* \(2 for charging cells\)"):
        errands_v0.vector_env(1, floor=floor, goals="anywhere", num_robots=3, battery=60, distance_bytes=4 * cells)
    vec = errands_v0.vector_env(
        1, floor=floor, goals="anywhere", num_robots=1, battery=60, chargers=2, distance_bytes=6 * cells
    )
    vec.reset(seed=0)
    policy = PIBTPolicy()
    for _ in range(100):
        vec.step(policy.act(vec, None))
    twin, again = pickle.loads(pickle.dumps(vec)), PIBTPolicy()
    policy = PIBTPolicy()
    for _ in range(150):
        np.testing.assert_array_equal(vec.step(policy.act(vec, None))[0], twin.step(again.act(twin, None))[0])
    assert vec.metrics()["dead_robots"] == 0
    assert vec.metrics()["charging_fraction"] > 0


def test_problem_files_get_charging_cells_beside_their_tasks(tmp_path):
    rows = ("....", "....", "....", "....")
    path = write_problem(tmp_path, rows, [5, 6], [[15], [5], [3], [10]])
    vec = errands_v0.vector_env(1, problem=path, battery=200, moves="rotate", max_cycles=1000)
    assert floor_of(vec.params).rows[3][0] == "C"  # the corner farthest from all tasks
    vec.reset(seed=0)
    policy = RotatingPIBTPolicy()
    for _ in range(600):
        vec.step(policy.act(vec, None))
    assert vec.metrics()["dead_robots"] == 0
    assert vec.metrics()["tasks"] > 50


@pytest.mark.parametrize("floor", ["aisles-2x3", "kiva", "storage-20x30", "random-16x16-20-1", "empty-5x5"])
def test_charging_cells_cut_off_no_way(floor):
    for robots in (1, 6, 15):
        rows = floor_of(
            errands_v0.vector_env(1, floor=floor, goals="anywhere", num_robots=robots, battery=9).params
        ).rows
        plain = floor_of(errands_v0.vector_env(1, floor=floor, goals="anywhere").params).rows
        assert tuple(row.replace("C", ".") for row in rows) == plain
        assert 1 <= "".join(rows).count("C") <= (robots + 1) // 2
        check_ways(rows, ".ES", "C")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"battery": -1}, "battery must be an integer from 1"),
        ({"chargers": 1}, "chargers=1 needs a battery"),
        ({"battery": 9, "chargers": 99}, "room for 8 charging cells that cut off no way, not for 99"),
        ({"battery": 9, "floor": "C..\n...", "chargers": 1}, "chargers must be None, as the floor has 1 drawn ('C')"),
        ({"battery": 9, "floor": "..@\n@@@"}, "room for 0 charging cells"),
        ({"image_layers": ["chargers"]}, '"chargers" needs a battery'),
    ],
)
def test_bad_parameters_of_batteries_are_named(parameters, message):
    with pytest.raises(ParameterError) as caught:
        errands_v0.vector_env(1, **{"floor": "empty-4x8", "goals": "anywhere", "num_robots": 1, **parameters})
    assert message in str(caught.value)
