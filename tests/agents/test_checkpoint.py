"""The checkpoint file: what comes back, broken files, full disks."""

import errno
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import checkpoint
from agents.checkpoint import CheckpointError, differences, prefixed, read, section, write

HEADER = {"learner": {"gamma": 0.9, "name": "a"}}
ARRAYS = {"learner/q": np.arange(6, dtype=np.float32).reshape(1, 2, 3), "learner/rng": np.array([2**64 - 1], np.uint64)}


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "a.npz", HEADER, ARRAYS)
    return tmp_path / "a.npz"


def assert_whole(path):
    header, arrays = read(path)
    assert header["learner"] == HEADER["learner"]
    assert sorted(arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_what_was_written_comes_back(path):
    assert_whole(path)
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*nowhere"):
        read(tmp_path / "nowhere.npz")


def test_every_truncation_is_refused(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"a\.npz"):
            read(path)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_byte_is_refused_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "a.npz"
    write(path, HEADER, ARRAYS)
    content = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        header, arrays = read(path)
    except CheckpointError:
        return
    assert header["learner"] == HEADER["learner"]  # a byte that zip files do not use, like a time stamp
    assert all((arrays[name] == array).all() for name, array in ARRAYS.items())


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text("hello"),
        lambda path: path.write_bytes(np.lib.format.magic(1, 0) + b"rest"),
        lambda path: np.savez(path, q=np.zeros(3)),
        lambda path: np.savez(path, header=np.array([{"a": 1}], object)),  # a pickle
        lambda path: np.savez(path, header=np.frombuffer(b"{", np.uint8)),
        lambda path: np.savez(path, header=np.frombuffer(b'{"format": "x"}', np.uint8)),
    ],
)
def test_other_files_are_refused(tmp_path, make):
    make(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match=r"a\.npz"):
        read(tmp_path / "a.npz")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="is not a whole checkpoint"):
        read(tmp_path)


def test_a_header_that_lists_other_arrays_is_refused(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "sorted", lambda names: [*names, "extra"], raising=False)
    write(path, HEADER, ARRAYS)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="its header lists"):
        read(path)


class FullDisk:
    """A file that takes some bytes and then has no room."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()


@pytest.mark.parametrize("room", [0, 100, 700])
def test_a_full_disk_leaves_the_previous_checkpoint(path, monkeypatch, room):
    monkeypatch.setattr(checkpoint, "open", lambda *args: FullDisk(open(*args), room), raising=False)  # noqa: SIM115
    with pytest.raises(
        OSError, match=r"cannot write checkpoint: No space left.*previous checkpoint is unchanged"
    ) as caught:
        write(path, HEADER, {"learner/q": np.ones((1, 2, 3))})
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)
    assert_whole(path)
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


def test_a_disk_that_is_full_at_fsync_leaves_the_previous_checkpoint(path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, HEADER, {})
    assert_whole(path)
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


def test_a_killed_writer_leaves_the_previous_checkpoint(path):
    (path.parent / "a.npz.tmp").write_bytes(path.read_bytes()[:100])  # what a kill in the middle leaves
    assert_whole(path)
    write(path, HEADER, ARRAYS)
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write checkpoint.*gone"):
        write(tmp_path / "gone" / "a.npz", HEADER, ARRAYS)


def test_sections():
    parts = prefixed({"q": np.zeros(1)}, "a") | prefixed({"q": np.ones(1)}, "ab")
    assert section(parts, "a")["q"] == 0
    assert list(section(parts, "b")) == []


def test_differences_are_listed_by_name():
    theirs, ours = {"env": "w", "params": {"size": (1, 2), "a": 1}}, {"env": "w", "params": {"size": [1, 2], "b": None}}
    assert differences(theirs, theirs) == []
    assert differences(theirs, ours) == [
        "params.a is 1 there, '(absent)' here",
        "params.b is '(absent)' there, None here",
    ]
    assert differences(1, {}) == ["value is 1 there, {} here"]
