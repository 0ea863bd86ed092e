"""Environments that need other people's files: found below MARL_ENVS_DATA, or left out with a note."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.config import Suite, load_suite
from benchmarks.data import with_data
from benchmarks.errors import InputError
from benchmarks.suite import run_suite
from tests.benchmarks.fakes import SUITE, fake_run, printed, quiet_console, write_suite

ENVIRONMENTS: Any = SUITE["environments"]
ON_A_MAP = {"env": "errands_v0", "params": {"num_robots": 3}, "data": {"floor": "maps/own.map"}, "train_steps": 100}
SWEEP = {"parameter": "num_robots", "label": "robots", "environments": ["floor", "map"]}


def suite_with_a_map(folder: Path, **changes: object) -> tuple[Suite, Path]:
    """Return the fake suite with an environment on a map."""
    path = write_suite(folder, environments={**ENVIRONMENTS, "map": ON_A_MAP}, sweeps={"Both": SWEEP}, **changes)
    return load_suite(path), path


def test_a_file_that_is_there_becomes_a_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "own.map").write_text("type octile")
    monkeypatch.setenv("MARL_ENVS_DATA", str(tmp_path))
    suite, notes = with_data(*suite_with_a_map(tmp_path))
    assert notes == []
    assert suite.environments["map"].params == {"num_robots": 3, "floor": str(tmp_path / "maps" / "own.map")}
    assert suite.sweeps["Both"].environments == ["floor", "map"]
    assert Suite.model_validate(suite.model_dump()) == suite


def test_several_files_and_files_to_train_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / name).write_text("")
    monkeypatch.setenv("MARL_ENVS_DATA", str(tmp_path))
    environment = {
        "env": "traffic_signals_v0",
        "params": {},
        "data": {"network": "a", "demand": ["a", "b"]},
        "train_on": {"demand": ["uniform-100"]},
        "train_data": {"demand": "c"},
        "train_steps": 1,
    }
    path = write_suite(
        tmp_path,
        environments={"cross": environment},
        headline="travel_time",
        tables={"T": ["travel_time"]},
        train={"result": "last"},
    )
    made = with_data(load_suite(path), path)[0].environments["cross"]
    files = {name: str(tmp_path / name) for name in "abc"}
    assert made.params == {"network": files["a"], "demand": [files["a"], files["b"]]}
    assert made.train_on == {"demand": ["uniform-100", files["c"]]}
    (tmp_path / "c").unlink()
    with pytest.raises(InputError, match="cross is left out: no file c"):
        with_data(load_suite(path), path)


@pytest.mark.parametrize("is_set", [True, False])
def test_an_absent_file_leaves_its_environment_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_set: bool
) -> None:
    if is_set:
        monkeypatch.setenv("MARL_ENVS_DATA", str(tmp_path))
    else:
        monkeypatch.delenv("MARL_ENVS_DATA", raising=False)
    suite, notes = with_data(*suite_with_a_map(tmp_path, description="Two floors."))
    why = "below MARL_ENVS_DATA" if is_set else "MARL_ENVS_DATA is not set"
    assert notes == [f"map is left out: no file maps/own.map ({why})."]
    assert list(suite.environments) == ["floor", "tiny"]
    assert suite.sweeps == {}  # one environment makes no sweep
    assert suite.description == f"Two floors. {notes[0]}"


def test_a_run_says_what_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARL_ENVS_DATA", raising=False)
    _, path = suite_with_a_map(tmp_path)
    console = quiet_console()
    run_suite(str(path), tmp_path / "out", 1, 1, console, fake_run)
    assert "map is left out: no file maps/own.map" in printed(console)
    assert "map is left out" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_nothing_left_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARL_ENVS_DATA", raising=False)
    path = write_suite(tmp_path, environments={"map": ON_A_MAP})
    with pytest.raises(InputError, match="no environment can run: map is left out"):
        with_data(load_suite(path), path)


def test_a_folder_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARL_ENVS_DATA", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"MARL_ENVS_DATA names .*none', which is not a folder"):
        with_data(*suite_with_a_map(tmp_path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"floor": "/etc/own.map"}, "data.floor: '/etc/own.map' must be a path below the folder, without '..'"),
        ({"floor": "../own.map"}, "data.floor: '../own.map' must be a path below the folder, without '..'"),
        ({"floor": ""}, "data.floor: '' must be a path below the folder, without '..'"),
        ({"num_robots": "own.map"}, "data.num_robots: num_robots is in params, too; give it once"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, data: dict[str, str], message: str) -> None:
    path = write_suite(tmp_path, environments={"map": {**ON_A_MAP, "data": data}})
    with pytest.raises(InputError) as caught:
        load_suite(path)
    assert re.fullmatch(rf"{path}: line \d+: environments.map: {re.escape(message)}", str(caught.value))
