"""The program that proves libraries: its data fits the files, and it reads and prints what it should."""

import json
from pathlib import Path

import pytest

from tests.interop.__main__ import ROOT, read_requirements
from tests.interop.libraries import HERE, LIBRARIES
from tests.interop.table import table


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_library_has_its_files(name: str):
    library = LIBRARIES[name]
    assert library.requirements.exists()
    assert (ROOT / "examples" / f"{name}.py").exists()
    for test in library.tests:
        assert (HERE / f"test_{test}.py").exists()


def test_every_file_belongs_to_a_library():
    others = {
        "__init__",
        "task",
        "learn_to_cross",
        "social_dilemma",
        "crossing_dilemma",
        "learn_together",
        "moved_departures",
    }  # and pictures
    examples = {path.stem for path in (ROOT / "examples").glob("*.py")} - others
    examples = {name for name in examples if not name.startswith("gallery_")}
    assert examples == set(LIBRARIES)
    assert {path.stem for path in (HERE / "requirements").glob("*.txt")} == set(LIBRARIES)
    ours = {"flat", "runner", "task"}  # need no library, so they run with the other tests
    assert {path.stem[5:] for path in HERE.glob("test_*.py")} - ours == {
        test for library in LIBRARIES.values() for test in library.tests
    }


def test_requirements(tmp_path: Path):
    path = tmp_path / "some.txt"
    path.write_text("# a comment\ntorch==2.13.0\nnumpy<2  # why\n\n# no-deps: thing==1.0\n")
    assert read_requirements(path) == (["torch==2.13.0"], ["numpy<2"], ["thing==1.0"])


def test_the_table_shows_the_last_result_of_each_seed(tmp_path: Path):
    common = {
        "library": "lib",
        "version": "1.2",
        "options": ["--algorithm", "x"],
        "name": "Lib X",
        "date": "2026-01-02",
    }
    results = [
        {"seed": 1, "deliveries": 7.25, "rises": True, "agent_steps_per_cpu_s": 10, "agent_steps": 5000},
        {"seed": 0, "deliveries": 3.0, "rises": True, "agent_steps_per_cpu_s": 1000, "agent_steps": 5000},
        {"seed": 0, "deliveries": 9.0, "rises": True, "agent_steps_per_cpu_s": 2000, "agent_steps": 5000},
    ]
    with (tmp_path / "lib.jsonl").open("w") as file:
        file.writelines(json.dumps(common | result) + "\n" for result in results)
    line = table(tmp_path).splitlines()[-1]
    assert line == (
        "| lib | 1.2 | Lib X, 5 k agent-steps | 9.0, 7.2 | 1,005 | 2026-01-02 "
        "| `python -m examples.lib --algorithm x` |"
    )
    with (tmp_path / "lib.jsonl").open("a") as file:
        file.write(json.dumps(common | results[0] | {"rises": False}) + "\n")
    assert "does not rise" in table(tmp_path)


def test_nothing_measured(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no results"):
        table(tmp_path)
