"""The trajectory format: what is written comes back, and what is damaged is refused."""

import io
import json

import numpy as np
import pytest

from marl_envs.render.trajectory import Trajectory, TrajectoryError, load, pack_frames

ENV = {"env": "warehouse_v0", "params": {"layout": "tiny", "num_robots": 2}}


def make_trajectory() -> Trajectory:
    frames = [
        {"robots": np.array([[t, 1, 0, -1], [4, 5, 3, 2]], np.int32), "requested": np.array([True, False])}
        for t in range(4)
    ]
    actions = np.array([[1, 0], [4, 2], [0, 3]], np.int16)
    return Trajectory(ENV, 7, ("robot_0", "robot_1"), actions, pack_frames(frames), {"metrics": {"deliveries": 1.0}})


def rewritten(path, **changes) -> None:
    """Write the file at `path` again with some members of its header or some arrays changed."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays["header"].tobytes())
    header.update({k: v for k, v in changes.items() if not isinstance(v, np.ndarray)})
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    arrays.update({k: v for k, v in changes.items() if isinstance(v, np.ndarray)})
    np.savez(path, **arrays)


def test_round_trip(tmp_path):
    made = make_trajectory()
    made.save(tmp_path / "x.npz")
    read = load(tmp_path / "x.npz")
    assert (read.env, read.seed, read.agents, read.info) == (made.env, made.seed, made.agents, made.info)
    assert np.array_equal(read.actions, made.actions)
    assert read.actions.dtype == np.int16
    assert read.positions.keys() == made.positions.keys()
    assert [frame["robots"].tolist() for frame in read.frames()] == [[[t, 1, 0, -1], [4, 5, 3, 2]] for t in range(4)]


def test_saving_replaces_and_leaves_nothing_else_behind(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"old")
    make_trajectory().save(tmp_path / "x.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
    assert load(tmp_path / "x.npz").seed == 7


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "x.npz").write_bytes(b"old")

    def no_space(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", no_space)
    with pytest.raises(OSError, match="No space"):
        make_trajectory().save(tmp_path / "x.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
    assert (tmp_path / "x.npz").read_bytes() == b"old"


def test_integers_are_stored_small():
    packed = pack_frames(
        [{"a": np.array([-1, 100]), "b": np.array([0, 300]), "c": np.array([-1, 200]), "d": np.ones(2)}]
    )
    assert [packed[name].dtype for name in "abcd"] == [np.int8, np.int16, np.int16, np.float64]
    assert packed["c"].tolist() == [[-1, 200]]


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_file_cut_short_is_refused(tmp_path, keep):
    path = tmp_path / "x.npz"
    make_trajectory().save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TrajectoryError, match=r"x\.npz: damaged, cut short, or not a trajectory"):
        load(path)


def test_every_changed_byte_of_the_data_is_noticed(tmp_path):
    path = tmp_path / "x.npz"
    make_trajectory().save(path)
    whole = path.read_bytes()
    at = whole.index(b"actions.npy") + len(b"actions.npy") + 30
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    with pytest.raises(TrajectoryError, match="damaged"):
        load(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "x.npz").write_text("not an archive")
    with pytest.raises(TrajectoryError, match="not a trajectory"):
        load(tmp_path / "x.npz")
    np.savez(tmp_path / "y.npz", table=np.zeros(3))
    with pytest.raises(TrajectoryError, match="has no trajectory header"):
        load(tmp_path / "y.npz")
    memory = io.BytesIO()
    np.save(memory, np.zeros(3))
    (tmp_path / "z.npz").write_bytes(memory.getvalue())
    with pytest.raises(TrajectoryError, match="not a trajectory"):
        load(tmp_path / "z.npz")


def test_pickled_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "x.npz", header=np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(TrajectoryError, match="not a trajectory"):
        load(tmp_path / "x.npz")


def test_a_missing_file_is_just_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2 of the format; this program reads 1"),
        ({"format": "other"}, "its format is 'other', not 'marl_envs.trajectory'"),
        ({"agents": ["robot_0"]}, r"actions must have shape \(T, 1\), not \(3, 2\)"),
        ({"actions": np.zeros((2, 2), np.int16)}, "must hold 3 frames"),
        ({"actions": np.zeros(6, np.int16)}, r"actions must have shape \(T, 2\), not \(6,\)"),
        ({"frame/robots": np.zeros((3, 2, 4), np.int8)}, "frame array 'robots' must hold 4 frames"),
        ({"seed": None}, "do not fit"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, changes, message):
    make_trajectory().save(tmp_path / "x.npz")
    rewritten(tmp_path / "x.npz", **changes)
    with pytest.raises(TrajectoryError, match=message):
        load(tmp_path / "x.npz")
