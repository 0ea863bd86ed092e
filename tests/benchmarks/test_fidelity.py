"""The fidelity command: verdicts, what is printed, exit codes, and that the hand-made cases can fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.errors import InputError, RunError
from benchmarks.fidelity import handmade, play, report
from benchmarks.fidelity.figures import FIGURES, FIXED, FLOWS, HEAVY, MAX_PRESSURE
from tests.benchmarks.fakes import printed, quiet_console

QUICK = "h01_free"


def row(ours: float = 115.784, own: tuple[float, ...] = (115.0, 116.0), digits: int = 2, controller: str = FIXED):
    """Return a row whose reference is 115.78 s."""
    return report.Row(HEAVY, controller, None, round(115.78, digits), digits, ours, own)


@pytest.mark.parametrize(
    ("ours", "own", "digits", "verdict"),
    [
        (115.784, (115.0, 116.0), 2, "equal"),
        (115.786, (115.0, 116.0), 2, "DIFFERS"),
        (115.75, (115.8,), 1, "equal"),
        (115.86, (115.8,), 1, "DIFFERS"),
        (115.78, (116.9,), 2, "equal"),
        (115.78, (118.0, 116.5), 2, "OWN STREAMS 1.3% OFF"),
    ],
)
def test_verdicts(ours: float, own: tuple[float, ...], digits: int, verdict: str) -> None:
    assert row(ours, own, digits).verdict == verdict


def test_every_figure_has_a_flow_and_a_controller() -> None:
    for figure in FIGURES:
        assert figure.flow in FLOWS
        assert hasattr(play.controller_named(figure.controller), "act")
    assert len({(figure.flow, figure.controller) for figure in FIGURES}) == len(FIGURES)


def test_the_saturation_trap_is_stated() -> None:
    line = report.trap_line([row(), row(759.484, controller=MAX_PRESSURE)])
    assert "MaxPressure (759.48 s) must lose to fixed times (115.78 s)" in line
    assert report.trap_line([row()]) == ""


@pytest.fixture
def one_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handmade, "NAMES", [QUICK])


@pytest.fixture
def fake_hours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All files are there, and every figure comes out."""
    monkeypatch.setattr(report, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(report, "missing_files", lambda folder, flows: [])
    monkeypatch.setattr(report, "row_of", lambda f, _, seeds: row(controller=f.controller))


@pytest.mark.usefixtures("one_case", "fake_hours")
def test_json_and_markdown() -> None:
    console = quiet_console()
    report.run_fidelity(console, 2, "json")
    found = json.loads(printed(console))
    assert len(found["travel_times"]) == len(FIGURES)
    assert found["travel_times"][0] | {"verdict": "equal", "ours": 115.784} == found["travel_times"][0]
    assert found["hand_made"][0]["case"] == QUICK
    assert found["hand_made"][0]["equal"] is True
    console = quiet_console()
    report.run_fidelity(console, 2, "markdown")
    lines = printed(console).splitlines()
    assert lines[2].startswith("| flow | controller | published |")
    assert lines[4] == f"| {HEAVY} | {FIXED} |  | 115.78 | 115.78 | 115.50 | equal |"


@pytest.mark.usefixtures("one_case", "fake_hours")
def test_a_figure_that_differs_is_an_error_after_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "row_of", lambda f, _, seeds: row(200.0, controller=f.controller))
    console = quiet_console()
    with pytest.raises(RunError, match=rf"^{len(FIGURES)} of {len(FIGURES) + 1} do not come out: {HEAVY}, fixed"):
        report.run_fidelity(console)
    assert "DIFFERS" in printed(console)


def test_a_case_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    good = handmade.compare(QUICK)
    assert good.equal
    assert good.vehicle_steps == 56
    trace = handmade.trace(handmade.GOLDEN / QUICK / "trace.csv.gz")
    name, (drivable, distance, speed) = next(iter(trace[5].items()))
    trace[5][name] = drivable, distance + 1e-9, speed
    monkeypatch.setattr(handmade, "trace", lambda path: trace)
    assert not handmade.compare(QUICK).equal


@pytest.mark.usefixtures("one_case")
def test_without_the_data_the_cases_still_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("MARL_ENVS_DATA", str(tmp_path))
    assert main(["fidelity"]) == 2
    out, err = capsys.readouterr()
    assert "1 of 1 equal" in out
    assert err.startswith(f"error: {len(FIGURES)} of {len(FIGURES)} travel times were not compared")
    assert "traffic/syn_1x3/roadnet_1X3.json" in err


@pytest.mark.usefixtures("one_case")
def test_a_flow_whose_files_are_there_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    """The smallest real run: one junction, one flow."""
    flow = FLOWS[HEAVY]
    (tmp_path / "traffic" / "hangzhou_1x1").mkdir(parents=True)
    for name in (flow.network, flow.demand):
        if not (data_dir / "traffic" / name).is_file():
            pytest.skip(f"no {name} in the data folder")
        (tmp_path / "traffic" / name).symlink_to(data_dir / "traffic" / name)
    monkeypatch.setenv("MARL_ENVS_DATA", str(tmp_path))
    console = quiet_console()
    with pytest.raises(InputError, match=r"26 of 31 travel times were not compared"):
        report.run_fidelity(console, seeds=2)
    assert "must lose to fixed times (115.78 s)" in " ".join(printed(console).split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0"], "error: --seeds must be from 1 to 1000, not 0"),
        (["--json", "--markdown"], "error: choose one of --json and --markdown"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", *arguments]) == 2
    assert capsys.readouterr().err.strip() == message
