"""What a results folder knows of how it was made (suite.json): from it alone the report can be written again."""

from __future__ import annotations

import datetime
from pathlib import Path

from pydantic import ValidationError

from benchmarks import catalogue, store
from benchmarks.config import Suite
from benchmarks.config_parts import Strict
from benchmarks.errors import InputError
from benchmarks.jobs import Job, code_digest
from benchmarks.machine import summarised, versions
from benchmarks.report import Made, write_report
from benchmarks.report.replays import gather
from benchmarks.report.strangers import read_measured
from benchmarks.summary import Summary, means_of_runs, summary_of_means
from benchmarks.watch import worth_watching

FILE = "suite.json"


class Record(Strict):
    """A finished suite: what ran, and with what."""

    suite: Suite
    jobs: dict[str, Job]  # by the name of the run folder
    command: str
    date: str
    versions: dict[str, str]
    code: str


def make_record(suite: Suite, jobs: dict[str, Job], command: str) -> Record:
    """Return the record of a suite that has just run."""
    date = f"{datetime.datetime.now():%Y-%m-%d %H:%M}"
    return Record(suite=suite, jobs=jobs, command=command, date=date, versions=versions(), code=code_digest())


def save(record: Record, out: Path) -> None:
    """Write suite.json; raise RunError if it cannot be written."""
    with store.writing(out / FILE) as temporary:
        temporary.write_text(record.model_dump_json(indent=1), encoding="utf-8")


def load(out: Path) -> Record:
    """Return the record of a results folder, whose runs are all there and undamaged.

    Raises:
        InputError: it is none, or something of it is missing or damaged.
    """
    path = out / FILE
    try:
        record = Record.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {out} is no finished results folder of a suite") from error
    except ValidationError as error:
        raise InputError(f"{path} is damaged: {error.errors(include_url=False)[0]['msg']}") from error
    for key, job in record.jobs.items():
        problem = store.check(store.run_folder(out, key))
        if problem:
            raise InputError(f"{store.run_folder(out, key)} ({job.title}): {problem}; run the suite again")
    return record


def units(suite: Suite) -> dict[str, dict[str, str]]:
    """Return environment -> metric -> unit."""
    return {
        name: {metric: unit for metric, (unit, _) in catalogue.metrics(environment.env).items()}
        for name, environment in suite.environments.items()
    }


def summary_of(record: Record, out: Path) -> Summary:
    """Return the summary of the final evaluations."""
    return summary_of_means(record.suite, means_of_runs(out, list(record.jobs)), units(record.suite))


def render(record: Record, summary: Summary, out: Path) -> None:
    """Write report.html; raise RunError if it cannot be written, InputError if something of it is damaged."""
    import polars as pl

    keys = list(record.jobs)
    facts = [store.facts(store.run_folder(out, key)) for key in keys]
    cpu = sum(fact["cpu_seconds"] for fact in facts)
    made = Made(record.command, record.date, cpu / 60, summarised(facts), record.versions, record.code)
    headlines = [record.suite.headline_in(name) for name in record.suite.environments]
    evals = store.read_runs(out, keys, "evals.parquet", pl.col("metric").is_in(headlines))  # all that curves show
    watched = [one for one in worth_watching(record.jobs, out) if one.path.is_file()]
    replays = gather(record.jobs, watched, out)
    write_report(out / "report.html", record.suite, summary, evals, replays, made, read_measured(out))
