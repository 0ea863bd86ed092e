"""`verify RUN`: one job runs again, from its config.json, and must give the same bits."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape

from benchmarks import record, store
from benchmarks.errors import InputError, RunError
from benchmarks.jobs import code_digest, read_config
from benchmarks.naming import the_run
from benchmarks.worker import Execute, perform

FRAMES = ("episodes.parquet", "evals.parquet")
ARRAYS = ("checkpoint.npz", store.REPLAY)


def run_verify(place: Path, job: str, console: Console, execute: Execute | None = None) -> int:
    """Run a finished job again and compare every number; return 1 if any bit differs, else 0.

    Args:
        place: a run folder, or a results folder.
        job: "environment/agent/seed", or words of it, in a results folder.
        console: where to print.
        execute: what runs the job; the simulation if not given.

    Raises:
        InputError: no such run, or a damaged one.
        RunError: the job fails.
    """
    folder = find(place, job)
    spec, code = read_config(folder)
    if code != code_digest():
        console.print(f"[yellow]The code has changed since[/] ({code} then, {code_digest()} now): numbers may differ.")
    console.print(f"{escape(spec.title)} runs again ...")
    with tempfile.TemporaryDirectory() as temporary:
        outcome = perform(spec, folder.name, Path(temporary), execute or _simulation())
        if outcome.error:
            raise RunError(f"{outcome.error}\n{outcome.trace}".strip())
        problems = differences(folder, store.run_folder(Path(temporary), folder.name))
    for problem in problems:
        console.print(f"[red]differs[/] {escape(problem)}")
    if not problems:
        console.print(f"[green]the same bits[/] ({outcome.seconds:.1f} s)")
    return 1 if problems else 0


def find(place: Path, job: str) -> Path:
    """Return the run folder that is meant; raise InputError if there is none, or it is damaged."""
    if (place / "config.json").is_file():
        problem = store.check(place)
        if problem:
            raise InputError(f"{place}: {problem}; run the suite again")
        return the_run({place: read_config(place)[0]}, job, place)
    jobs = record.load(place).jobs
    return store.run_folder(place, the_run(jobs, job, place))


def differences(first: Path, second: Path) -> list[str]:
    """Return what differs between two folders of the same run: one line a file, column or array; NaN equals NaN."""
    found = []
    for name in (*FRAMES, *ARRAYS):
        there = [(folder / name).is_file() for folder in (first, second)]
        if there[0] != there[1]:
            found.append(f"{name}: only in one of the two")
        elif there[0]:
            compare = _frames if name in FRAMES else _arrays
            found += [f"{name}: {problem}" for problem in compare(first / name, second / name)]
    return found


def _frames(first: Path, second: Path) -> list[str]:
    import polars as pl

    one, two = pl.read_parquet(first), pl.read_parquet(second)
    if one.schema != two.schema or one.height != two.height:
        return [f"{one.height} rows of {list(one.schema)}, now {two.height} of {list(two.schema)}"]
    found = []
    for name in one.columns:
        old, new = one[name], two[name]
        same = old.to_numpy().tobytes() == new.to_numpy().tobytes() if old.dtype.is_numeric() else old.equals(new)
        if not same:
            where = next((i for i, pair in enumerate(zip(old, new, strict=True)) if repr(pair[0]) != repr(pair[1])), 0)
            metric = one["metric"][where] if "metric" in one.columns else "?"
            found.append(f"column {name}, first in row {where} ({metric}): {old[where]!r}, now {new[where]!r}")
    return found


def _arrays(first: Path, second: Path) -> list[str]:
    with np.load(first, allow_pickle=False) as one, np.load(second, allow_pickle=False) as two:
        names = sorted({*one.files, *two.files})
        return [
            f"array {name}"
            for name in names
            if name not in one.files
            or name not in two.files
            or one[name].dtype != two[name].dtype
            or one[name].tobytes() != two[name].tobytes()
        ]


def _simulation() -> Execute:
    from benchmarks.simulate import simulate

    return simulate
