"""Average travel times that are published, or that the reference engine gives, to the last digit (development data)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marl_envs import traffic_signals_v0
from marl_envs.traffic.signals.controllers import SOTL, FixedTime, LongestQueue, MaxPressure, Threshold

FILES = {
    "bc-tyc": ("hangzhou_1x1/roadnet.json", "hangzhou_1x1/bc-tyc_18041608_1h.flow.json"),
    "kn-hz": ("hangzhou_1x1/roadnet.json", "hangzhou_1x1/kn-hz_18041607_1h.flow.json"),
    "uniform 1600": ("hangzhou_1x1/roadnet.json", "hangzhou_1x1/syn_uniform_1600.flow.json"),
    "uniform 2400": ("hangzhou_1x1/roadnet.json", "hangzhou_1x1/syn_uniform_2400.flow.json"),
    "1x3": ("syn_1x3/roadnet_1X3.json", "syn_1x3/syn_1x3_gaussian_500_1h.json"),
    "4x4": ("hangzhou_4x4/roadnet_4_4.json", "hangzhou_4x4/anon_4_4_hangzhou_real.flow.json"),
}
NAMES = {  # in the summary of the reference's runs
    "bc-tyc": "hangzhou_1x1.bc-tyc_18041608_1h",
    "kn-hz": "hangzhou_1x1.kn-hz_18041607_1h",
    "uniform 1600": "hangzhou_1x1.syn_uniform_1600",
    "1x3": "syn_1x3",
    "4x4": "hangzhou_4x4.real",
}


@pytest.fixture(scope="module")
def folder(data_dir: Path) -> Path:
    """The folder of networks."""
    path = data_dir / "traffic"
    if not all((path / name).is_file() for pair in FILES.values() for name in pair):
        pytest.skip(f"the networks and flows are not in {path}")
    return path


def hour(folder: Path, name: str, controller, **parameters) -> dict[str, float]:
    """Return the metrics of an hour under a controller, with the published times: 10 s, yellow 5 s, t_min 10 s."""
    network, demand = (str(folder / part) for part in FILES[name])
    vec = traffic_signals_v0.vector_env(1, network=network, demand=demand, rng="mt19937", **parameters)
    obs, info = vec.reset(seed=0)
    for _ in range(360):
        obs, *_, info = vec.step(controller.act(vec, obs))
    assert info["ended"].all()
    return {metric: float(values[0]) for metric, values in info["metrics"].items()}


@pytest.mark.parametrize("controller", ["fixed30", "maxpressure"])
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_engines_hour_comes_out(folder: Path, name: str, controller: str):
    summary = folder / "golden" / "aggregate" / "summary.jsonl"
    if not summary.is_file():
        pytest.skip(f"there is no {summary}")
    rows = map(json.loads, summary.read_text().splitlines())
    (row,) = (r for r in rows if (r["name"], r["controller"]) == (NAMES[name], controller))
    # The data set's 30 s include the yellow.
    metrics = hour(folder, name, FixedTime(25.0) if controller == "fixed30" else MaxPressure())
    assert metrics["travel_time"] == row["att"]
    assert metrics["queue"] == pytest.approx(row["queue_per_signal"], rel=1e-12)
    assert metrics["throughput"] == row["finished"]
    assert metrics["driving"] == row["running_at_end"]
    assert metrics["outside"] == row["not_inserted_at_end"]
    assert metrics["masked_actions"] == 0


@pytest.mark.parametrize(
    ("name", "controller", "published"),
    [
        ("bc-tyc", MaxPressure(), 445.62),
        ("1x3", MaxPressure(), 240.08),
        ("bc-tyc", LongestQueue(), 460.23),
        ("kn-hz", LongestQueue(), 74.89),
        ("4x4", LongestQueue(), 318.63),
        ("bc-tyc", SOTL(), 335.71),
        ("kn-hz", SOTL(), 90.70),
        ("uniform 1600", SOTL(), 115.94),
        ("uniform 2400", SOTL(), 148.07),
        ("uniform 2400", FixedTime(25.0), 115.78),
        ("uniform 2400", MaxPressure(), 759.48),
    ],
)
def test_published_travel_times(folder: Path, name: str, controller, published: float):
    assert round(hour(folder, name, controller)["travel_time"], 2) == published


@pytest.mark.parametrize(
    ("name", "travel_time"), [("bc-tyc", 134.3), ("1x3", 118.6), ("kn-hz", 65.6), ("uniform 1600", 86.2)]
)
@pytest.mark.parametrize("actions", ["phase", "fullest"])
def test_the_threshold_rule(folder: Path, name: str, travel_time: float, actions: str):
    metrics = hour(folder, name, Threshold(), actions=actions)
    assert round(metrics["travel_time"], 1) == travel_time
