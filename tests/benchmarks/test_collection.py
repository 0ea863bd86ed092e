"""Collections: their suites exist, run in order, and one that fails does not stop the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import collection
from benchmarks.collection import collection_names, load_collection, run_collection
from benchmarks.config import suite_names
from benchmarks.errors import InputError, RunError
from tests.benchmarks.fakes import quiet_console


def test_full_names_suites_that_exist() -> None:
    assert collection_names() == ["full"]
    assert sorted(load_collection("full").suites) == sorted([*suite_names(), "classics"])


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of collections of one's own."""
    monkeypatch.setattr(collection, "COLLECTIONS", tmp_path)
    return tmp_path / "own.yaml"


def test_a_suite_that_fails_does_not_stop_the_rest(own: Path, tmp_path: Path) -> None:
    own.write_text("title: Own\nsuites: [quick, errands, transfer]\n")
    ran = []

    def run(suite: str, out: Path) -> None:
        ran.append((suite, out))
        if suite == "errands":
            raise RunError("2 of 3 jobs failed")

    with pytest.raises(RunError, match=r"^errands: 2 of 3 jobs failed$"):
        run_collection("own", tmp_path / "out", run, quiet_console())
    assert ran == [(name, tmp_path / "out" / name) for name in ("quick", "errands", "transfer")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: Own\nsuites: [quick, nowhere]\n", "line 2: suites: unknown suite 'nowhere'"),
        ("title: Own\nsuites: [quick, quick]\n", "line 2: suites: quick is named twice"),
        ("title: Own\nsuits: [quick]\n", "line 2: unknown key 'suits'"),
    ],
)
def test_bad_collections(own: Path, text: str, message: str) -> None:
    own.write_text(text)
    with pytest.raises(InputError, match=message):
        load_collection("own")
