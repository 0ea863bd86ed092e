"""Figures of the headline metric at rising density: the right points, in the page and as a file."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main
from benchmarks.config import load_suite
from benchmarks.report.sweeps import standalone, sweep_figure, sweep_lines
from benchmarks.statistics import t_interval
from benchmarks.suite import run_suite
from benchmarks.summary import Row, Summary
from tests.benchmarks.fakes import SUITE, fake_run, quiet_console, write_suite

ENVIRONMENTS: Any = SUITE["environments"]
CROWDED = {"env": "warehouse_v0", "params": {"layout": "tiny", "num_robots": 9}, "train_steps": 100}
CHANGES: dict[str, Any] = {
    "environments": {"crowded": CROWDED, **ENVIRONMENTS},  # not by rising number of robots
    "sweeps": {
        "On two floors": {"parameter": "num_robots", "label": "robots", "environments": ["crowded", "tiny"]},
        "On one": {"parameter": "num_robots", "label": "robots", "environments": ["tiny", "crowded"]},
    },
}


def row(environment: str, agent: str, values: list[float]) -> Row:
    estimate = t_interval(values)
    return Row(environment, agent, "deliveries", "shelves", estimate, estimate.mean, estimate, estimate)


@pytest.fixture
def summary() -> Summary:
    """Two agents; the learner has no result on the crowded floor."""
    rows = [
        row("crowded", "greedy", [5.0, 7.0]),
        row("tiny", "greedy", [1.0, 3.0]),
        row("tiny", "learner", [0.5, 1.0]),
    ]
    return Summary(rows, {}, {})


def test_lines_rise_with_the_parameter(tmp_path: Path, summary: Summary) -> None:
    suite = load_suite(write_suite(tmp_path, **CHANGES))
    lines = sweep_lines(suite, suite.sweeps["On two floors"], summary)
    assert lines == {
        "greedy": [(2.0, t_interval([1.0, 3.0])), (9.0, t_interval([5.0, 7.0]))],
        "learner": [(2.0, t_interval([0.5, 1.0]))],
    }


def test_figure_has_a_panel_for_each_sweep_in_the_pages_colours(tmp_path: Path, summary: Summary) -> None:
    svg = sweep_figure(load_suite(write_suite(tmp_path, **CHANGES)), summary)
    text = "".join(ElementTree.fromstring(svg).itertext())
    for part in ("On two floors", "On one", "robots", "deliveries per episode", "greedy", "learner"):
        assert part in text
    assert "var(--series-0)" in svg
    assert "#0a0b" not in svg


def test_file_stands_alone(tmp_path: Path, summary: Summary) -> None:
    svg = standalone(sweep_figure(load_suite(write_suite(tmp_path, **CHANGES)), summary))
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root[0].get("fill") == "#ffffff"  # lies below everything else
    assert "var(" not in svg


def test_report_begins_with_the_figure(tmp_path: Path) -> None:
    path, out = write_suite(tmp_path, **CHANGES), tmp_path / "out"
    run_suite(str(path), out, None, 1, quiet_console(), fake_run)
    html = (out / "report.html").read_text(encoding="utf-8")
    assert 0 < html.index("On two floors") < html.index("<h2>crowded</h2>")


def test_command_writes_the_same_file_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write_suite(tmp_path, **CHANGES), tmp_path / "out"
    run_suite(str(path), out, None, 1, quiet_console(), fake_run)
    files = [tmp_path / name for name in ("a.svg", "b.svg")]
    for file in files:
        assert main(["figure", str(path), "--results", str(out), "--out", str(file)]) == 0
        assert str(file) in capsys.readouterr().out.replace("\n", "")
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"On two floors" in files[0].read_bytes()


def test_command_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figure.svg"
    assert main(["figure", str(write_suite(tmp_path)), "--out", str(out)]) == 2
    assert "sweeps: none" in capsys.readouterr().err
    path = write_suite(tmp_path, **CHANGES)
    assert main(["figure", str(path), "--results", str(tmp_path / "none"), "--out", str(out)]) == 2
    assert "does not exist: python -m benchmarks run" in capsys.readouterr().err
    assert not out.exists()
