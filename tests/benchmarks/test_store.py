"""Run folders: complete or not there; damage is found, named and removed."""

from __future__ import annotations

import errno
import json
import multiprocessing
from pathlib import Path

import pytest

from benchmarks import store
from benchmarks.errors import RunError
from benchmarks.locks import lock

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
ROW = ("r", 0, "floor", "greedy", "eval", 0, 0, "team", "deliveries", 1.5)


def make_run(out: Path, key: str = KEY) -> Path:
    """Write a small finished run."""
    part = store.part_folder(out, key)
    (part / "config.json").write_text("{}")
    store.write_rows(part / "episodes.parquet", [ROW])
    return store.commit(part, {"wall_seconds": 1.0})


def test_finished_run_is_whole(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    assert folder == store.run_folder(tmp_path, KEY)
    assert store.check(folder) is None
    assert store.facts(folder)["wall_seconds"] == 1.0
    assert store.read_runs(tmp_path, [KEY], "episodes.parquet").rows() == [ROW]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [KEY]


def test_stock_lists_finished_runs_that_are_wanted(tmp_path: Path) -> None:
    make_run(tmp_path)
    make_run(tmp_path, OTHER)
    stock = store.take_stock(tmp_path, {KEY})
    assert stock.done == {KEY}
    assert not stock.removed
    assert store.run_folder(tmp_path, OTHER).is_dir()


def test_stock_of_nothing(tmp_path: Path) -> None:
    assert store.take_stock(tmp_path / "none", {KEY}) == store.Inventory()


def test_half_written_folder_is_removed_and_named(tmp_path: Path) -> None:
    part = store.part_folder(tmp_path, KEY)
    (part / "config.json").write_text("{")
    stock = store.take_stock(tmp_path, {KEY})
    assert stock.removed == {part: "half written"}
    assert not part.exists()


def test_half_written_folder_with_a_checkpoint_is_kept(tmp_path: Path) -> None:
    part = store.part_folder(tmp_path, KEY)
    (part / store.TRAINING).write_bytes(b"...")
    stock = store.take_stock(tmp_path, {KEY})
    assert stock.resumable == {KEY}
    assert part.is_dir()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda folder: (folder / "episodes.parquet").write_bytes(b"PAR1"), "episodes.parquet is damaged"),
        (lambda folder: (folder / "episodes.parquet").unlink(), "episodes.parquet is missing"),
        (lambda folder: (folder / "DONE").write_text("{"), "DONE is damaged"),
        (lambda folder: (folder / "DONE").write_text("[]"), "DONE is damaged"),
        (lambda folder: (folder / "DONE").write_text('{"files": 3}'), "DONE is damaged"),
        (lambda folder: (folder / "DONE").write_bytes(b"\xff\xfe"), "DONE is damaged"),
        (lambda folder: (folder / "DONE").unlink(), "half written"),
    ],
)
def test_damaged_run_is_removed_and_named(tmp_path: Path, damage: object, why: str) -> None:
    folder = make_run(tmp_path)
    assert callable(damage)
    damage(folder)
    stock = store.take_stock(tmp_path, {KEY})
    assert not stock.done
    assert stock.removed[folder].startswith(why)
    assert not folder.exists()


def test_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "runs" / "my notes").mkdir(parents=True)
    store.take_stock(tmp_path, {KEY, "my notes"})
    assert (tmp_path / "runs" / "my notes").is_dir()


def test_writing_replaces_only_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    path.write_text("old")

    def full_disk(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device", str(temporary))

    problem = r"cannot write .*summary.csv: No space left on device; finished runs are kept"
    with pytest.raises(RunError, match=problem), store.writing(path) as temporary:
        full_disk(temporary)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with store.writing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def _try_lock(out: Path, result: multiprocessing.connection.Connection) -> None:
    try:
        with lock(out):
            result.send("locked")
    except RunError as error:
        result.send(str(error))


def test_only_one_run_at_a_time_in_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with lock(tmp_path):
        process = context.Process(target=_try_lock, args=(tmp_path, there))
        process.start()
        assert "in use by another run" in here.recv()
        process.join()
    with lock(tmp_path):
        pass


def test_results_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(RunError, match="cannot write"), lock(tmp_path / "results"):
        pass


def test_done_lists_every_file(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    assert set(json.loads((folder / "DONE").read_text())["files"]) == {"config.json", "episodes.parquet"}
