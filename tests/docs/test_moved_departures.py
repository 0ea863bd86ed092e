"""Copies of a flow have the same vehicles, which depart a little earlier or later."""

from __future__ import annotations

from examples.moved_departures import MOST, moved


def test_everybody_departs_within_a_few_seconds() -> None:
    one = {"route": ["a", "b"], "interval": 1.0, "startTime": 100, "endTime": 100}
    stream = {"route": ["c"], "interval": 36.0, "startTime": 0, "endTime": 3600}
    copy = moved([one, stream], 3)
    assert copy != moved([one, stream], 4)
    assert copy == moved([one, stream], 3)
    assert [entry["startTime"] for entry in copy] == sorted(entry["startTime"] for entry in copy)
    assert all(entry["startTime"] == entry["endTime"] >= 0 for entry in copy)
    (single,) = [entry["startTime"] for entry in copy if entry["route"] == ["a", "b"]]
    assert abs(single - 100) <= MOST
    others = [entry["startTime"] for entry in copy if entry["route"] == ["c"]]
    assert len(others) == 101
    assert max(abs(start - 36 * k) for k, start in enumerate(others)) == MOST
