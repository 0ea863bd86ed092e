"""The command line: exit codes and one clear line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from tests.benchmarks.fakes import write_suite


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command, which must refuse with exit code 2, and return its one line."""
    assert main(arguments) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_list_shows_the_suites(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "quick" in capsys.readouterr().out


def test_unknown_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(["run", "nope"], capsys).startswith("error: unknown suite 'nope'; allowed are")


@pytest.mark.parametrize(
    ("option", "value"), [("--seeds", "0"), ("--seeds", "-1"), ("--workers", "0"), ("--workers", "-2")]
)
def test_numbers_below_one(option: str, value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = complaint(["run", str(write_suite(tmp_path)), "--out", str(tmp_path / "out"), option, value], capsys)
    assert message == f"error: {option} must be at least 1, not {value}"
    assert not (tmp_path / "out").exists()


def test_broken_suite_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write_suite(tmp_path, sedes=4)
    last = len(path.read_text().splitlines())
    assert complaint(["run", str(path)], capsys).startswith(
        f"error: {path}: line {last}: unknown key 'sedes'; allowed are"
    )


@pytest.mark.parametrize("option", [["--tensorboard"], ["--seeds", "3"]])
def test_options_that_only_suites_take(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    message = complaint(["run", "deep", *option], capsys)
    assert f"of their own: leave {option[0]} out" in message
    assert option[0] in message


@pytest.mark.parametrize("arguments", [["run"], ["run", "quick", "--seeds", "many"], ["fly"], []])
def test_usage_errors_have_exit_code_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "0"], "error: --seconds must be above 0 and at most 600, not 0.0"),
        (["--seconds", "nan"], "error: --seconds must be above 0 and at most 600, not nan"),
        (["--repeats", "0"], "error: --repeats must be at least 1, not 0"),
    ],
)
def test_bad_numbers_for_speed(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(["speed", *arguments], capsys) == message


def test_results_folder_that_is_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert main(["run", str(write_suite(tmp_path)), "--out", str(tmp_path / "out")]) == 1
    assert "cannot write" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "mine"
