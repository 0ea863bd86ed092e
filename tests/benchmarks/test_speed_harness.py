"""What the harness measures of itself adds up; nothing timed is asserted."""

from __future__ import annotations

import pytest

from benchmarks.speed import harness
from tests.benchmarks.fakes import printed, quiet_console


def test_cost_of_jobs_is_part_of_the_whole() -> None:
    cost = harness.cost(harness.trivial_jobs(3), harness.trivial, 1)
    assert 0 < cost.of_jobs < cost.cpu


def test_jobs_differ_only_in_their_seed() -> None:
    jobs = harness.trivial_jobs(4)
    assert [job.seed for job in jobs] == [0, 1, 2, 3]
    assert len({job.model_copy(update={"seed": 0}).model_dump_json() for job in jobs}) == 1


def test_prints_rate_and_share(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[object] = []

    def cost(jobs: list[object], execute: object, workers: int) -> harness.Cost:
        if execute is harness.timed:
            assert warmed == jobs, "kernels are compiled before"
            return harness.Cost(wall=30.0, cpu=2.0 * len(jobs) + 4.2, of_jobs=2.0 * len(jobs))
        start = 3.0 if len(jobs) == workers else 13.0
        return harness.Cost(wall=10.0, cpu=start + 2.0, of_jobs=2.0)

    monkeypatch.setattr(harness, "cost", cost)
    monkeypatch.setattr(harness, "warm_up", lambda jobs, console: warmed.extend(jobs))
    console = quiet_console()
    harness.run_harness(0.5, 2, console)
    text = printed(console)
    assert "1,000 trivial jobs in 2 processes: 100 jobs a second" in text
    assert "1.5 s to start a process, and 10.0 ms a job" in text
    assert "beside the 42 jobs of quick, 2.0 CPU-seconds each: 5.0% of the jobs' CPU time" in text
