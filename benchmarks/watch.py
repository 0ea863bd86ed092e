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


def worth_watching(jobs: dict[str, Job], out: Path) -> list[Watched]:
    """Return the worst episode of every environment and agent, and the first of every event, kept or not yet.

    Args:
        jobs: all runs, by the name of their folder.
        out: the results folder, in which they have finished.
    """
    groups: dict[tuple[str, str], dict[str, Job]] = {}
    for key, job in jobs.items():
        if job.role == "agent" and catalogue.FAMILIES[job.env].replay:
            groups.setdefault((job.environment, job.agent), {})[key] = job
    result = []
    for group in groups.values():
        part = _telling(group, out)
        for what in ("worst", *catalogue.FAMILIES[next(iter(group.values())).env].events):
            found = episodes.find(part, group, what)
            if found is not None:
                path = out / FOLDER / f"{found.key}-{found.number}.npz"
                result.append(Watched(found, group[found.key], path))
    return result


def _telling(jobs: dict[str, Job], out: Path) -> pl.DataFrame:
    """Return the rows that tell what to watch: few of the millions that a suite has."""
    import polars as pl

    asked = list(dict.fromkeys(name for job in jobs.values() for name in _metrics(job)))
    where = (pl.col("phase") == "eval") & pl.col("metric").is_in(asked)
    return store.read_runs(out, list(jobs), "episodes.parquet", where)


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
