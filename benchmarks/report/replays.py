"""What there is to watch in a report: replays by environment, agent and what they are shown for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import catalogue, replay, store
from benchmarks.jobs import Job
from benchmarks.watch import Watched

BUDGET = 4_000_000  # characters of replays in one page: then those that are left are named instead
USUAL = "usual"  # the episode that every agent has
LABELS = {
    USUAL: "an episode",
    "worst": "worst",
    "first-deadlock": "first deadlock",
    "first-collision": "first collision",
}
Shown = dict[str, dict[str, dict[str, Any]]]  # agent -> which -> label, title, start, replay


class Replays(NamedTuple):
    """Replays as the page's player reads them, and a sentence about those that did not fit in."""

    shown: dict[str, Shown]  # by environment
    left_out: str

    def of(self, environment: str) -> Shown:
        """Return the replays of an environment by agent."""
        return self.shown.get(environment, {})


def gather(jobs: dict[str, Job], watched: list[Watched], out: Path) -> Replays:
    """Return the replays of a results folder: one episode of everybody, then those worth watching, while there is room.

    Raises:
        FileNotFoundError, TrajectoryError: one is missing or damaged.
    """
    shown: dict[str, Shown] = {}
    room, left = BUDGET, 0
    for key, job in jobs.items():
        if job.replay and catalogue.FAMILIES[job.env].replay:
            one = _entry(USUAL, f"seed {job.seed}", 0, replay.read(store.run_folder(out, key) / store.REPLAY))
            shown.setdefault(job.environment, {}).setdefault(job.agent, {})[USUAL] = one
            room -= len(json.dumps(one, separators=(",", ":")))
    for found, job, path in watched:
        title = f"seed {job.seed}, episode {found.number}: {job.headline} {found.value:.4g}"
        one = _entry(found.what, title, found.step, replay.read(path))
        room -= len(json.dumps(one, separators=(",", ":")))
        if room < 0:
            left += 1
        elif job.agent in shown.get(job.environment, {}):
            shown[job.environment][job.agent][found.what] = one
    many = (
        f"{left} replays are left out, as the page would be too large; they are in {out.name}/replays/." if left else ""
    )
    return Replays(shown, many)


def _entry(what: str, title: str, start: int, shown: dict[str, Any]) -> dict[str, Any]:
    if what == "first-collision":  # no metric says when
        counts = [frame["t"][-1] for frame in shown["frames"]]
        start = next((step for step, count in enumerate(counts) if count), 0)
    return {"label": LABELS[what], "title": title, "start": start, "replay": shown}
