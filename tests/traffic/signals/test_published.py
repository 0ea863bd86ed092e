"""Average travel times that are published, or that the reference engine gives, to the last digit (development data)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.fidelity import play
from benchmarks.fidelity.figures import FIGURES, FIXED, FLOWS, KN, MAX_PRESSURE, MEDIUM, SIXTEEN, THREE, THRESHOLD, TYC

NAMES = {  # in the summary of the reference's runs
    TYC: "hangzhou_1x1.bc-tyc_18041608_1h",
    KN: "hangzhou_1x1.kn-hz_18041607_1h",
    MEDIUM: "hangzhou_1x1.syn_uniform_1600",
    THREE: "syn_1x3",
    SIXTEEN: "hangzhou_4x4.real",
}


@pytest.fixture(scope="module")
def folder(data_dir: Path) -> Path:
    """The folder of networks."""
    path = data_dir / "traffic"
    if missing := play.missing_files(path, list(FLOWS)):
        pytest.skip(f"the networks and flows are not in {path}: {', '.join(missing)}")
    return path


def hour(folder: Path, flow: str, controller: str, **parameters) -> dict[str, float]:
    """Return the metrics of an hour under a controller, drawn as the reference engine draws."""
    metrics = play.hour(folder, flow, play.controller_named(controller), rng="mt19937", **parameters)
    return {metric: float(values[0]) for metric, values in metrics.items()}


@pytest.mark.parametrize("controller", ["fixed30", "maxpressure"])
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_engines_hour_comes_out(folder: Path, name: str, controller: str):
    summary = folder / "golden" / "aggregate" / "summary.jsonl"
    if not summary.is_file():
        pytest.skip(f"there is no {summary}")
    rows = map(json.loads, summary.read_text().splitlines())
    (row,) = (r for r in rows if (r["name"], r["controller"]) == (NAMES[name], controller))
    metrics = hour(folder, name, {"fixed30": FIXED, "maxpressure": MAX_PRESSURE}[controller])
    assert metrics["travel_time"] == row["att"]
    assert metrics["queue"] == pytest.approx(row["queue_per_signal"], rel=1e-12)
    assert metrics["throughput"] == row["finished"]
    assert metrics["driving"] == row["running_at_end"]
    assert metrics["outside"] == row["not_inserted_at_end"]
    assert metrics["masked_actions"] == 0


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure.flow}, {figure.controller}")
def test_known_travel_times(folder: Path, figure):
    travel_time = hour(folder, figure.flow, figure.controller)["travel_time"]
    assert round(travel_time, figure.digits) == figure.reference
    assert figure.published in (None, figure.reference)


@pytest.mark.parametrize("figure", [figure for figure in FIGURES if figure.controller == THRESHOLD], ids=str)
def test_the_threshold_rule_by_the_other_kind_of_actions(folder: Path, figure):
    assert round(hour(folder, figure.flow, THRESHOLD, actions="fullest")["travel_time"], 1) == figure.reference
