"""The speed command: rates by the right clock, turns, ratios, and plain words where the peer is missing."""

from __future__ import annotations

import pytest

from benchmarks.speed import peers, report
from benchmarks.speed.measure import Case, measure, rate
from tests.benchmarks.fakes import printed, quiet_console


class Clock:
    """A clock that each block of work moves on by a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def block(self) -> int:
        """Do 100 units of work in a second."""
        self.now += 1.0
        return 100


def test_rate_is_work_over_time_of_whole_blocks() -> None:
    clock = Clock()
    assert rate(clock.block, 2.5, clock) == 100.0
    assert clock.now == 3.0


def test_cases_take_turns() -> None:
    order: list[str] = []
    clock = Clock()

    def block(name: str) -> int:
        order.append(name)
        return clock.block()

    cases = [Case(name, lambda: clock.block, "g", clock=clock) for name in "ab"]
    measure(cases, [lambda: block("a"), lambda: block("b")], 1.0, 3, lambda: None)
    assert order == ["a", "b"] * 3
    assert [case.rates for case in cases] == [[100.0] * 3] * 2


def test_figures_of_a_case() -> None:
    case = Case("x", lambda: lambda: 0, "g", rates=[10.0, 30.0, 20.0])
    assert (case.median, case.best, case.spread) == (20.0, 30.0, 1.0)


def test_table_has_ratios_to_the_peer_of_the_group() -> None:
    cases = [
        Case("ours", lambda: lambda: 0, "tiny", rates=[5000.0]),
        Case("learning", lambda: lambda: 0, "tiny", compared=False, rates=[4000.0]),
        Case("other", lambda: lambda: 0, "small", rates=[7000.0]),
        Case("theirs", lambda: lambda: 0, "tiny", peer=True, rates=[10.0]),
    ]
    console = quiet_console()
    console.print(report.speed_table(cases))
    lines = {line.split()[1]: line.split() for line in printed(console).splitlines() if "%" in line}
    assert lines["ours"][-1] == "500"
    assert lines["learning"][-1] == lines["other"][-1] == lines["theirs"][-1] == "0%"


def test_threads_are_compared_pair_by_pair() -> None:
    pair = [Case(f"batch of 8, {n} threads", lambda: lambda: 0, "g", rates=[1e6 * n, 2e6 * n]) for n in (1, 2)]
    assert report.thread_lines(pair) == [
        "Two threads against one, g, batch of 8: 2.00 x (1.5 -> 3.0 million agent-steps/s)"
    ]
    assert "One processor only" in report.thread_lines([])[0]


def test_measures_for_real_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "has_rware", lambda: False)
    monkeypatch.setattr(report, "thread_cases", list)
    console = quiet_console()
    report.run_speed(0.01, 1, console, "warehouse")
    text = printed(console)
    assert "pip install rware==2.0.0" in text
    for name in ("batch of 1024", "PettingZoo ParallelEnv", "tabular Q-learning"):
        assert name in text
    assert "Vehicle-updates" not in text
