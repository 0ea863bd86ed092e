"""Snapshots: full copies, put back whole or not at all."""

import pickle
from typing import Annotated, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import marl_envs
from marl_envs.core.snapshot import Snapshot, put, take
from tests.conformance.play import assert_same, batch_course, plan
from tests.core.processes import run_python


class State(NamedTuple):
    row: Annotated[NDArray[np.int16], "E A"]
    step: Annotated[NDArray[np.int32], "E"]


FINGERPRINT = {"env": "floor_v0", "params": {"size": 5, "speed": 1.0}}


@pytest.fixture
def state() -> State:
    return State(np.arange(6, dtype=np.int16).reshape(3, 2), np.array([7, 8, 9], np.int32))


def test_what_is_taken_comes_back(state):
    snapshot = pickle.loads(pickle.dumps(take(FINGERPRINT, state)))
    for array in state:
        array[...] = 0
    rows = state.row
    put(snapshot, FINGERPRINT, state)
    assert rows is state.row
    assert state.row.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert state.step.tolist() == [7, 8, 9]


def test_a_snapshot_shares_nothing(state):
    snapshot = take(FINGERPRINT, state)
    state.row[:] = 0
    assert snapshot.arrays["row"].tolist() == [[0, 1], [2, 3], [4, 5]]
    put(snapshot, FINGERPRINT, state)
    state.step[:] = 0
    assert snapshot.arrays["step"].tolist() == [7, 8, 9]


def test_it_says_what_it_is_of(state):
    assert take(FINGERPRINT, state).meta == {"fingerprint": FINGERPRINT, "num_envs": 3}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"env": "floor_v0", "params": {"size": 6, "speed": 1.0}}, "these differ: size$"),
        ({"env": "floor_v0", "params": {"size": 6, "colour": "red"}}, "these differ: colour, size, speed$"),
        ({"env": "floor_v1", "params": FINGERPRINT["params"]}, "these differ: env$"),
    ],
)
def test_one_of_another_environment_is_refused(state, other, message):
    snapshot = take(other, state._replace(row=state.row + 1))
    with pytest.raises(ValueError, match=message):
        put(snapshot, FINGERPRINT, state)
    assert state.row.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"step": np.zeros(3, np.int32)}, "lacks 'row'"),
        ({"row": np.ones((3, 2), np.int16)}, "lacks 'step'"),
        ({"row": np.ones((3, 2), np.int16), "step": np.zeros(2, np.int32)}, r"'step' has shape \(2,\).*not \(3,\)"),
        ({"row": np.ones((3, 2), np.int16), "step": np.zeros(3)}, "'step' has .* type float64, not .* int32"),
    ],
)
def test_a_broken_one_changes_nothing(state, arrays, message):
    with pytest.raises(ValueError, match=message):
        put(Snapshot({"fingerprint": FINGERPRINT, "num_envs": 3}, arrays), FINGERPRINT, state)
    assert state.row.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("observation", ["flattened", "goal", "tabular", "tabular_push", "image"])
def test_potentials_and_targets_come_back_too(observation):
    """Shaping pays differences to the step before, so that what was left out of a snapshot would show."""
    make = {"layout": "5x5", "observation": observation, "shaping": 0.5, "message_bits": 1, "max_cycles": 30}
    vec, other = (marl_envs.make_vec("marl_envs/warehouse-5x5-2ag-goal-v0", 4, **make) for _ in range(2))
    vec.reset(seed=1)
    actions = plan(vec)
    batch_course(vec, actions[:13])
    state = vec.get_state()
    expected = batch_course(vec, actions)
    for one in (vec, other):
        one.set_state(state)
        assert_same(batch_course(one, actions), expected)


def test_an_environment_from_another_process_runs_the_same_kernels(tmp_path):
    """Kernels that travelled inside the pickle would be compiled again there."""
    env = marl_envs.make("marl_envs/warehouse-5x5-2ag-goal-v0")
    env.reset(seed=0)
    file = tmp_path / "env.pickle"
    file.write_bytes(pickle.dumps(env))
    said = run_python(
        f"""
import pickle
env = pickle.load(open({str(file)!r}, "rb"))
import marl_envs
ours, theirs = (e.vec.simulation.family for e in (marl_envs.make("marl_envs/warehouse-5x5-2ag-goal-v0"), env))
print(ours is theirs, ours.play is theirs.play, len(env.step(dict.fromkeys(env.agents, 0))))
"""
    )
    assert said == "True True 5"
