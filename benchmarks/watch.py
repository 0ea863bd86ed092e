"""Episodes worth watching, kept beside a suite's results: what the report's numbers link to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from benchmarks import catalogue, episodes, store
from benchmarks.episodes import Found
from benchmarks.jobs import Job

if TYPE_CHECKING:
    import polars as pl

FOLDER = "replays"  # in the results folder


class Watched(NamedTuple):
    """An episode worth watching, and where it is kept."""

    found: Found
    job: Job
    path: Path


def worth_watching(jobs: dict[str, Job], played: pl.DataFrame, out: Path) -> list[Watched]:
    """Return the worst episode of every environment and agent, and the first of every event, kept or not yet.

    Args:
        jobs: all runs, by the name of their folder.
        played: their final evaluation episodes.
        out: the results folder.
    """
    import polars as pl

    groups: dict[tuple[str, str], dict[str, Job]] = {}
    for key, job in jobs.items():
        if job.role == "agent" and catalogue.FAMILIES[job.env].replay:
            groups.setdefault((job.environment, job.agent), {})[key] = job
    # A suite has millions of rows, of which few tell what to watch: they are looked for once
    asked = {name for job in jobs.values() for name in _metrics(job)}
    telling = played.filter((pl.col("phase") == "eval") & pl.col("metric").is_in(list(asked)))
    parts = telling.partition_by("env", "algo", as_dict=True)
    result = []
    for names, group in groups.items():
        part = parts.get(names, telling.clear())
        for what in ("worst", *catalogue.FAMILIES[next(iter(group.values())).env].events):
            found = episodes.find(part, group, what)
            if found is not None:
                path = out / FOLDER / f"{found.key}-{found.number}.npz"
                result.append(Watched(found, group[found.key], path))
    return result


def _metrics(job: Job) -> list[str]:
    """Return the metrics that tell which episodes of a job are worth watching."""
    events = catalogue.FAMILIES[job.env].events.values()
    return [job.headline, *(event.counted for event in events), *(event.at for event in events if event.at)]


def keep(watched: list[Watched], out: Path, console: Console) -> None:
    """Play those again that are not kept yet, and write them; raise RunError if they cannot be written."""
    missing = {one.path: one for one in watched if not one.path.is_file()}
    if missing:
        console.print(f"[dim]playing {len(missing)} episodes again, for the report to show[/]")
    for path, one in missing.items():
        trajectory = episodes.trajectory(one.job, store.run_folder(out, one.found.key), one.found.number)
        with store.writing(path) as temporary:
            path.parent.mkdir(exist_ok=True)
            trajectory.save(temporary)
