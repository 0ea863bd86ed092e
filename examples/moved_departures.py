"""Is a learned policy worse than a rule on a flow, or on that one recording of it only? Plays copies of the flow.

    python -m examples.moved_departures results/signals-transfer [--agent leaning-table] [--copies 16]

A published flow is one hour that never varies, and the travel time of one hour depends on chance: who comes a second
later may miss a green. Here every vehicle departs up to five seconds earlier or later, drawn anew in each copy, and the
learned policies of a suite's results play the copies that the rule plays. Differences are in % of the rule's travel
time, means over the copies; the interval is Student's over the trainings.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from agents import evaluate
from benchmarks.catalogue import make
from benchmarks.episodes import player_of
from benchmarks.jobs import Job
from benchmarks.statistics import t_interval
from marl_envs.traffic.signals.controllers import Threshold

MOST = 5  # [s] that a departure is moved
SEED = 7  # of an episode; the demand is fixed


def moved(flow: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Return a copy of a flow whose vehicles depart up to `MOST` seconds earlier or later.

    An entry is a vehicle, or one at each `interval` from `startTime` to `endTime` [s].
    """
    rng = np.random.default_rng(seed)
    copy = []
    for entry in flow:
        for planned in np.arange(entry["startTime"], entry["endTime"] + 1e-9, max(entry["interval"], 1)):
            start = max(0, round(planned) + int(rng.integers(-MOST, MOST + 1)))
            copy.append({**entry, "startTime": start, "endTime": start})
    return sorted(copy, key=lambda entry: int(entry["startTime"]))


def jobs_of(results: Path, agent: str) -> dict[str, list[tuple[Job, Path]]]:
    """Return the jobs of an agent that are measured on a flow in a file, by environment, and their run folders."""
    found: dict[str, list[tuple[Job, Path]]] = {}
    for path in sorted(results.glob("runs/*/config.json")):
        job = Job.model_validate(json.loads(path.read_text())["job"])
        if job.agent == agent and str(job.params.get("demand", "")).endswith(".json"):
            found.setdefault(job.environment, []).append((job, path.parent))
    return found


def differences(jobs: list[tuple[Job, Path]], copies: int, folder: Path) -> Iterator[tuple[float, list[float]]]:
    """Yield for each copy the rule's travel time [s] and how much longer each policy's is [%]."""
    first = jobs[0][0]
    flow = json.loads(Path(first.params["demand"]).read_text())
    players = [player_of(job, path).greedy() for job, path in jobs]
    for number in range(copies):
        path = folder / f"{first.environment}-{number}.json"
        path.write_text(json.dumps(moved(flow, number)))
        vec = make(first.model_copy(update={"params": {**first.params, "demand": str(path)}}), 1)
        rule, *learned = (evaluate(one, vec, 1, SEED)[0]["travel_time"] for one in (Threshold(), *players))
        yield rule, [100.0 * (time / rule - 1.0) for time in learned]


def main() -> None:
    """Play all flows and print a line of each."""
    parser = argparse.ArgumentParser(description="Play copies of flows with moved departures.")
    parser.add_argument("results", type=Path)
    parser.add_argument("--agent", default="leaning-table")
    parser.add_argument("--copies", type=int, default=16)
    options = parser.parse_args()
    jobs = jobs_of(options.results, options.agent)
    if not jobs:
        raise SystemExit(f"{options.results} has no runs of {options.agent} on a flow in a file")
    with tempfile.TemporaryDirectory() as folder:
        for environment, mine in jobs.items():
            times, longer = zip(*differences(mine, options.copies, Path(folder)), strict=True)
            found = t_interval(np.mean(longer, axis=0))
            print(
                f"{environment}: rule {np.mean(times):.1f} s, {options.agent} {found.mean:+.2f} % "
                f"({found.low:+.2f} to {found.high:+.2f}), {found.seeds} trainings, {options.copies} copies",
                flush=True,
            )


if __name__ == "__main__":
    main()
