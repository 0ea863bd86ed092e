"""What jobs ran on is told in the report, and nothing that names a host, a user or a folder."""

from __future__ import annotations

import getpass
import os
import platform
import socket
from pathlib import Path

import numba
import numpy as np
import pytest

from benchmarks import machine, record, store
from benchmarks.suite import render_report, run_suite
from tests.benchmarks.fakes import fake_run, quiet_console, write_suite


def test_names_what_numbers_and_times_depend_on() -> None:
    machine.describe.cache_clear()
    text = machine.describe()
    for part in (platform.python_version(), np.__version__, numba.__version__, platform.system()):
        assert part in text
    assert f"{len(os.sched_getaffinity(0))} core" in text
    for private in (socket.gethostname(), str(Path.home()), str(Path.cwd())):
        assert private not in text


def test_reads_the_processors_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some  CPU @ 2 GHz\n")
    monkeypatch.setattr(machine, "CPUINFO", cpuinfo)
    assert machine._processor() == "Some CPU @ 2 GHz"
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "nowhere")
    assert machine._processor() == (platform.processor() or platform.machine())


def test_machines_are_counted() -> None:
    facts: list[dict[str, object]] = [
        {"machine": "one", "load": 2.5},
        {"machine": "two", "load": None},
        {"machine": "one", "load": 0.5},
        {},
    ]
    assert machine.summarised(facts) == [
        "2 jobs on one; load 0.5 to 2.5",
        "1 jobs on two",
        f"1 jobs on {machine.UNKNOWN}",
    ]


def test_a_report_written_elsewhere_says_where_its_jobs_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite, out = write_suite(tmp_path, seeds=1), tmp_path / "out"
    monkeypatch.setattr(machine, "describe", lambda: "an abacus")
    run_suite(str(suite), out, None, 1, quiet_console(), fake_run)
    before = (out / "summary.csv").read_bytes()
    monkeypatch.setattr(machine, "describe", lambda: "a slide rule")
    write_suite(tmp_path, seeds=2)
    run_suite(str(suite), out, None, 1, quiet_console(), fake_run)  # half of it was there
    out = out.rename(tmp_path / "moved")
    render_report(out, quiet_console())
    page = (out / "report.html").read_text()
    assert "5 jobs on an abacus; load" in page
    assert "5 jobs on a slide rule; load" in page
    assert str(tmp_path) not in page
    assert b"abacus" not in before + (out / "summary.csv").read_bytes()
    assert getpass.getuser() not in record.load(out).command.split()
    assert {store.facts(folder)["machine"] for folder in (out / "runs").iterdir()} == {"an abacus", "a slide rule"}
