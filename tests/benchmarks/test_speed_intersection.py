"""Speed of vehicles: what is counted, ratios to the peer, and plain words where it is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.speed import intersection, intersection_report, report
from benchmarks.speed.measure import Case
from tests.benchmarks.fakes import printed, quiet_console


def driven(vehicles: float, seconds: float, steps: int, work: int) -> intersection.Driven:
    block = intersection.Driven(lambda i: None, lambda: vehicles, steps, seconds)
    block.work = work
    return block


def test_a_round_is_played_and_vehicles_are_counted_apart() -> None:
    log: list[Any] = []
    counts = iter([1.0, 2.0, 6.0])
    block = intersection.Driven(log.append, lambda: next(counts), 3, 0.5)
    block.work = 12
    assert (block.vehicles, log) == (3.0, [0, 1, 2])
    assert block() == 12
    assert log == [0, 1, 2, 0, 1, 2]


def test_vehicle_seconds_follow_from_steps_vehicles_and_their_time() -> None:
    # 20 agent-steps a round of 5 steps of 0.5 s with 3 vehicles: 7.5 vehicle-seconds a round, 10 rounds a second
    assert intersection.rate_of_seconds(200.0, driven(3.0, 0.5, 5, 20)) == pytest.approx(75.0)


def test_vehicles_of_a_batch_are_those_on_the_road() -> None:
    block = intersection.batch(3, (0.0, 1.0, 0.0, 0.0), observation="tabular", within=0)
    assert block.work == intersection.PLANNED * 3 * 4
    assert block.seconds == 0.5
    assert 1.0 < block.vehicles < 12.0


def test_vehicle_steps_of_a_town_are_two_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(intersection.TOWNS, 4, ("cross", 2))
    block = intersection.town(4)
    assert block.work == round(intersection.PLANNED * 2 * block.vehicles)


def test_ratios_are_to_the_peer() -> None:
    cases = [
        Case("ours", lambda: lambda: 0, "four", rates=[9e6]),
        Case("theirs", lambda: lambda: 0, "four", peer=True, rates=[60.0]),
        Case("theirs, empty", lambda: lambda: 0, "four", compared=False, rates=[90.0]),
    ]
    blocks = [driven(1000.0, 0.5, 10, 10_000), driven(8.0, 1.0, 10, 40), driven(4.0, 1.0, 10, 40)]
    console = quiet_console()
    console.print(intersection_report.table(cases, blocks))
    rows = [line.split() for line in printed(console).splitlines() if "%" in line]
    assert rows == [
        ["ours", "9,000,000", "9,000,000", "0%", "150,000", "4,500,000", "37,500"],
        ["theirs", "60", "60", "0%", "120"],
        ["theirs,", "empty", "90", "90", "0%", "90"],
    ]


def test_measures_for_real_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intersection, "has_highway", lambda: False)
    monkeypatch.setattr(intersection, "TOWNS", {4: ("cross", 2), 8: ("grid-1x2", 2)})
    monkeypatch.setattr(intersection_report, "GROUP", "batch")
    made = intersection.batch
    monkeypatch.setattr(intersection, "batch", lambda envs, *given, **params: made(min(envs, 4), *given, **params))
    console = quiet_console()
    report.run_speed(0.01, 1, console, "intersection")
    text = " ".join(printed(console).split())
    for words in ("tabular", "features", "PettingZoo ParallelEnv", "vehicle-seconds", "ns with 8 (grid-1x2"):
        assert words in text
    assert "highway-env is not installed" in text
    assert "RWARE" not in text


def test_the_peer_plays_if_it_is_installed() -> None:
    pytest.importorskip("highway_env")
    block = intersection.highway(steps=2)
    assert block() == 8
    assert block.seconds == 1.0
    assert block.vehicles >= 4
    assert np.isfinite(intersection.rate_of_seconds(60.0, block))
